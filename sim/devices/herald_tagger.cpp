// SPDX-License-Identifier: Apache-2.0
#include "sim/devices/herald_tagger.hpp"

#include "sim/devices/timing.hpp"
#include "sim/optics/states.hpp"

namespace nicol::sim {
namespace {

constexpr std::chrono::milliseconds kSlice{50};

/// The herald's efficiency is in the source's tables: every herald that comes here is one.
BankOptions bank_options(const Scenario& s, std::uint64_t seed) {
  DetectorModel herald;
  herald.efficiency = 1;
  herald.dark_hz = s.source.herald_dark_hz;
  herald.afterpulse_probability = herald.dead_time_ns = 0;
  herald.jitter_ps = kHeraldJitterPs;
  herald.rate_limit_hz = 1e10;
  return {{herald}, {}, seed, NodeId::alice, SyncType::pulses};
}

std::vector<hal::ChannelConfig> default_channels() {
  std::vector<hal::ChannelConfig> channels(3);
  channels[0].role = hal::ChannelRole::herald;
  channels[1].role = hal::ChannelRole::sync;
  channels[2].role = hal::ChannelRole::frame;
  return channels;
}

}  // namespace

HeraldTagger::HeraldTagger(const Scenario& s, std::uint64_t seed)
    : TaggerBase("alice-tagger",
                 {{s.tagger.tick_num, s.tagger.tick_den},
                  s.alice_clock,
                  s.tagger.fifo_depth,
                  s.tagger.drain_hz,
                  3,
                  {seed, NodeId::alice, Purpose::sim_tagger, FreeClock::kNoiseIndex}},
                 default_channels()),
      offset_(alice_timing(s).channels[0].delay.count),
      bank_(bank_options(s, seed)) {}

Result<void> HeraldTagger::start() {
  if (!plugged()) return unplugged_error();
  if (running_.exchange(true)) return error(Code::busy, "already running");
  const std::lock_guard lock(stream_mutex_);
  bank_.tags().clear();
  bank_.set_delays(delays());
  new_stream();
  return {};
}

Result<void> HeraldTagger::stop() {
  wake();
  const std::lock_guard session(session_mutex_);
  const std::lock_guard lock(stream_mutex_);
  stream_.reset();
  if (!plugged()) return unplugged_error();
  return {};
}

void HeraldTagger::wake() {
  running_ = false;
  news_.notify_all();
}

void HeraldTagger::safe_state() noexcept { wake(); }

void HeraldTagger::unplug() noexcept {
  TaggerBase::unplug();
  news_.notify_all();
}

hal::StreamStatus HeraldTagger::acquire(hal::TagBlock& block, Deadline deadline) noexcept {
  const std::lock_guard session(session_mutex_);
  std::unique_lock lock(stream_mutex_);
  block.tag_count = block.loss_count = 0;
  if (!plugged()) return hal::StreamStatus::disconnected;
  if (!running_ || !stream_) return hal::StreamStatus::stopped;
  // In slices: whoever stops the tagger sets a flag without the lock.
  while (!stream_->has_news() && running_ && std::chrono::steady_clock::now() < deadline.at)
    news_.wait_until(lock, std::min(deadline.at, std::chrono::steady_clock::now() + kSlice));
  if (!plugged()) return hal::StreamStatus::disconnected;
  if (!running_) return hal::StreamStatus::stopped;
  return stream_->fill(block);
}

void HeraldTagger::stretch(const LightHeader& h, std::span<const std::uint64_t> heralds) {
  const std::lock_guard lock(stream_mutex_);
  if (!stream_ || !running_) return;
  if (h.flags & kBlockBegins) {
    stream_->resume({h.begin});
    bank_.begin_block(h);
    bank_.set_live(1, DetectorBank::Stray::blocked);
  }
  if (h.flags & kBlockResumes) {
    stream_->resume({h.begin});
    bank_.resume_block(h);
  }
  bank_.expect_slots(h.first_slot + h.slots);
  for (const std::uint64_t slot : heralds)
    bank_.arrive(0, h.slot_zero + h.slot_period * static_cast<std::int64_t>(slot) + offset_);
  bank_.advance(h.end);
  take(bank_, h.end);
  news_.notify_all();
}

}  // namespace nicol::sim
