// SPDX-License-Identifier: Apache-2.0
// One step is one batch: pairs are drawn, Alice's photons click, Bob's leave, then the clock moves.
#include "sim/devices/pair_tagger.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include "sim/devices/timing.hpp"

namespace nicol::sim {
namespace {

/// More slots than any run has.
constexpr std::uint64_t kEndless = std::uint64_t{1} << 62;
constexpr std::chrono::milliseconds kSlice{20};

TagStreamOptions stream_options(const Scenario& s, std::uint64_t seed) {
  return {{s.tagger.tick_num, s.tagger.tick_den},
          s.alice_clock,
          s.tagger.fifo_depth,
          s.tagger.drain_hz,
          s.alice.receiver.detectors.size(),
          {seed, NodeId::alice, Purpose::sim_tagger, FreeClock::kNoiseIndex}};
}

}  // namespace

PairTagger::PairTagger(const Scenario& s, std::uint64_t seed, PairBench bench)
    : TaggerBase("alice-tagger", stream_options(s, seed),
                 std::vector<hal::ChannelConfig>(s.alice.receiver.detectors.size())),
      bench_(std::move(bench)),
      slot_period_(slot_period(s)),
      slack_(earliest_before_slot(s).count),
      emitter_(s, seed),
      bank_({s.alice.receiver.detectors, {}, seed, NodeId::alice, SyncType::none}),
      rates_(s.alice.receiver.detectors.size()) {
  arrivals_.reserve(kBatchPhotons);
}

Result<void> PairTagger::start() {
  if (!plugged()) return unplugged_error();
  if (running_.exchange(true)) return error(Code::busy, "already running");
  const std::lock_guard session(session_mutex_);
  const std::lock_guard lock(stream_mutex_);
  met_ = false;
  whole_cell_ = true;
  bank_.tags().clear();
  bank_.set_delays(delays());
  bank_.set_thresholds(thresholds());
  new_stream();
  return {};
}

Result<void> PairTagger::stop() {
  running_ = false;
  const std::lock_guard session(session_mutex_);
  if (met_ && stream_) last_stretch();
  met_ = false;
  const std::lock_guard lock(stream_mutex_);
  stream_.reset();
  if (!plugged()) return unplugged_error();
  return {};
}

hal::StreamStatus PairTagger::acquire(hal::TagBlock& block, Deadline deadline) noexcept {
  const std::lock_guard session(session_mutex_);
  block.tag_count = block.loss_count = 0;
  const auto has_news = [&] {
    const std::lock_guard lock(stream_mutex_);
    return stream_ && stream_->has_news();
  };
  while (plugged() && running_ && stream_ && !has_news())
    if (step(deadline) == Step::late) break;
  if (!plugged()) return hal::StreamStatus::disconnected;
  if (!running_ || !stream_) return hal::StreamStatus::stopped;
  const std::lock_guard lock(stream_mutex_);
  return stream_->fill(block);
}

/// Time stands still until Bob's tagger is there, and while he is slow.
bool PairTagger::may_go_on(Deadline deadline) {
  if (!met_ && !bench_.light->await_receiver(deadline, running_).ok()) return false;
  return bench_.light->has_room(deadline, running_) && in_pace(deadline);
}

/// Holds rig time back to `speed` times real time.
bool PairTagger::in_pace(Deadline deadline) const {
  if (bench_.speed <= 0 || !met_) return true;
  const double seconds = (Picoseconds{batch_.header.end} - paced_rig_).seconds() / bench_.speed;
  const auto due = paced_from_ + std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                                     std::chrono::duration<double>(seconds));
  for (auto now = std::chrono::steady_clock::now(); now < due; now = std::chrono::steady_clock::now()) {
    if (!running_ || now >= deadline.at) return false;
    std::this_thread::sleep_until(std::min({due, deadline.at, now + kSlice}));
  }
  return true;
}

void PairTagger::start_batch() {
  LightHeader& h = batch_.header;
  h.photons = h.groups = 0;
  arrivals_.clear();
  if (met_) {
    h.flags = bench_.light->newest() == LightSender::Newest::new_one ? kBlockResumes : 0;
    h.begin = h.end;
    h.first_slot = static_cast<std::uint64_t>((h.begin - h.slot_zero) / h.slot_period);
    return;
  }
  met_ = true;
  const std::int64_t now = bench_.clock->now().count;
  h = {};
  h.flags = kBlockBegins;
  h.block = runs_++;
  h.block_slots = kEndless;
  h.slot_period = slot_period_.count;
  h.slot_zero = h.begin = h.end = now;
  emitter_.begin_run(h.block, {now});
  const std::lock_guard lock(stream_mutex_);
  stream_->resume({now});
  bank_.begin_block(h);
  paced_from_ = std::chrono::steady_clock::now();
  paced_rig_ = {now};
}

PairTagger::Step PairTagger::step(Deadline deadline) {
  if (!may_go_on(deadline)) return Step::late;
  if (whole_cell_) {
    const Picoseconds now = met_ ? Picoseconds{batch_.header.end} : bench_.clock->now();
    const auto pairs = bench_.pairs(now, deadline, running_);
    if (!pairs) return Step::late;
    start_batch();
    emitter_.next_cell(*pairs);
  } else {
    start_batch();
  }
  const Picoseconds until = emitter_.emit(batch_, arrivals_);
  whole_cell_ = until == emitter_.cell_end();
  return send(until);
}

/// What arrives at her detectors, where it finds them alive.
void PairTagger::click() {
  std::uint32_t enabled = 0;
  for (std::size_t i = 0; i < bench_.detectors.size(); ++i)
    if (bench_.detectors[i]->enabled()) enabled |= std::uint32_t{1} << i;
  const LightHeader& h = batch_.header;
  const std::lock_guard lock(stream_mutex_);
  bank_.set_live(enabled, DetectorBank::Stray::blocked);
  if (!bench_.shutter || bench_.shutter->passes({h.end}))
    for (const AliceArrival& a : arrivals_) bank_.arrive(a.detector, a.time);
  const std::int64_t done = h.end - slack_;
  bank_.advance(done);
  take(bank_, done);
  rates_.measure(stream_->counts(), {h.end});
}

PairTagger::Step PairTagger::send(Picoseconds until) {
  LightHeader& h = batch_.header;
  h.end = std::max(h.begin, until.count);
  h.slots = static_cast<std::uint64_t>((h.end - 1 - h.slot_zero) / h.slot_period) + 1 - h.first_slot;
  click();
  if (!bench_.light->send(batch_, running_).ok()) return Step::late;
  bench_.clock->advance_to({h.end});
  return Step::done;
}

/// Darkness after the last light, so that Bob's last tags come out. Where he does not read any more, he needs none.
void PairTagger::last_stretch() {
  const std::atomic<bool> wanted{true};
  if (!bench_.light->has_room({std::chrono::steady_clock::now() + kSlice}, wanted)) return;
  start_batch();
  LightHeader& h = batch_.header;
  h.flags |= kBlockEnds;
  h.end = h.begin + PairEmitter::kCell.count;
  h.slots = 0;
  if (bench_.light->send(batch_, wanted).ok()) bench_.clock->advance_to({h.end});
}

}  // namespace nicol::sim
