// SPDX-License-Identifier: Apache-2.0
#include "sim/emulators/rig_tag_pump.hpp"

#include <algorithm>

namespace nicol::sim {
namespace {

constexpr std::size_t kAtOnce = 2048, kLosses = 64;
constexpr std::uint32_t kLossEntry = 0xFFFFFFFF;  // its tick is a number of events
constexpr std::chrono::milliseconds kSlice{20}, kBeginsWithin{100};

std::uint64_t tick_of(std::int64_t ticks) { return static_cast<std::uint64_t>(std::max<std::int64_t>(ticks, 0)); }

}  // namespace

RigTagPump::RigTagPump(hal::TimeTagger& tagger, std::size_t fifo_depth)
    : tagger_(tagger),
      tags_(kAtOnce),
      losses_(kLosses),
      fifo_(std::max(fifo_depth, 2 * (kAtOnce + kLosses))),
      counters_(tagger.caps().channels),
      thread_([this](const std::stop_token& stop) { work(stop); }) {}

RigTagPump::~RigTagPump() {
  thread_.request_stop();
  (void)tagger_.stop();
  thread_.join();
}

/// A real FIFO is empty and running at once; this one within a tenth of a second at the latest.
void RigTagPump::start() noexcept {
  std::unique_lock lock(mutex_);
  goal_ = Goal::on;
  const std::uint64_t mine = ++wanted_run_;
  in_ = out_ = complete_ = said_ = 0;
  std::fill(counters_.begin(), counters_.end(), fw::ChannelCounters{});
  changed_.notify_all();
  (void)changed_.wait_for(lock, kBeginsWithin, [&] { return run_ >= mine; });
}

void RigTagPump::stop() noexcept {
  {
    const std::lock_guard lock(mutex_);
    goal_ = Goal::off;
  }
  changed_.notify_all();
}

fw::TagRead RigTagPump::read(std::span<fw::Tag> into) noexcept {
  fw::TagRead read;
  {
    const std::lock_guard lock(mutex_);
    for (; out_ < in_ && at(out_).channel == kLossEntry; ++out_) read.lost += at(out_).tick;
    for (; out_ < in_ && read.count < into.size() && at(out_).channel != kLossEntry; ++out_) {
      into[read.count++] = {at(out_).tick, at(out_).channel};
      said_ = std::max(said_, at(out_).tick);
    }
    if (out_ == in_)
      said_ = std::max(said_, complete_);
    else if (at(out_).channel != kLossEntry)
      said_ = std::max(said_, std::min(complete_, at(out_).tick));
    read.complete_until = said_;
  }
  if (read.count > 0 || read.lost > 0) changed_.notify_all();
  return read;
}

std::uint64_t RigTagPump::tick() noexcept {
  const std::lock_guard lock(mutex_);
  return complete_;
}

fw::ChannelCounters RigTagPump::counters(std::size_t channel) noexcept {
  const std::lock_guard lock(mutex_);
  return channel < counters_.size() ? counters_[channel] : fw::ChannelCounters{};
}

void RigTagPump::work(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    const bool right = goal_ == Goal::on ? on_ && run_ == wanted_run_ : !on_;
    if (!right)
      follow(lock);
    else if (on_ && room() >= kAtOnce + kLosses)
      pump(lock);
    else
      (void)changed_.wait_for(lock, stop, kSlice, [this] {
        return run_ != wanted_run_ || (goal_ == Goal::on) != on_ || (on_ && room() >= kAtOnce + kLosses);
      });
  }
}

/// The simulated tagger is brought to where the firmware wants it.
void RigTagPump::follow(std::unique_lock<std::mutex>& lock) {
  const Goal goal = goal_;
  const std::uint64_t run = wanted_run_;
  lock.unlock();
  (void)tagger_.stop();
  const bool started = goal == Goal::on && tagger_.start().ok();
  lock.lock();
  on_ = started;
  if (goal == Goal::off || started) run_ = run;
  changed_.notify_all();
  if (goal == Goal::on && !started) (void)changed_.wait_for(lock, kSlice);
}

void RigTagPump::pump(std::unique_lock<std::mutex>& lock) {
  const std::uint64_t run = run_;
  lock.unlock();
  hal::TagBlock block;
  block.storage = tags_;
  block.loss_storage = losses_;
  const hal::StreamStatus status = tagger_.acquire(block, SteadyDeadlines().in(kSlice));
  lock.lock();
  if (run != wanted_run_) return;  // of a run that nobody wants any more
  take(block);
  const bool data = status == hal::StreamStatus::ok || status == hal::StreamStatus::overflow;
  // Its light is gone: a board cannot know that, it hears nothing.
  if (!data && status != hal::StreamStatus::timeout) (void)changed_.wait_for(lock, kSlice);
}

void RigTagPump::take(const hal::TagBlock& block) {
  for (const hal::LossInterval& loss : block.losses()) {
    const std::uint64_t events = std::max<std::uint64_t>(loss.lost, 1);
    at(in_++) = {events, kLossEntry};
    for (std::size_t c = 0; c < counters_.size(); ++c)
      if ((loss.channels >> c & 1) != 0) counters_[c].lost += events;
  }
  for (const hal::TimeTag& tag : block.tags()) {
    at(in_++) = {tick_of(tag.ticks), tag.channel};
    if (tag.channel < counters_.size()) ++counters_[tag.channel].events;
  }
  complete_ = std::max(complete_, tick_of(block.t_end));
}

}  // namespace nicol::sim
