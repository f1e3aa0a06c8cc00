// SPDX-License-Identifier: Apache-2.0
#include "sim/emulators/rig_player.hpp"

#include <algorithm>

namespace nicol::sim {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kBatchSlots = std::size_t{1} << 17;  // leave at once
constexpr std::chrono::milliseconds kGoesOnWithin{300};

/// Bits 0, 2, 4, … of 64.
std::uint64_t every_other(std::uint64_t v) {
  v &= 0x5555555555555555;
  v = (v | v >> 1) & 0x3333333333333333;
  v = (v | v >> 2) & 0x0F0F0F0F0F0F0F0F;
  v = (v | v >> 4) & 0x00FF00FF00FF00FF;
  v = (v | v >> 8) & 0x0000FFFF0000FFFF;
  return (v | v >> 16) & 0x00000000FFFFFFFF;
}

/// 32 slots at `at` bytes into the states; zeros behind their end.
std::uint64_t pairs_at(const std::vector<std::uint8_t>& states, std::size_t at) {
  std::uint64_t pairs = 0;
  for (std::size_t i = 0; i < 8 && at + i < states.size(); ++i) pairs |= std::uint64_t{states[at + i]} << 8 * i;
  return pairs;
}

void put(std::vector<std::uint64_t>& words, std::size_t slot, std::uint64_t bits32) {
  words[slot / 64] |= bits32 << slot % 64;
  if (slot % 64 > 32) words[slot / 64 + 1] |= bits32 >> (64 - slot % 64);
}

}  // namespace

RigPlayer::RigPlayer(hal::PulsedSource& source, std::uint32_t buffer_slots)
    : source_(source),
      buffer_slots_(buffer_slots),
      bases_(kBatchSlots / 64 + 2),
      bits_(kBatchSlots / 64 + 2),
      thread_([this](const std::stop_token& stop) { work(stop); }) {}

RigPlayer::~RigPlayer() {
  thread_.request_stop();
  source_.disable_emission();  // ends a wait for light to leave
  thread_.join();
}

fw::Done RigPlayer::queue(const fw::PatternChunk& chunk) noexcept {
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back({chunk.first_slot, chunk.slots, {chunk.states.begin(), chunk.states.end()}});
    queued_ += chunk.slots;
  }
  changed_.notify_all();
  return fw::Done::yes;
}

void RigPlayer::clear() noexcept {
  const std::lock_guard lock(mutex_);
  for (const Chunk& chunk : queue_) queued_ -= chunk.slots;
  queue_.clear();
}

fw::Done RigPlayer::run(const fw::SourceRun& run) noexcept {
  {
    const std::lock_guard lock(mutex_);
    wanted_ = run;
    end_at_.reset();
    state_ = fw::Player::waiting;
    next_slot_ = run.first_slot;
    block_slots_ = run.block_slots;
    ++epoch_;
  }
  changed_.notify_all();
  return fw::Done::yes;
}

void RigPlayer::stop(Why why) noexcept {
  {
    const std::lock_guard lock(mutex_);
    wanted_.reset();
    ++epoch_;
    if (state_ == fw::Player::waiting || state_ == fw::Player::running) state_ = fw::Player::stopped;
    if (why == Why::held && open_) end_at_ = Clock::now() + kGoesOnWithin;
  }
  changed_.notify_all();
}

fw::SourceStatus RigPlayer::status() noexcept {
  const std::lock_guard lock(mutex_);
  const auto taken = static_cast<std::uint32_t>(std::min<std::uint64_t>(queued_, buffer_slots_));
  return {state_, next_slot_, buffer_slots_ - taken, 0};
}

void RigPlayer::work(const std::stop_token& stop) {
  Lock lock(mutex_);
  while (!stop.stop_requested()) {
    const auto until = end_at_.value_or(Clock::now() + std::chrono::seconds(1));
    (void)changed_.wait_until(lock, stop, until, [this] { return has_work(); });
    if (end_at_ && Clock::now() >= *end_at_) end(lock);
    if (!has_work() || stop.stop_requested()) continue;
    if (wanted_)
      begin(lock);
    else
      play(lock);
  }
}

void RigPlayer::begin(Lock& lock) {
  const fw::SourceRun run = *std::exchange(wanted_, {});
  const std::uint64_t epoch = epoch_;
  lock.unlock();
  const auto begun = run.first_slot == 0 ? source_.begin_block(run.block_slots) : source_.resume_block(run.first_slot);
  lock.lock();
  if (begun) open_ = true;
  if (epoch != epoch_) return;
  state_ = begun ? fw::Player::running : fw::Player::stopped;
}

/// What waits, up to a batch, as the HAL has it.
void RigPlayer::take_batch() {
  std::fill(bases_.begin(), bases_.end(), 0);
  std::fill(bits_.begin(), bits_.end(), 0);
  batch_first_ = queue_.front().first;
  batch_slots_ = 0;
  while (!queue_.empty() && batch_slots_ + queue_.front().slots <= kBatchSlots) {
    const Chunk& chunk = queue_.front();
    for (std::size_t k = 0; k < chunk.slots; k += 32) {
      const std::uint64_t pairs = pairs_at(chunk.states, k / 4);
      put(bits_, batch_slots_ + k, every_other(pairs));
      put(bases_, batch_slots_ + k, every_other(pairs >> 1));
    }
    batch_slots_ += chunk.slots;
    queue_.pop_front();
  }
}

void RigPlayer::play(Lock& lock) {
  take_batch();
  const std::uint64_t epoch = epoch_;
  lock.unlock();
  const auto emitted = source_.emit({batch_first_, batch_slots_, bases_, bits_, {}, {}});
  lock.lock();
  queued_ -= batch_slots_;
  if (epoch != epoch_) return;
  if (!emitted) {
    state_ = fw::Player::stopped;
    for (const Chunk& chunk : queue_) queued_ -= chunk.slots;
    queue_.clear();
    return;
  }
  next_slot_ = batch_first_ + batch_slots_;
  if (next_slot_ < block_slots_) return;
  end(lock);
  if (epoch == epoch_) state_ = fw::Player::finished;
}

void RigPlayer::end(Lock& lock) {
  end_at_.reset();
  if (!std::exchange(open_, false)) return;
  lock.unlock();
  (void)source_.end_block();
  lock.lock();
}

}  // namespace nicol::sim
