// SPDX-License-Identifier: Apache-2.0
// A thread's alarm clock: sleep until bytes come, there is room, time is up or somebody rings.
#pragma once

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <stdexcept>

#include "tests/support/interpose.hpp"

namespace nicol::test {

/// ring() from any thread, sleep() from one.
class WakeUp {
 public:
  WakeUp() : event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (event_ < 0) throw std::runtime_error("no eventfd");
  }
  ~WakeUp() { real_close(event_); }
  WakeUp(const WakeUp&) = delete;
  WakeUp& operator=(const WakeUp&) = delete;

  void ring() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = ::write(event_, &one, sizeof one);
  }
  /// `descriptor` may be negative: none. `events`: POLLIN, POLLOUT.
  void sleep(int descriptor, short events, std::chrono::nanoseconds at_most) {
    std::array<pollfd, 2> watched{{{event_, POLLIN, 0}, {descriptor, events, 0}}};
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(at_most);
    const timespec timeout{seconds.count(), (at_most - seconds).count()};
    ::ppoll(watched.data(), watched.size(), &timeout, nullptr);
    std::uint64_t rings = 0;
    [[maybe_unused]] const ssize_t n = ::read(event_, &rings, sizeof rings);
  }

 private:
  int event_;
};

}  // namespace nicol::test
