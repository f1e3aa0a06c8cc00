// SPDX-License-Identifier: Apache-2.0
// nicol-swabian-bridge: serves one Swabian Time Tagger, on a local socket or sealed over TCP, until it gets a signal.
#include <fmt/core.h>

#include <csignal>

#include "controller/app/key_file_seal.hpp"
#include "drivers/hal/registry.hpp"
#include "drivers/tagger-bridge/swabian/swabian_bridge.hpp"

namespace {

using namespace nicol;

int refuse(const std::string& why) {
  fmt::print(stderr,
             "nicol-swabian-bridge: {}\nusage: nicol-swabian-bridge address=unix:PATH.tagger | "
             "address=tcp:HOST:PORT,key=FILE [,serial=SERIAL]\n",
             why);
  return 2;
}

/// Before any thread, so that all of them leave these to sigwait.
sigset_t block_signals() {
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGINT);
  sigaddset(&wanted, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &wanted, nullptr);
  return wanted;
}

int serve(TimeTagger& tagger, bridge::ServerOptions options, const sigset_t& until) {
  auto served = bridge::SwabianBridge::open(tagger, std::move(options));
  if (!served) {
    fmt::print(stderr, "nicol-swabian-bridge: {}\n", describe(served.error()));
    return 1;
  }
  int signal = 0;
  (void)sigwait(&until, &signal);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return refuse("one argument was expected");
  const auto args = hal::parse_device_args(argv[1]);
  if (!args) return refuse(describe(args.error()));
  const auto address = tagger_bridge::parse_address(hal::argument(*args, "address"));
  if (!address) return refuse(describe(address.error()));
  const sigset_t signals = block_signals();
  bridge::ServerOptions options;
  options.address = *address;
  options.key_file = hal::argument(*args, "key");
  if (!options.key_file.empty()) options.seal = app::key_file_seal;
  TimeTagger* tagger = createTimeTagger(hal::argument(*args, "serial"));
  const int exit = serve(*tagger, std::move(options), signals);
  freeTimeTagger(tagger);
  return exit;
}
