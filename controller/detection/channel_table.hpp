// SPDX-License-Identifier: Apache-2.0
// The tagger's channels as the tag loop looks them up, and all lengths of a TimingLayout in stream time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "drivers/hal/rig.hpp"

namespace nicol::detection {

/// Lengths in units of 1/den picosecond, with num/den reduced.
struct StreamTiming {
  StreamTiming(const hal::TimingLayout& timing, TickLength tick);
  std::int64_t num = 1, den = 1;
  std::int64_t period = 0, gate = 0, blind = 0, divider = 1;
  std::int64_t from(Picoseconds t) const noexcept { return t.count * den; }
};

enum class ChannelUse : std::uint8_t { ignored, counted, sync, frame, pps };

class ChannelTable {
 public:
  struct Entry {
    ChannelUse use = ChannelUse::ignored;
    std::uint8_t who = 0;  // index among the counted channels
    std::int64_t delay = 0;
  };
  /// Counts the channels of `role` (detector at Bob, herald at Alice).
  ChannelTable(const hal::TimingLayout& timing, const StreamTiming& unit, hal::ChannelRole role);

  /// For a loop over many tags.
  struct View {
    const Entry* entries;
    std::size_t last;
    const Entry& operator[](std::uint16_t channel) const noexcept {
      return entries[std::min<std::size_t>(channel, last)];
    }
  };
  View view() const noexcept { return {entries_.data(), entries_.size() - 1}; }
  const Entry& operator[](std::uint16_t channel) const noexcept { return view()[channel]; }
  const std::vector<hal::ChannelLayout>& counted() const { return counted_; }
  bool has_frame() const { return has_frame_; }
  bool has_sync() const { return has_sync_; }
  /// A pps channel that counts: where there is a sync channel, none does.
  bool has_pps() const { return has_pps_; }
  std::int64_t least_delay() const { return least_; }
  std::int64_t largest_delay() const { return largest_; }
  /// Of the sync channel, or of the pps channel where there is none.
  std::int64_t sync_delay() const { return sync_delay_; }
  /// Any counted channel in this mask of a LossInterval? Channels past its 32 bits always are.
  bool counts_any(std::uint32_t mask) const noexcept;

 private:
  std::vector<Entry> entries_;  // the last one stands for every unknown channel
  std::vector<hal::ChannelLayout> counted_;
  bool has_frame_ = false, has_sync_ = false, has_pps_ = false;
  std::int64_t least_ = 0, largest_ = 0, sync_delay_ = 0;
};

}  // namespace nicol::detection
