// SPDX-License-Identifier: Apache-2.0
// nicol-emu: the same nicol with emulated instruments plugged in. Its drivers, libusb and libserialport are the real
// ones; only the cables are not. `nicol-emu run --scenario emulated` makes key through them, `nicol-emu devices` shows
// a shelf with one of each.
#include <signal.h>

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
  for (int i = 1; i < argc; ++i)
    if (std::string_view(argv[i]) == "devices" && !shelf) shelf.emplace();
  nicol::app::Hooks hooks;
  nicol::test::EmulatedLab lab;
  hooks.rig = [&lab](const nicol::app::NodeSetup& node) { return lab.rig(node); };
  return nicol::app::nicol_main(argc, argv, std::move(hooks));
}
