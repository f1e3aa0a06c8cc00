// SPDX-License-Identifier: Apache-2.0
// Two streams of tags in, coincidences out: finds how they belong together, then follows the clocks and merges. Memory
// is bounded by the capacity and by ten seconds of data. Pure: no clock, no thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "controller/detection/pairs/clock_filter.hpp"
#include "controller/detection/pairs/event_queue.hpp"
#include "controller/detection/pairs/merge.hpp"
#include "controller/detection/pairs/offset_search.hpp"
#include "controller/detection/pairs/peak.hpp"
#include "drivers/hal/result.hpp"

namespace nicol::detection::pairs {

enum class Side : std::uint8_t { alice, bob };

struct TrackerOptions {
  SearchRange range;
  std::optional<Picoseconds> window;  // full width of a coincidence; else from the fitted peak
  /// Where chance pairs are counted, on both sides of the peak; 0: at several distances beyond 64 ns. A pulsed source
  /// wants a multiple of its period.
  Picoseconds off_peak{0};
  std::size_t capacity = std::size_t{1} << 24;  // events a side that may wait
  /// A known start instead of a search.
  std::optional<ClockLine> start;
  /// About where the line was a moment ago: searched there first.
  std::optional<ClockLine> hint;
};

struct Coincidence {
  std::int64_t alice_time = 0;                   // ps, delay taken off
  std::uint64_t alice_index = 0, bob_index = 0;  // among the events given to feed()
  std::int32_t residual = 0;                     // ps off the line
  /// All detectors that fired within the window of the partner: more than one bit is a multi-click.
  Pattern alice = 0, bob = 0;
};

struct TrackReport {
  bool locked = false;
  std::uint64_t locks = 0, losses = 0;              // of the lock
  double sigma = 0;                                 // of the first lock, or the best that a search saw
  std::uint64_t coincidences = 0, accidentals = 0;  // the latter counted off the peak, in windows of the same width
  Picoseconds window;                               // full width, now
  double jitter_sigma = 0;                          // of the peak, ps
  double alice_seconds = 0;                         // of Alice's time under lock
  ClockLine at_first_tag;                           // of the first lock, taken to Alice's first tag
  ClockLine now;
  DelayFit::Fit delays;
  QueueCounts alice, bob;
};

class PairTracker {
 public:
  PairTracker(TickLength alice, TickLength bob, TrackerOptions options = {});

  /// Which side's events are needed first.
  Side behind() const;
  /// Ticks in the order they were recorded, with their patterns or without any. exhausted where one side is so far
  /// ahead of the other that the capacity is passed.
  Result<void> feed(Side side, std::span<const std::int64_t> ticks, std::span<const Pattern> patterns);
  /// All that can be said so far. Valid until the next call.
  std::span<const Coincidence> advance();
  /// The same when no more events follow.
  std::span<const Coincidence> finish();
  TrackReport report() const;

 private:
  enum class State : std::uint8_t { searching, tracking };
  enum class More : std::uint8_t { follows, ended };
  /// Where a chunk begins in the queues, and what the merge gave.
  struct Chunk {
    std::size_t a = 0, b = 0;
    MergeEnd end;
    std::int64_t half = 0, last = 0;  // of the window; time of Alice's last event
    std::uint64_t chance = 0;
  };
  /// Sums since the last correction, or since the lock was last judged.
  struct Batch {
    std::int64_t begin = 0, end = 0;
    double n = 0, chance = 0, sum = 0, squares = 0;
    double pairs() const { return n - chance; }
  };

  bool search(More more);
  bool search_near(More more);
  bool begin_at_start(More more);
  bool give_up_oldest(More more);
  double excess(const ClockLine& line, std::int64_t begin, std::int64_t end);
  std::int64_t light_begin(const ClockLine& line, std::int64_t begin, std::int64_t until);
  void lock(const SearchResult& found, std::int64_t until);
  void settle(std::int64_t until);
  double settling_pass(double gate, std::int64_t until);
  bool track(More more);
  std::size_t chunk_length(std::span<const std::int64_t> a, More more) const;
  void lay_line(std::span<const std::int64_t> a);
  bool next_chunk(Chunk& chunk, std::int64_t half, More more, std::int64_t until);
  std::int64_t reach() const;
  std::int64_t chance_shift(std::uint64_t turn) const;
  std::uint64_t chance_matches(std::span<const std::int64_t> a, std::span<const std::int64_t> b, std::int64_t half);
  void probe(const Chunk& chunk);
  void emit(const Chunk& chunk, std::int64_t half);
  Pattern joined(const EventQueue& queue, std::size_t at, std::int64_t partner, std::int64_t half) const;
  void gather(const Chunk& chunk, double share, Batch& batch) const;
  void correct();
  void add_delays(double purity);
  void judge(std::int64_t now);
  void lose();
  std::int64_t window_half() const;
  std::int64_t residual(const Chunk& chunk, const Match& match) const;

  TrackerOptions options_;
  EventQueue alice_, bob_;
  OffsetSearch offset_search_;
  State state_ = State::searching;
  ClockFilter filter_;
  std::optional<ClockLine> hint_;
  std::int64_t near_from_ = 0;  // of Alice's time
  std::size_t rung_ = 0;
  int attempts_ = 0, near_attempts_ = 0;
  std::optional<std::int64_t> first_tag_;
  std::vector<Anchor> anchors_;        // of the first ten seconds under this lock
  std::vector<Anchor> first_anchors_;  // of the first lock, once it is lost
  std::vector<std::int64_t> mapped_;
  std::vector<Match> matches_, spare_;
  PeakHistogram peak_;
  PeakHistogram::Fit peak_fit_;
  DelayFit delay_fit_;
  DelayFit::Fit delays_;
  Batch batch_, interval_;
  double spread_ = PeakHistogram::kWide, usual_rate_ = 0, probed_ = 0, next_delay_fit_ = 2000;
  std::uint64_t chunks_ = 0;
  std::vector<Coincidence> out_;
  TrackReport report_;
};

}  // namespace nicol::detection::pairs
