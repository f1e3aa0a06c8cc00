// SPDX-License-Identifier: Apache-2.0
// The index of a sync tag is the rounded number of sync intervals since the last accepted one.
#include "controller/detection/slot_clock.hpp"

#include <algorithm>
#include <cstdlib>
#include <limits>

namespace nicol::detection {
namespace {

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::min() / 4;
constexpr std::int64_t kLongestStream = std::int64_t{1} << 61;  // SlotStream refuses longer ones

}  // namespace

SlotClock::SlotClock(const StreamTiming& unit, std::uint64_t slots, bool has_frame, std::int64_t hint)
    : divider_(unit.divider),
      nominal_(unit.period * unit.divider),
      interval_(nominal_),
      gate_(unit.gate),
      near_(unit.period / 2),
      needed_(static_cast<std::int64_t>((slots + static_cast<std::uint64_t>(unit.divider) - 1) /
                                        static_cast<std::uint64_t>(unit.divider))),
      has_frame_(has_frame),
      hint_(hint),
      before_frame_(kNever) {}

void SlotClock::start(std::int64_t t, bool provisional) noexcept {
  provisional_ = provisional;
  accept({first_index_, t});
}

void SlotClock::resume(std::uint64_t first_slot) noexcept {
  first_index_ = static_cast<std::int64_t>(first_slot) / divider_;
  head_ = count_ = accepted_ = 0;
  provisional_ = false;
  before_frame_ = kNever;
  interval_ = nominal_;
  rate_length_ = rate_intervals_ = 0;
}

void SlotClock::frame(std::int64_t t) noexcept {
  if (started()) {
    ++rejected_;
    return;
  }
  // The first slot has both marks; the sync tag is the one that all later stretches are measured from.
  const bool have_sync = t - before_frame_ <= near_;
  start(have_sync ? before_frame_ : t, !have_sync);
}

void SlotClock::sync(std::int64_t t) noexcept {
  if (!started()) {
    before_frame_ = t;
    if (!has_frame_ && t >= hint_ - nominal_ / 2) start(t, false);
    return;
  }
  if (provisional_) {
    provisional_ = false;
    const std::int64_t frame = newest().time;
    if (std::abs(t - frame) <= near_) {
      count_ = accepted_ = 0;
      return start(t, false);
    }
  }
  const std::int64_t elapsed = t - newest().time;
  const std::int64_t intervals = elapsed <= 0 ? 0 : (elapsed + interval_ / 2) / interval_;
  if (intervals == 0 || std::abs(elapsed - intervals * interval_) > tolerance(intervals)) {
    ++rejected_;
    return;
  }
  const std::int64_t index = newest().index + intervals;
  if (index >= needed_) return;  // after the block: its last stretch is extrapolated whatever still comes
  missing_ += static_cast<std::uint64_t>(intervals - 1);
  accept({index, t});
}

void SlotClock::accept(Anchor anchor) noexcept {
  anchors_[(head_ + count_++) % kAnchors] = anchor;
  recent_[accepted_++ % kBaseline] = anchor;
  measure_rate();
}

void SlotClock::measure_rate() noexcept {
  rate_length_ = newest().time - baseline().time;
  rate_intervals_ = newest().index - baseline().index;
  interval_ = rate_intervals_ == 0 ? nominal_ : (rate_length_ + rate_intervals_ / 2) / rate_intervals_;
  // A rate over 100 ppm off is a spurious tag taken for a sync tag while the clock was not locked: not believed.
  if (std::abs(interval_ - nominal_) <= std::max<std::int64_t>(nominal_ / 10'000, 1)) return;
  interval_ = nominal_;
  rate_intervals_ = 0;
}

/// Half a gate for the jitter, plus what the rate can be wrong by: 200 ppm before it is measured; after that the same
/// jitter at the far end of the baseline, and 1 ppm of wander.
std::int64_t SlotClock::tolerance(std::int64_t intervals) const noexcept {
  // Asked of no more intervals than a stream can hold, and a gate is no longer than one: nothing overflows.
  const std::int64_t elapsed = intervals * interval_;
  const std::int64_t drift =
      rate_intervals_ < kLockedAfter ? elapsed / 5'000 : gate_ / 2 * intervals / rate_intervals_ + elapsed / 1'000'000;
  return std::min(gate_ / 2 + drift, interval_ / 4);
}

Stretch SlotClock::oldest() const noexcept {
  const Anchor &a = at(0), &b = at(1);
  return {a.time, a.index * divider_, b.time - a.time, (b.index - a.index) * divider_};
}

void SlotClock::pop() noexcept {
  head_ = (head_ + 1) % kAnchors;
  --count_;
}

Stretch SlotClock::extrapolated() const noexcept {
  const Anchor& a = newest();
  if (rate_intervals_ == 0) return {a.time, a.index * divider_, nominal_, divider_};
  return {a.time, a.index * divider_, rate_length_, rate_intervals_ * divider_};
}

std::int64_t SlotClock::trusted_slots() const noexcept {
  return (newest().index + (rate_intervals_ == 0 ? 1 : kTrustedIntervals)) * divider_;
}

bool SlotClock::over(std::int64_t sync_in) const noexcept {
  const std::int64_t left = needed_ - 1 - newest().index;
  if (left <= 0) return true;
  if (left > kLongestStream / interval_) return false;
  return sync_in > newest().time + left * interval_ + tolerance(left);
}

}  // namespace nicol::detection
