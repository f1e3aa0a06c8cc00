// SPDX-License-Identifier: Apache-2.0
// The emulated board's FIFO behind a simulated tagger, which blocks: hence a thread. It takes no more than there is
// room for, so that it is the simulated tagger that runs over, and says so.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "drivers/hal/time_tagger.hpp"
#include "firmware-protocol/board.hpp"

namespace nicol::sim {

/// Ticks are the simulated tagger's own. A hole whose losses nobody has counted is told as one lost event.
class RigTagPump {
 public:
  RigTagPump(hal::TimeTagger& tagger, std::size_t fifo_depth);
  ~RigTagPump();
  void start() noexcept;
  void stop() noexcept;
  fw::TagRead read(std::span<fw::Tag> into) noexcept;
  std::uint64_t tick() noexcept;
  fw::ChannelCounters counters(std::size_t channel) noexcept;

 private:
  struct Entry {
    std::uint64_t tick = 0;
    std::uint32_t channel = 0;
  };
  enum class Goal : std::uint8_t { off, on };
  void work(const std::stop_token& stop);
  void pump(std::unique_lock<std::mutex>& lock);
  void follow(std::unique_lock<std::mutex>& lock);
  void take(const hal::TagBlock& block);
  std::size_t room() const { return fifo_.size() - static_cast<std::size_t>(in_ - out_); }
  Entry& at(std::uint64_t number) { return fifo_[number % fifo_.size()]; }

  hal::TimeTagger& tagger_;
  std::vector<hal::TimeTag> tags_;  // the pump's thread only
  std::vector<hal::LossInterval> losses_;

  std::mutex mutex_;  // guards the rest
  std::condition_variable_any changed_;
  std::vector<Entry> fifo_;
  std::uint64_t in_ = 0, out_ = 0;
  std::uint64_t complete_ = 0, said_ = 0;
  std::vector<fw::ChannelCounters> counters_;
  Goal goal_ = Goal::off;
  std::uint64_t wanted_run_ = 0, run_ = 0;  // one more each start; run_: the one that is on
  bool on_ = false;
  std::jthread thread_;
};

}  // namespace nicol::sim
