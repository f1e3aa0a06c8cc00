// SPDX-License-Identifier: Apache-2.0
// The bench's pattern player and tagger.
#include <algorithm>
#include <utility>

#include "firmware-protocol/message.hpp"
#include "sim/emulators/rig_bench.hpp"

namespace nicol::sim {
namespace {

constexpr std::uint64_t kPsPerMs = 1'000'000'000;
constexpr std::uint64_t kBurstTicks = 1000;  // between two tags of a burst

}  // namespace

// ---- pattern ----

fw::Done RigBench::configure_source(const fw::SourceConfig& config) noexcept {
  const std::lock_guard lock(mutex_);
  slot_ps_ = config.slot_ps;
  player_.state = fw::Player::idle;
  return fw::Done::yes;
}

fw::Done RigBench::queue_pattern(const fw::PatternChunk& chunk) noexcept {
  const std::lock_guard lock(mutex_);
  for (std::size_t k = 0; k < chunk.slots; ++k) {
    const unsigned intensity = chunk.intensities.empty() ? 0 : fw::packed_pair(chunk.intensities, k);
    pattern_.push_back(static_cast<std::uint8_t>(fw::packed_pair(chunk.states, k) | intensity << 2));
  }
  if (player_.state == fw::Player::waiting) {
    player_.state = fw::Player::running;
    playing_since_ms_ = now_ms_;
    left_since_ = 0;
  }
  return fw::Done::yes;
}

void RigBench::clear_pattern() noexcept {
  const std::lock_guard lock(mutex_);
  pattern_.clear();
}

fw::Done RigBench::run_pattern(const fw::SourceRun& run) noexcept {
  const std::lock_guard lock(mutex_);
  ++runs_;
  if (run.first_slot == 0) played_.clear();
  block_slots_ = run.block_slots;
  player_.next_slot = run.first_slot;
  player_.state = pattern_.empty() ? fw::Player::waiting : fw::Player::running;
  playing_since_ms_ = now_ms_;
  left_since_ = 0;
  return fw::Done::yes;
}

void RigBench::stop_pattern() noexcept {
  const std::lock_guard lock(mutex_);
  const bool plays = player_.state == fw::Player::waiting || player_.state == fw::Player::running;
  if (plays) player_.state = fw::Player::stopped;
}

fw::SourceStatus RigBench::source() noexcept {
  const std::lock_guard lock(mutex_);
  fw::SourceStatus status = player_;
  status.free_slots = options_.about.source.buffer_slots - static_cast<std::uint32_t>(pattern_.size());
  return status;
}

/// Slots leave in the board's time. What could not leave because the host was late leaves later, or is an underrun.
void RigBench::play() {
  if (player_.state != fw::Player::running || slot_ps_ == 0) return;
  const std::uint64_t due = (now_ms_ - playing_since_ms_) * kPsPerMs / slot_ps_;
  const std::uint64_t wanted = std::min(due - left_since_, block_slots_ - player_.next_slot);
  const std::uint64_t can = std::min<std::uint64_t>(wanted, pattern_.size());
  leave(can);
  if (player_.next_slot == block_slots_) {
    player_.state = fw::Player::finished;
  } else if (can < wanted && options_.underrun == RigUnderrun::fault) {
    player_.state = fw::Player::dry;
    ++player_.underruns;
  } else if (can < wanted) {
    playing_since_ms_ = now_ms_;
    left_since_ = 0;
  }
}

void RigBench::leave(std::uint64_t slots) {
  const auto end = pattern_.begin() + static_cast<std::ptrdiff_t>(slots);
  played_.insert(played_.end(), pattern_.begin(), end);
  pattern_.erase(pattern_.begin(), end);
  player_.next_slot += slots;
  left_since_ += slots;
}

std::uint64_t RigBench::runs() const {
  const std::lock_guard lock(mutex_);
  return runs_;
}
std::vector<std::uint8_t> RigBench::played() const {
  const std::lock_guard lock(mutex_);
  return played_;
}

// ---- tags ----

fw::Done RigBench::configure_channel(std::size_t k, const fw::ChannelConfig& config) noexcept {
  const std::lock_guard lock(mutex_);
  const std::int32_t before = channels_[k].threshold_mv;
  channels_[k] = config;
  if (options_.mutant == RigMutant::forgets_thresholds && power_cycles_ > 1) channels_[k].threshold_mv = before;
  return fw::Done::yes;
}
fw::ChannelConfig RigBench::channel(std::size_t k) noexcept {
  const std::lock_guard lock(mutex_);
  return channels_[k];
}
fw::ChannelCounters RigBench::channel_counters(std::size_t k) noexcept {
  const std::lock_guard lock(mutex_);
  return counters_[k];
}

std::uint64_t RigBench::ticks_now() const {
  const std::uint64_t until = tagging_ ? now_ms_ : stopped_at_;
  const auto& about = options_.about.tagger;
  return ahead_ + (until - tags_since_ms_) * (kPsPerMs / about.tick_num * about.tick_den);
}
std::uint64_t RigBench::tick() noexcept {
  const std::lock_guard lock(mutex_);
  return ticks_now();
}
std::uint64_t RigBench::tag_ticks() const {
  const auto& about = options_.about.tagger;
  if (options_.tag_rate_hz <= 0) return kBurstTicks;
  const double ps = 1e12 / options_.tag_rate_hz;
  return static_cast<std::uint64_t>(ps * static_cast<double>(about.tick_den) / static_cast<double>(about.tick_num));
}
std::uint64_t RigBench::tags_lost() const {
  const std::lock_guard lock(mutex_);
  return lost_;
}

std::uint32_t RigBench::channel_of(std::uint64_t tag) const {
  const auto channel = static_cast<std::uint32_t>(tag % options_.about.tagger.channels);
  return options_.mutant == RigMutant::swaps_channels && channel < 2 ? 1 - channel : channel;
}

void RigBench::start_tags() noexcept {
  const std::lock_guard lock(mutex_);
  tagging_ = true;
  tags_since_ms_ = now_ms_;
  made_ = ahead_ = lost_ = 0;
  counters_ = {};
  fifo_.clear();
}
void RigBench::stop_tags() noexcept {
  const std::lock_guard lock(mutex_);
  if (tagging_) stopped_at_ = now_ms_;
  tagging_ = false;
}

void RigBench::make_tags(std::size_t count) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t first = ticks_now();
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t channel = channel_of(made_++);
    ahead_ += kBurstTicks;
    if (fifo_.size() < options_.about.tagger.fifo_depth) {
      fifo_.push_back({first + i * kBurstTicks, 0, channel});
      ++counters_[channel].events;
      continue;
    }
    if (fifo_.back().lost == 0) fifo_.push_back({first + i * kBurstTicks, 0, channel});
    ++fifo_.back().lost;
    ++counters_[channel].lost;
    ++lost_;
  }
}

fw::TagRead RigBench::read_tags(std::span<fw::Tag> into) noexcept {
  const std::lock_guard lock(mutex_);
  return options_.tag_rate_hz > 0 ? read_steady(into) : read_burst(into);
}

fw::TagRead RigBench::read_burst(std::span<fw::Tag> into) {
  fw::TagRead read;
  for (; !fifo_.empty() && fifo_.front().lost > 0; fifo_.pop_front()) read.lost += fifo_.front().lost;
  for (; !fifo_.empty() && fifo_.front().lost == 0 && read.count < into.size(); fifo_.pop_front())
    into[read.count++] = {fifo_.front().tick, fifo_.front().channel};
  read.complete_until = fifo_.empty() ? ticks_now() : fifo_.front().tick;
  return read;
}

/// Made when they are read: a burst of ten million tags a second needs no memory.
fw::TagRead RigBench::read_steady(std::span<fw::Tag> into) {
  fw::TagRead read;
  const std::uint64_t step = tag_ticks(), due = ticks_now() / step, depth = options_.about.tagger.fifo_depth;
  if (due > made_ + depth) {
    read.lost = due - made_ - depth;
    made_ += read.lost;
    lost_ += read.lost;
  }
  while (read.count < into.size() && made_ < due) {
    const std::uint32_t channel = channel_of(made_);
    into[read.count++] = {made_ * step, channel};
    ++counters_[channel].events;
    ++made_;
  }
  read.complete_until = std::min(ticks_now(), made_ * step);
  return read;
}

}  // namespace nicol::sim
