// SPDX-License-Identifier: Apache-2.0
#include "sim/devices/receiver_tagger.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include "sim/devices/timing.hpp"
#include "sim/optics/states.hpp"

namespace nicol::sim {
namespace {

constexpr std::chrono::seconds kConnectTimeout{5};

BankOptions bank_options(const Scenario& s, std::uint64_t seed) {
  BankOptions o{s.receiver.detectors, {}, seed, NodeId::bob, s.timing.sync};
  const double passed = transmittance(Decibels{s.receiver.loss_db});
  for (std::size_t i = 0; i < o.detectors.size(); ++i)
    o.stray_hz.push_back(s.channel.background_hz * passed * o.detectors[i].efficiency *
                         background_share(s.receiver.kind, s.receiver.splitter, i));
  return o;
}

std::vector<hal::ChannelConfig> default_channels(const Scenario& s) {
  std::vector<hal::ChannelConfig> channels;
  for (const hal::ChannelLayout& c : bob_timing(s).channels) channels.emplace_back().role = c.role;
  return channels;
}

TagStreamOptions stream_options(const Scenario& s, std::uint64_t seed) {
  return {{s.tagger.tick_num, s.tagger.tick_den},
          s.bob_clock,
          s.tagger.fifo_depth,
          s.tagger.drain_hz,
          bob_timing(s).channels.size(),
          {seed, NodeId::bob, Purpose::sim_tagger, FreeClock::kNoiseIndex}};
}

}  // namespace

ReceiverTagger::ReceiverTagger(const Scenario& s, std::uint64_t seed, std::filesystem::path light, ReceiverBench bench)
    : TaggerBase("bob-tagger", stream_options(s, seed), default_channels(s)),
      light_path_(std::move(light)),
      bench_(std::move(bench)),
      slack_(earliest_before_slot(s).count),
      bank_(bank_options(s, seed)),
      optics_(s, seed),
      rates_(s.receiver.detectors.size()) {}

Result<void> ReceiverTagger::start() {
  if (!plugged()) return unplugged_error();
  if (running_.exchange(true)) return error(Code::busy, "already running");
  const std::lock_guard session(session_mutex_);
  light_.reset();
  if (!light_path_.empty()) {
    auto light = LightReceiver::connect(light_path_, SteadyDeadlines().in(kConnectTimeout), running_);
    if (!light.ok()) {
      running_ = false;
      return light.error();
    }
    light_.emplace(std::move(light).value());
  }
  in_block_ = false;
  bank_.tags().clear();
  bank_.set_delays(delays());
  bank_.set_thresholds(thresholds());
  const std::lock_guard lock(stream_mutex_);
  new_stream();
  return {};
}

Result<void> ReceiverTagger::stop() {
  running_ = false;
  const std::lock_guard session(session_mutex_);
  light_.reset();
  const std::lock_guard lock(stream_mutex_);
  stream_.reset();
  if (!plugged()) return unplugged_error();
  return {};
}

hal::StreamStatus ReceiverTagger::acquire(hal::TagBlock& block, Deadline deadline) noexcept {
  const std::lock_guard session(session_mutex_);
  block.tag_count = block.loss_count = 0;
  if (!plugged()) return hal::StreamStatus::disconnected;
  if (!running_ || !stream_) return hal::StreamStatus::stopped;
  const hal::StreamStatus light = receive(deadline);
  const std::lock_guard lock(stream_mutex_);
  const hal::StreamStatus filled = stream_->fill(block);
  if (!plugged()) return hal::StreamStatus::disconnected;
  if (!running_) return hal::StreamStatus::stopped;
  return filled == hal::StreamStatus::timeout ? light == hal::StreamStatus::ok ? filled : light : filled;
}

hal::StreamStatus ReceiverTagger::receive(Deadline deadline) {
  using Outcome = LightReceiver::Outcome;
  for (;;) {
    if (const std::lock_guard lock(stream_mutex_); stream_->has_news()) return hal::StreamStatus::ok;
    if (light_path_.empty()) return stay_dark(deadline);
    const Outcome outcome = light_ ? light_->receive(batch_, deadline, running_) : Outcome::disconnected;
    if (outcome == Outcome::timeout) return hal::StreamStatus::timeout;
    if (outcome == Outcome::disconnected) return hal::StreamStatus::disconnected;
    const bool begins = batch_.header.flags & (kBlockBegins | kBlockResumes);
    if (outcome == Outcome::corrupt || (!begins && !in_block_)) {
      light_.reset();
      return hal::StreamStatus::corrupt;
    }
    keep_own_time();
    const std::lock_guard lock(stream_mutex_);
    process();
  }
}

/// Bob's clock follows Alice's light, and is ahead where his motors took their time while there was none. When she is
/// started again, hers begins at 0; his shutters, motors and tags go on.
void ReceiverTagger::keep_own_time() {
  LightHeader& h = batch_.header;
  if (h.flags & (kBlockBegins | kBlockResumes)) {
    if (h.begin < her_time_) ahead_ = 0;
    ahead_ = std::max(ahead_, bench_.clock->now().count - h.begin);
  }
  her_time_ = h.end;
  for (std::int64_t* time : {&h.begin, &h.end, &h.slot_zero}) *time += ahead_;
}

/// No fibre: nothing ever comes.
hal::StreamStatus ReceiverTagger::stay_dark(Deadline deadline) const {
  while (running_ && std::chrono::steady_clock::now() < deadline.at)
    std::this_thread::sleep_until(
        std::min(deadline.at, std::chrono::steady_clock::now() + std::chrono::milliseconds(20)));
  return hal::StreamStatus::timeout;
}

void ReceiverTagger::process() {
  const LightHeader& h = batch_.header;
  if (h.flags & kBlockBegins) {
    in_block_ = true;
    stream_->resume({h.begin});
    bank_.begin_block(h);
    optics_.begin_block(h.block);
  }
  if (h.flags & kBlockResumes) {
    in_block_ = true;
    stream_->resume({h.begin});
    bank_.resume_block(h);
  }
  std::uint32_t enabled = 0;
  for (std::size_t i = 0; i < bench_.detectors.size(); ++i)
    if (bench_.detectors[i]->enabled()) enabled |= std::uint32_t{1} << i;
  const bool open = bench_.shutter->passes({h.end});
  bank_.set_live(enabled, open ? DetectorBank::Stray::falls : DetectorBank::Stray::blocked);
  bank_.expect_slots(h.first_slot + h.slots);
  if (open) turn(batch_, bench_.compensator);
  optics_.dim(transmittance(bench_.compensator, {h.end}));
  if (open && bench_.waveplate) optics_.active(batch_, *bench_.waveplate, bank_);
  if (open && !bench_.waveplate) optics_.passive(batch_, bank_);
  const std::int64_t done = h.end - slack_;
  bank_.advance(done);
  take(bank_, done);
  if (h.flags & kBlockEnds) in_block_ = false;
  rates_.measure(stream_->counts(), {h.end});
  bench_.clock->advance_to({h.end});
}

Hertz ReceiverTagger::click_rate(std::size_t detector) const { return rates_.rate(detector); }

}  // namespace nicol::sim
