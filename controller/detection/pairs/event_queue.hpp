// SPDX-License-Identifier: Apache-2.0
// One side's events on their way into the merge: ticks become picoseconds once, dummies are left out, times that step
// back are put right or cut off, and each detector's delay is taken off.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "drivers/hal/units.hpp"

namespace nicol::detection::pairs {

/// Detectors that fired together: bit 0 V, 1 minus, 2 H, 3 plus; 0: nobody says. kDummy: no photon.
using Pattern = std::uint8_t;
inline constexpr Pattern kDummy = 0x10;
/// ps by detector: how much later than the others it reports.
using Delays = std::array<double, 4>;

/// The mean of the detectors in a pattern; 0 for none.
double delay_of(const Delays& delays, Pattern pattern);

struct QueueCounts {
  std::uint64_t events = 0, dummies = 0;
  std::uint64_t backward_jumps = 0;  // events earlier than the one before
  std::uint64_t left_out = 0;        // of them and of those before them: events that fit nowhere
  std::uint64_t restarts = 0;        // steps back that lasted: later times go on where the earlier ones ended
};

class EventQueue {
 public:
  explicit EventQueue(TickLength tick) : tick_(tick) {}

  /// `patterns` as long as `ticks`, or empty.
  void append(std::span<const std::int64_t> ticks, std::span<const Pattern> patterns);
  /// Ordered picoseconds.
  std::span<const std::int64_t> times() const { return std::span(times_).subspan(head_); }
  Pattern pattern(std::size_t i) const { return labels_[head_ + i] & 0xf; }
  /// Position among all events given to append().
  std::uint64_t index(std::size_t i) const { return labels_[head_ + i] >> 4; }
  /// The event before times()[0], if it is still there: a look back across the edge.
  bool has_previous() const { return head_ > 0; }
  std::int64_t previous_time() const { return times_[head_ - 1]; }
  Pattern previous_pattern() const { return labels_[head_ - 1] & 0xf; }

  void drop(std::size_t n);
  /// From now on these are taken off, also from what is here already.
  void set_delays(const Delays& delays);

  std::size_t size() const { return times_.size() - head_; }
  const QueueCounts& counts() const { return counts_; }

 private:
  std::size_t append_ordered(std::span<const std::int64_t> ticks, std::span<const Pattern> patterns, std::size_t first);
  void append_one(std::int64_t tick, Pattern pattern);
  void put(std::int64_t time, std::uint64_t label);
  bool step_back(std::int64_t& time);

  TickLength tick_;
  std::vector<std::int64_t> times_;
  std::vector<std::uint64_t> labels_;  // index << 4 | pattern
  std::size_t head_ = 0;
  std::int64_t last_ = 0, before_last_ = 0;  // with their delays
  std::int64_t origin_ = 0;                  // added since the clock was set back
  std::size_t astray_ = 0;
  std::uint64_t next_index_ = 0;
  std::array<std::int64_t, 16> delays_{};
  QueueCounts counts_;
};

}  // namespace nicol::detection::pairs
