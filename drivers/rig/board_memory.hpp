// SPDX-License-Identifier: Apache-2.0
// What of a board's commands is in flight, in memory of its own: patterns are raw key material.
#pragma once

#include <array>

#include "drivers/rig/board.hpp"

namespace nicol::rig {

struct Board::Memory {
  Memory(fw::Framing framing, fw::RetryTiming retry) noexcept : requester(framing, retry) {}
  fw::Requester requester;
  std::array<std::uint8_t, fw::Requester::kMostFrameBytes> frame{};  // under sending_mutex_
};

inline std::uint64_t steady_ms() {
  using namespace std::chrono;
  return static_cast<std::uint64_t>(duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count());
}

}  // namespace nicol::rig
