// SPDX-License-Identifier: Apache-2.0
// Waiting for what another thread does, in tests.
#pragma once

#include <chrono>
#include <thread>

#include "drivers/hal/clocks.hpp"

namespace nicol::transport {

template <class Condition>
bool eventually(Condition condition, std::chrono::milliseconds limit = std::chrono::seconds(20)) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

inline Deadline in(std::chrono::milliseconds time) { return {std::chrono::steady_clock::now() + time}; }

}  // namespace nicol::transport
