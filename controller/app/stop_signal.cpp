// SPDX-License-Identifier: Apache-2.0
#include "controller/app/stop_signal.hpp"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "controller/secret/locked_key.hpp"

namespace nicol::app {

StopSignal::StopSignal(int descriptor)
    : descriptor_(descriptor), thread_([this](std::stop_token stop) { listen(stop); }) {}

StopSignal::~StopSignal() {
  thread_.request_stop();
  thread_.join();
}

void StopSignal::listen(std::stop_token stop) {
  while (!stop.stop_requested()) {
    pollfd p{descriptor_, POLLIN, 0};
    if (poll(&p, 1, 50) <= 0) continue;
    signalfd_siginfo info{};
    if (::read(descriptor_, &info, sizeof info) != static_cast<ssize_t>(sizeof info)) continue;
    if (!requested_.request_stop()) {
      secret::wipe_all();
      _exit(128 + static_cast<int>(info.ssi_signo));
    }
  }
}

}  // namespace nicol::app
