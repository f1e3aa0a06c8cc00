// SPDX-License-Identifier: Apache-2.0
// nicol-swabian-bridge SOCKET [SERIAL]: serves one Time Tagger on a local socket until it gets a signal.
#include <fmt/core.h>

#include <csignal>

#include "drivers/tagger-bridge/swabian/swabian_bridge.hpp"

int main(int argc, char** argv) {
  using namespace nicol;
  if (argc < 2) {
    fmt::print(stderr, "usage: {} unix:PATH.tagger [SERIAL]\n", argv[0]);
    return 2;
  }
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGINT);
  sigaddset(&wanted, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &wanted, nullptr);  // before any thread
  const auto address = tagger_bridge::parse_address(argv[1]);
  if (!address) {
    fmt::print(stderr, "{}\n", describe(address.error()));
    return 2;
  }
  TimeTagger* tagger = createTimeTagger(argc > 2 ? argv[2] : "");
  {
    bridge::ServerOptions options;
    options.address = *address;
    auto served = bridge::SwabianBridge::open(*tagger, std::move(options));
    if (!served) {
      fmt::print(stderr, "{}\n", describe(served.error()));
      return 1;
    }
    int signal = 0;
    (void)sigwait(&wanted, &signal);
  }
  freeTimeTagger(tagger);
  return 0;
}
