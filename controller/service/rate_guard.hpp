// SPDX-License-Identifier: Apache-2.0
// Detectors must not be driven over their rate: bright light harms them and lets Eve steer them. Sees every block of
// Bob's stream, whatever the tagger, and says when a limit was passed for 100 ms of stream time on end.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "drivers/hal/rig.hpp"

namespace nicol::service {

class RateGuard {
 public:
  RateGuard(const hal::TimingLayout& timing, TickLength tick);

  struct OverRate {
    std::uint16_t channel = 0;
    double hertz = 0, limit = 0;  // over the last window; what the device withheld counts as over the limit
  };
  /// The next block, in order. Allocates nothing.
  std::optional<OverRate> see(const hal::TagBlock& block) noexcept;

 private:
  static constexpr Picoseconds kWindow = Picoseconds::seconds(0.01);
  static constexpr int kWindowsToTrip = 10;
  struct Guarded {
    std::uint16_t channel = 0;
    double limit = 0;
    std::uint64_t count = 0;
    int windows_over = 0;
    bool withheld = false;
  };
  std::optional<OverRate> close_window() noexcept;
  void note_withheld(const hal::TagBlock& block, std::int64_t until) noexcept;

  std::int64_t window_ticks_ = 1, window_end_ = 0;
  bool begun_ = false;
  std::vector<Guarded> guarded_;
  std::vector<std::int32_t> by_channel_;  // index into guarded_, -1: not a guarded detector
};

}  // namespace nicol::service
