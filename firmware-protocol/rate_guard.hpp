// SPDX-License-Identifier: Apache-2.0
// Bright light on single-photon detectors, noticed: a count rate over the limit for 100 ms on end.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "firmware-protocol/board.hpp"

namespace nicol::fw {

class RateGuard {
 public:
  static constexpr std::size_t kMostDetectors = 16;
  static constexpr std::uint32_t kLastingMs = 100;  // shorter bursts pass
  static constexpr std::uint32_t kSampleMs = 20;    // the rate is the mean over this long or a bit more

  explicit RateGuard(Board& board) noexcept;
  std::uint32_t limit_hz(std::size_t detector) const noexcept { return watched_[detector].limit_hz; }
  /// False when it is 0 or wider than the board's widest.
  bool set_limit(std::size_t detector, std::int64_t hz) noexcept;
  /// To be called every few milliseconds. The detector whose rate has been too high for 100 ms, told once each time.
  std::optional<std::size_t> poll(std::uint64_t now_ms) noexcept;

 private:
  struct Watched {
    std::uint32_t limit_hz = 0;
    std::uint64_t events = 0, over_ms = 0;
  };
  Board* board_;
  std::array<Watched, kMostDetectors> watched_{};
  std::optional<std::uint64_t> sampled_ms_;
};

}  // namespace nicol::fw
