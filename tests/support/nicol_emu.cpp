// SPDX-License-Identifier: Apache-2.0
// nicol-emu: the same nicol with emulated instruments plugged in. Its drivers, libusb and libserialport are the real
// ones; only the cables are not. `nicol-emu run --scenario emulated` makes key through them, `nicol-emu devices` shows
// a shelf with one of each, `nicol-emu source` runs on that shelf with a laser driver and an oven beside it.
#include <signal.h>

#include <memory>
#include <optional>
#include <string_view>

#include "controller/app/cli.hpp"
#include "tests/support/emulated_rig.hpp"

int main(int argc, char** argv) {
  sigset_t ending;  // before the first thread: the program takes these itself
  sigemptyset(&ending);
  sigaddset(&ending, SIGINT);
  sigaddset(&ending, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);
  nicol::test::check_tty_interposition();
  nicol::test::check_usb_interposition();
  std::optional<nicol::test::EmulatedShelf> shelf;
  std::unique_ptr<nicol::test::EmulatedPump> pump;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word(argv[i]);
    if ((word == "devices" || word == "source") && !shelf) shelf.emplace();
    const auto pairs = word == "source" && !pump ? nicol::sim::load_scenario("emulated-entangled")
                                                 : nicol::Result<nicol::sim::Scenario>(nicol::Error{});
    if (pairs) pump = std::make_unique<nicol::test::EmulatedPump>(pairs->source.pairs);
  }
  nicol::app::Hooks hooks;
  nicol::test::EmulatedLab lab;
  hooks.rig = [&lab](const nicol::app::NodeSetup& node) { return lab.rig(node); };
  return nicol::app::nicol_main(argc, argv, std::move(hooks));
}
