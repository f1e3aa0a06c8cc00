// SPDX-License-Identifier: Apache-2.0
// The tagger's electronics: a clock that runs a little wrong, ticks, a finite FIFO that really overflows, and blocks
// that say what was lost before what came after.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "drivers/hal/time_tagger.hpp"
#include "sim/devices/detector_bank.hpp"
#include "sim/devices/free_clock.hpp"

namespace nicol::sim {

struct TagStreamOptions {
  TickLength tick;
  ClockModel clock = {};
  std::uint64_t fifo_depth = 8192;
  double drain_hz = 50e6;
  std::size_t channels = 0;
  StreamKey clock_noise = {};
};

/// One run of a tagger, from start() to stop(). Not thread-safe.
///
/// The FIFO drains at a steady rate. A tag that finds it full is lost, and with it every tag until the FIFO is half
/// empty: one LossInterval with the exact count.
class TagStream {
 public:
  TagStream(TagStreamOptions options, std::vector<hal::ChannelConfig> channels);

  /// The stream begins here, unless it has begun; a hole since the end of what is known is reported as lost.
  void resume(Picoseconds at);
  /// In order of time.
  void push(const RawTag& tag);
  /// No tag before this will be pushed.
  void complete_until(Picoseconds t);
  /// What is complete and fits: overflow when the block begins with an overflow, timeout (with an empty block) when
  /// there is nothing new.
  hal::StreamStatus fill(hal::TagBlock& block);
  bool has_news() const;

  const std::vector<std::uint64_t>& counts() const { return counts_; }

 private:
  struct Loss {
    hal::LossInterval interval;
    std::uint64_t before = 0;  // tags that come before it
  };
  std::int64_t ticks(std::int64_t ps);
  bool overflows(std::int64_t time);
  void lose(const RawTag& tag, std::int64_t tick);
  void end_overflow();
  void report(hal::LossInterval loss);
  std::uint64_t queued() const { return taken_ + (tags_.size() - head_); }
  std::size_t copy_losses(hal::TagBlock& block);
  std::int64_t copy_tags(hal::TagBlock& block);

  const TagStreamOptions options_;
  FreeClock clock_;
  const std::vector<hal::ChannelConfig> channels_;
  std::vector<std::uint64_t> counts_;
  std::vector<std::int64_t> blind_until_;
  std::vector<hal::TimeTag> tags_;  // from head_ on not delivered yet
  std::size_t head_ = 0;
  std::vector<Loss> losses_;  // not delivered yet
  std::uint64_t taken_ = 0, lost_ = 0, sequence_ = 0;
  std::int64_t origin_ = 0;    // where the stream began
  std::int64_t edge_ = 0;      // t_end of the last block
  std::int64_t complete_ = 0;  // ticks
  std::int64_t known_ps_ = 0;
  bool begun_ = false, asked_ = false;

  double level_ = 0;  // tags in the FIFO at level_time_
  std::int64_t level_time_ = 0;
  bool overflowing_ = false;
  std::int64_t overflow_end_ = 0;  // ps
  hal::LossInterval overflow_;
};

}  // namespace nicol::sim
