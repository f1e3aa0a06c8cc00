// SPDX-License-Identifier: Apache-2.0
// The slot clock of a receiver that has nothing but its clicks: finds period, phase and slot number, follows them,
// checks itself against public slots, and gives up what it cannot vouch for (TIMING.md).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "controller/detection/channel_table.hpp"
#include "controller/detection/clock/anchors.hpp"
#include "controller/detection/clock/clock_report.hpp"
#include "controller/detection/clock/near_search.hpp"
#include "controller/detection/clock/period_search.hpp"
#include "controller/detection/clock/public_check.hpp"
#include "controller/detection/clock/public_pattern.hpp"
#include "controller/detection/clock/slot_search.hpp"
#include "controller/detection/clock/tracked_line.hpp"

namespace nicol::detection {

/// Where clicks lie while slots are searched; in locked memory, its content worthless between two calls.
struct ClockScratch {
  static constexpr std::size_t kClicks = 16384;
  std::int8_t values[kClicks];
  std::int16_t correlation[kCombReach], second[kCombReach];
};

/// Counted tags whose slots are not settled, in the order of their times; all of them before `limit` are in.
struct TagQueue {
  std::span<const std::int64_t> times;
  std::span<const std::uint8_t> who;
  std::int64_t limit = 0;
  ClockScratch* scratch = nullptr;
};

struct RecoveryOptions {
  double reach = 105e-6;            // of the frequency search at the first lock
  std::optional<ClockPrior> known;  // searched around it instead, as near as after a lost lock
  ClockNoise noise;
};

class RecoveredClock {
 public:
  /// channels: those counted, for their bases and bits (a passive receiver).
  RecoveredClock(const StreamTiming& unit, const ChannelTable& channels, PublicPattern pattern,
                 RecoveryOptions options = {});

  /// Looks at the tags from `seen` on; returns how many of the queue are seen now: as far as the first tag after which
  /// a stretch closed or the lock was lost. Equal results wherever limits fall.
  std::size_t observe(const TagQueue& queue, std::size_t seen);
  /// The first n tags have left the queue.
  void forgotten(std::size_t n) noexcept {
    attempt_at_ = attempt_at_ > n ? attempt_at_ - n : 0;
    near_attempt_at_ = near_attempt_at_ > n ? near_attempt_at_ - n : 0;
  }
  /// Slots that no check will ever vouch for, once known; each range once.
  std::optional<SlotRange> take_unconfirmed() noexcept;
  /// No check has vouched for slots from here on yet.
  std::uint64_t confirmed_slots() const noexcept { return static_cast<std::uint64_t>(confirmed_to_); }
  /// After a lost lock: slots below this one will never be numbered any more, since a lock numbers from its last click
  /// on and all before `limit` were tried. What the comb may still find is left open.
  std::uint64_t give_up(std::int64_t limit) noexcept;
  /// Light goes on at this slot, after a pause of unknown length: a preamble stands there.
  void resume(std::uint64_t first_slot);

  bool started() const noexcept { return !anchors_.empty(); }
  bool full() const noexcept { return anchors_.full(); }
  bool has_closed() const noexcept { return anchors_.has_closed(); }
  Stretch oldest() const noexcept { return anchors_.oldest(); }
  std::int64_t oldest_end() const noexcept { return anchors_.oldest_end(); }
  void pop() noexcept { anchors_.pop(); }
  Stretch extrapolated() const noexcept { return line_.ahead(); }
  /// What lies beyond is given up by its name: nothing here is trusted that no check vouches for.
  std::int64_t trusted_slots() const noexcept { return slots_; }
  bool firm(std::int64_t) const noexcept { return true; }
  bool over(std::int64_t) const noexcept { return state_ == State::ended; }

  const PublicPattern& pattern() const noexcept { return pattern_; }
  ClockReport report() const;

 private:
  enum class State : std::uint8_t { searching, tracking, ended };
  enum class Loss : std::uint8_t { dark, phase, slip };

  std::size_t search(const TagQueue& queue);
  std::size_t first_within(const TagQueue& queue, std::size_t count, double seconds) const;
  bool lock_near(const TagQueue& queue, std::size_t count);
  bool lock(const TagQueue& queue, std::size_t first, std::size_t count);
  PeriodBand band_at(std::int64_t now) const noexcept;
  static std::size_t darkness_before(std::span<const std::int64_t> times) noexcept;
  PeriodBand band_around(double frequency, double drift) const noexcept;
  std::size_t first_light(std::span<const std::int64_t> times, const PulseTrain& train) const;
  double lean(std::span<const std::int64_t> times, const PulseTrain& train) const;
  std::optional<SlotLock> find_slots(const TagQueue& queue, std::size_t first, std::size_t count,
                                     const PulseTrain& train);
  std::optional<PulseTrain> train_of_light(std::span<const std::int64_t> light, const PulseTrain& whole);
  void begin_tracking(const PulseTrain& train, const SlotLock& found, std::int64_t last_time);
  void number_from(std::int64_t last_time, double contrast);
  std::size_t track(const TagQueue& queue, std::size_t seen);
  void take(std::int64_t t) noexcept;
  bool strong() const noexcept;
  void close_batch(const TagQueue& queue, std::int64_t now);
  bool measure();
  void push_anchor(const TagQueue& queue);
  void check(const TagQueue& queue, const Stretch& stretch);
  void pass(std::int64_t slot) noexcept;
  void lose(Loss why, std::int64_t now) noexcept;
  void end() noexcept;
  std::int64_t in_units(double seconds) const noexcept { return std::llround(seconds / line_.unit()); }

  std::int64_t nominal_, gate_, slots_;
  RecoveryOptions options_;
  PublicPattern pattern_;
  std::vector<std::int8_t> value_;  // by detector: +1, -1; 0: not the pattern's basis
  PeriodSearch period_;
  std::vector<std::int64_t> local_;

  State state_ = State::searching;
  TrackedLine line_;
  std::optional<TrackedLine> known_;  // as a check has confirmed it; the numbers of this light go on from it
  Anchors anchors_;
  std::size_t attempt_at_;                   // tags in the queue for the next attempt to lock
  std::size_t near_attempt_at_ = 0;          // and for the next one near the line that is known
  std::int64_t search_from_, end_time_ = 0;  // end_time_: of the block, where known
  std::int64_t min_slot_ = 0;
  std::int64_t doubtful_to_ = 0;  // slots that tags of a lost numbering may have been given
  ArrivalPhase batch_, recent_;
  double batch_slots_ = 0;
  std::int64_t batch_from_ = 0;
  PublicCheck check_{0};
  std::int64_t confirmed_to_ = 0, pending_from_ = 0, passed_to_ = -1;
  std::optional<SlotRange> unconfirmed_;
  ClockReport report_;
};

}  // namespace nicol::detection
