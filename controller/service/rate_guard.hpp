// SPDX-License-Identifier: Apache-2.0
// Detectors must not be driven over their rate: bright light harms them and lets Eve steer them. Sees every block of
// Bob's stream, whatever the tagger, and says when a limit was passed for 100 ms of any second of stream time.
#pragma once

#include <bitset>
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
    double hertz = 0, limit = 0;  // over the last window, with what is known to be lost
    bool withheld = false;        // tags are missing there, nobody knows how many: that counts as over the limit
  };
  /// The next block, in order. Allocates nothing. Time counts in windows of 10 ms: bursts add up, and so do losses.
  /// With few counts a window (limits below some 10 kHz) it may trip a little below the limit.
  std::optional<OverRate> see(const hal::TagBlock& block) noexcept;
  /// The next block belongs to a stream with another origin. What was seen of the last second still counts.
  void begin_anew() noexcept;

 private:
  static constexpr Picoseconds kWindow = Picoseconds::seconds(0.01);
  static constexpr int kWindowsToTrip = 10, kMemory = 100;  // windows
  struct Guarded {
    std::uint16_t channel = 0;
    double limit = 0;
    double count = 0;  // of the window under way
    bool withheld = false;
    std::bitset<kMemory> over;  // the last windows, newest first
  };
  void count(std::uint16_t channel) noexcept;
  std::optional<OverRate> close_window() noexcept;
  void note_losses(const hal::TagBlock& block, std::int64_t until) noexcept;
  void note_loss(const hal::LossInterval& loss, double share) noexcept;

  std::int64_t window_ticks_ = 1, window_end_ = 0;
  bool begun_ = false;
  std::vector<Guarded> guarded_;
  std::vector<std::int32_t> by_channel_;  // index into guarded_, -1: not a guarded detector
};

/// For the rig's tagger and detectors: with_device_limits(), and the tagger's tick.
RateGuard guard_of(const hal::Rig& rig);
/// The rig's layout; where the device of role "detector-N" bears less than the layout says of channel N, its word
/// counts.
hal::TimingLayout with_device_limits(const hal::Rig& rig);

}  // namespace nicol::service
