// SPDX-License-Identifier: Apache-2.0
// One side's tags of a block of pairs to its clicks: when, which basis, which bit. No slot and no sync: time alone. The
// rules of DESIGN.md 6.2 hold on each side: liveness first, nothing is discarded for being double.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "controller/detection/clicks.hpp"
#include "controller/detection/pairs/closed_list.hpp"
#include "controller/secret/bit_string.hpp"
#include "drivers/hal/random.hpp"
#include "drivers/hal/rig.hpp"

namespace nicol::detection::pairs {

struct ClickStreamOptions {
  Picoseconds duration;            // of the block, by this side's clock
  std::size_t capacity = 0;        // clicks that fit; a fuller block is refused (exhausted)
  Picoseconds closed_tick{1'000};  // no two clicks fall into one
  Picoseconds join{4'000};         // further detectors within so much of the first belong to one click
  std::uint64_t block = 0;         // of the run: what a seeded Random is asked with
  /// ps to take off each detector's times beside what its layout says, by basis | bit << 1 (detector_delays).
  std::array<std::int64_t, 4> corrections{};
};

/// Half open, ps after the block's begin.
struct TimeRange {
  std::int64_t begin = 0, end = 0;
};

struct MeasuredClicks {
  std::int64_t origin = 0;          // ps of the own clock at which the block began
  std::vector<std::int64_t> times;  // ps after it, strictly increasing, delays taken out
  secret::BitString bases, bits;    // of each; 1 = diagonal
  std::vector<TimeRange> dropped;   // sorted, disjoint; no click in here
  std::uint64_t tags = 0, blinded = 0, same_basis_multi = 0, cross_basis_multi = 0, lost_intervals = 0;
  std::array<std::int64_t, 4> corrections{};  // that were taken out as well
};

class ClickStream {
 public:
  /// Passive receivers: the channel says the basis.
  ClickStream(const hal::TimingLayout& timing, TickLength tick, const ClickStreamOptions& options, Random& random);

  /// Takes the next block of the stream. exhausted when the capacity is passed; protocol when it steps back.
  Result<void> process(const hal::TagBlock& block);
  /// What the stream has shown so far, ps after its begin; the block is over once this is its duration.
  Picoseconds elapsed() const;
  bool done() const { return elapsed() >= options_.duration; }
  std::uint64_t clicks() const { return times_.size(); }
  /// Nothing from here to the block's end is vouched for.
  void drop_from(Picoseconds after_begin);
  /// Ends the block. What the stream has not shown is dropped.
  MeasuredClicks finish();

 private:
  static constexpr std::size_t kQueue = 4096, kStage = 4096;
  struct Channel {
    bool counts = false;
    std::uint8_t code = 0;  // bit 0 basis, bit 1 bit
    std::int64_t delay = 0;
  };
  struct Open {
    std::int64_t time = 0;
    std::uint32_t fired = 0;  // of four codes; 0: nothing open
  };
  /// In locked memory: which detector fired when says a bit.
  struct Scratch {
    std::int64_t times[kQueue];
    std::uint8_t codes[kQueue];
    std::uint8_t staged[kStage];
    std::uint64_t packed[kStage / 64];
    Open open;
    std::byte coin;
  };
  template <class F>
  void inside(F&& f);
  void take(Scratch& s, std::int64_t raw, const Channel& channel);
  void release(Scratch& s, std::int64_t horizon);
  void judge(Scratch& s, std::int64_t time, unsigned code);
  void settle(Scratch& s);
  void flush(Scratch& s);
  void note_loss(std::int64_t begin, std::int64_t end);
  std::vector<TimeRange> gaps() const;

  ClickStreamOptions options_;
  TickLength tick_;
  std::int64_t blind_;
  std::vector<Channel> channels_;
  std::int64_t least_delay_ = 0, largest_delay_ = 0;
  Random* random_;
  secret::LockedKey scratch_;
  bool begun_ = false, overfull_ = false;
  std::int64_t origin_ = 0, shown_ = 0;  // ps of the own clock
  std::int64_t last_;                    // of any tag that counts, after the origin
  std::size_t waiting_ = 0, staged_ = 0;
  std::vector<std::int64_t> times_;
  secret::BitCollector bases_, bits_;
  std::vector<TimeRange> losses_;
  MeasuredClicks counts_;
};

/// Alice: what she tells, and her clicks numbered by it.
struct ClosedClicks {
  ClosedList list;
  Clicks clicks;
};
ClosedClicks close(MeasuredClicks&& measured, Picoseconds closed_tick);

}  // namespace nicol::detection::pairs
