// SPDX-License-Identifier: Apache-2.0
// Numbers the slots: frame and sync tags in, straight stretches of the slot clock out. Heals lost sync tags, refuses
// spurious ones, follows a clock that runs up to 100 ppm off.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "controller/detection/channel_table.hpp"
#include "controller/detection/stretch.hpp"

namespace nicol::detection {

class SlotClock {
 public:
  /// Without a frame channel the first sync tag from half a sync interval before `hint` on is slot 0.
  SlotClock(const StreamTiming& unit, std::uint64_t slots, bool has_frame, std::int64_t hint);

  /// Times are corrected for their channel's delay and come in order, each kind by itself.
  void frame(std::int64_t t) noexcept;
  void sync(std::int64_t t) noexcept;
  /// After a pause: the next frame tag marks `first_slot` (a multiple of the divider); nothing of the old rate is kept.
  void resume(std::uint64_t first_slot) noexcept;
  std::uint64_t missing() const noexcept { return missing_; }
  std::uint64_t rejected() const noexcept { return rejected_; }
  bool full() const noexcept { return count_ == kAnchors; }

  bool started() const noexcept { return count_ > 0; }
  /// Slot 0 is final: no sync tag later than `sync_in` can still refine the frame marker.
  bool firm(std::int64_t sync_in) const noexcept { return !provisional_ || sync_in > newest().time + near_; }

  /// Stretches between neighbouring accepted sync tags, oldest first.
  bool has_closed() const noexcept { return count_ > 1; }
  Stretch oldest() const noexcept;
  std::int64_t oldest_end() const noexcept { return at(1).time; }
  void pop() noexcept;

  /// Beyond the newest sync tag, at the rate of the last sixteen.
  Stretch extrapolated() const noexcept;
  /// Slots from here on would rest on a rate that nobody has checked for too long.
  std::int64_t trusted_slots() const noexcept;
  /// No sync tag of this block can follow: it is the last, or all tags before `sync_in` are in and none came.
  bool over(std::int64_t sync_in) const noexcept;

 private:
  struct Anchor {
    std::int64_t index = 0, time = 0;
  };
  static constexpr std::size_t kAnchors = 1024, kBaseline = 16;
  static constexpr std::int64_t kLockedAfter = 4, kTrustedIntervals = 64;

  const Anchor& at(std::size_t i) const noexcept { return anchors_[(head_ + i) % kAnchors]; }
  const Anchor& newest() const noexcept { return at(count_ - 1); }
  const Anchor& baseline() const noexcept { return recent_[accepted_ < kBaseline ? 0 : accepted_ % kBaseline]; }
  void start(std::int64_t t, bool provisional) noexcept;
  void accept(Anchor anchor) noexcept;
  void measure_rate() noexcept;
  std::int64_t tolerance(std::int64_t intervals) const noexcept;

  std::int64_t divider_, nominal_, interval_, gate_, near_, needed_;
  std::int64_t first_index_ = 0;  // of the slot that the frame marker stands for
  bool has_frame_, provisional_ = false;
  std::int64_t hint_, before_frame_;
  std::array<Anchor, kAnchors> anchors_{};
  std::size_t head_ = 0, count_ = 0;
  std::array<Anchor, kBaseline> recent_{};
  std::size_t accepted_ = 0;
  std::int64_t rate_length_ = 0, rate_intervals_ = 0;  // measured; 0 intervals: nominal
  std::uint64_t missing_ = 0, rejected_ = 0;
};

}  // namespace nicol::detection
