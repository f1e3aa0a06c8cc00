// SPDX-License-Identifier: Apache-2.0
// Each call that lets light out ends in send(): tagger first, then fibre, then the clock.
#include "sim/devices/four_state_source.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "sim/devices/timing.hpp"
#include "sim/optics/analyser.hpp"

namespace nicol::sim {
namespace {

constexpr std::size_t kLargestPattern = std::size_t{1} << 20;
constexpr std::chrono::seconds kReceiverTimeout{10};
using hal::EmissionState;

std::size_t words(std::size_t slots) { return (slots + 63) / 64; }

}  // namespace

FourStateSource::FourStateSource(const Scenario& scenario, std::uint64_t seed, const EveOptions& eve, SourceBench bench)
    : Simulated("simulated four-state source", "source-0"),
      scenario_(scenario),
      bench_(std::move(bench)),
      period_(slot_period(scenario)),
      emitter_(scenario, seed, eve) {}

hal::SourceCaps FourStateSource::caps() const {
  hal::SourceCaps caps;
  const bool motorised = scenario_.source.type == SourceType::motorised;
  const bool pulsed = scenario_.source.type == SourceType::pulsed;
  const double g2 = *std::max_element(scenario_.source.g2.begin(), scenario_.source.g2.end());
  caps.source = !pulsed  ? hal::SourceKind::heralded
                : g2 < 1 ? hal::SourceKind::sub_poissonian
                         : hal::SourceKind::weak_coherent;
  caps.record = motorised ? hal::PreparationRecord::motor_setting
                : pulsed  ? hal::PreparationRecord::pattern_player
                          : hal::PreparationRecord::heralded_pattern;
  caps.slot_period = period_;
  caps.max_pattern_slots = motorised ? 0 : kLargestPattern;
  caps.self_safing = true;
  return caps;
}

// ---- emission states ----

Result<hal::InterlockState> FourStateSource::interlock() {
  if (!plugged()) return unplugged_error();
  return hal::InterlockState::absent;
}

Result<void> FourStateSource::arm(hal::ArmToken) {
  if (!plugged()) return unplugged_error();
  const std::lock_guard lock(state_mutex_);
  if (state_ == EmissionState::emitting) return error(Code::unsafe_state, "already emitting");
  state_ = EmissionState::armed;
  return {};
}

Result<void> FourStateSource::enable_emission() {
  if (!plugged()) return unplugged_error();
  const std::lock_guard lock(state_mutex_);
  if (state_ != EmissionState::armed)
    return error(Code::unsafe_state, fmt::format("emission needs an armed source, this one is {}", to_string(state_)));
  state_ = EmissionState::emitting;
  emitting_ = true;
  return {};
}

void FourStateSource::disable_emission() noexcept {
  const std::lock_guard lock(state_mutex_);
  switched_off_ += state_ == EmissionState::emitting;
  state_ = EmissionState::off;
  emitting_ = false;
  changed_.notify_all();
}

Result<EmissionState> FourStateSource::emission() {
  if (!plugged()) return unplugged_error();
  const std::lock_guard lock(state_mutex_);
  return state_;
}

Result<void> FourStateSource::set_light_level(hal::LightLevel level) {
  if (!plugged()) return unplugged_error();
  const std::lock_guard lock(state_mutex_);
  level_ = level;
  return {};
}

hal::LightLevel FourStateSource::light_level() const noexcept {
  const std::lock_guard lock(state_mutex_);
  return state_ == EmissionState::emitting ? level_ : hal::LightLevel::off;
}

void FourStateSource::unplug() noexcept {
  disable_emission();
  Simulated::unplug();
}

// ---- blocks ----

Path FourStateSource::path() const { return bench_.shutter->passes(bench_.clock->now()) ? Path::open : Path::blocked; }

Picoseconds FourStateSource::start_of(std::uint64_t slot) const {
  return Picoseconds{batch_.header.slot_zero} + period_ * static_cast<std::int64_t>(slot);
}

Result<void> FourStateSource::refusal(Call call) const {
  if (!plugged()) return unplugged_error();
  const bool motorised = scenario_.source.type == SourceType::motorised;
  if (call == Call::fire && !motorised)
    return error(Code::not_supported, "fire() is for motorised sources; this one plays patterns");
  if (call == Call::emit && motorised)
    return error(Code::not_supported, "a motorised source takes no pattern: fire() each setting");
  const std::lock_guard lock(state_mutex_);
  if (state_ != EmissionState::emitting) return error(Code::unsafe_state, "emission is off");
  if (level_ != hal::LightLevel::quantum)
    return error(Code::unsafe_state, fmt::format("light level is {}, slots need quantum", to_string(level_)));
  if (call == Call::begin) return {};
  if (open_ == Block::none) return error(Code::unsafe_state, "no block is open");
  if (open_ == Block::interrupted || switched_off_ != block_light_)
    return error(Code::unsafe_state, "emission was switched off during this block: resume_block() comes first");
  return {};
}

Result<void> FourStateSource::begin_block(std::uint64_t slots) {
  const std::lock_guard lock(emit_mutex_);
  if (auto refused = refusal(Call::begin); !refused.ok()) return refused;
  if (slots == 0) return error(Code::out_of_range, "a block of 0 slots");
  if (auto ok = bench_.light->await_receiver(SteadyDeadlines().in(kReceiverTimeout), emitting_); !ok.ok()) return ok;
  const Picoseconds now = bench_.clock->now();
  // Motorised: a whole period, in which the first setting is reached.
  const Picoseconds start = std::max(light_begins(scenario_, now), bench_.waveplate ? now + period_ : now);
  batch_.header = {};
  batch_.header.flags = kBlockBegins;
  batch_.header.block = blocks_;
  batch_.header.block_slots = block_slots_ = slots;
  batch_.header.slot_zero = start.count;
  batch_.header.slot_period = period_.count;
  batch_.header.sync_divider = scenario_.timing.sync_divider;
  batch_.header.begin = now.count;
  batch_.header.end = bench_.waveplate ? now.count : batch_.header.slot_zero;
  emitter_.begin_block(blocks_++, {batch_.header.slot_zero}, period_);
  next_slot_ = 0;
  return shine_on();
}

/// The dark stretch before the first slot goes out; from here on light counts.
Result<void> FourStateSource::shine_on() {
  heralds_.clear();
  open_ = Block::flowing;
  block_light_ = times_switched_off();
  paced_from_ = std::chrono::steady_clock::now();
  paced_rig_ = Picoseconds{batch_.header.begin};
  return send();
}

Result<void> FourStateSource::resume_block(std::uint64_t first_slot) {
  const std::lock_guard lock(emit_mutex_);
  if (auto refused = refusal(Call::begin); !refused.ok()) return refused;
  if (open_ == Block::none) return error(Code::unsafe_state, "no block is open");
  if (first_slot < next_slot_ || first_slot > block_slots_ || first_slot % scenario_.timing.sync_divider != 0)
    return error(Code::out_of_range, fmt::format("light cannot go on at slot {}: expected a multiple of {} in {}..{}",
                                                 first_slot, scenario_.timing.sync_divider, next_slot_, block_slots_));
  if (auto ok = bench_.light->await_receiver(SteadyDeadlines().in(kReceiverTimeout), emitting_); !ok.ok()) return ok;
  const Picoseconds now = bench_.clock->now();
  const Picoseconds start = std::max(light_begins(scenario_, now), bench_.waveplate ? now + period_ : now);
  LightHeader& h = batch_.header;
  h.flags = kBlockResumes;
  h.photons = 0;
  h.slots = 0;
  h.first_slot = next_slot_ = first_slot;
  h.slot_zero = (start - period_ * static_cast<std::int64_t>(first_slot)).count;
  h.begin = now.count;
  h.end = bench_.waveplate ? now.count : start.count;
  emitter_.resume_block({h.slot_zero});
  return shine_on();
}

std::uint64_t FourStateSource::times_switched_off() const {
  const std::lock_guard lock(state_mutex_);
  return switched_off_;
}

void FourStateSource::start_batch(std::uint64_t slot) {
  LightHeader& h = batch_.header;
  h.flags = 0;
  h.photons = 0;
  h.begin = h.end;
  h.first_slot = slot;
  heralds_.clear();
}

void FourStateSource::cover(std::uint64_t until_slot, Picoseconds until) {
  batch_.header.slots = until_slot - batch_.header.first_slot;
  batch_.header.end = std::max(batch_.header.begin, until.count);
  next_slot_ = until_slot;
}

Result<void> FourStateSource::send() {
  const Picoseconds end{batch_.header.end};
  if (bench_.heralds) bench_.heralds->stretch(batch_.header, heralds_);
  auto sent = bench_.light->send(batch_, emitting_);
  if (sent.ok()) {
    bench_.clock->advance_to(end);
    sent = pace();
  }
  if (!sent.ok()) open_ = Block::interrupted;
  return sent;
}

/// Holds rig time back to `speed` times real time; returns early when emission is switched off.
Result<void> FourStateSource::pace() {
  if (bench_.speed <= 0) return {};
  const double seconds = (Picoseconds{batch_.header.end} - paced_rig_).seconds() / bench_.speed;
  const auto due = paced_from_ + std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                                     std::chrono::duration<double>(seconds));
  std::unique_lock lock(state_mutex_);
  if (changed_.wait_until(lock, due, [&] { return !emitting_; }))
    return error(Code::cancelled, "emission was switched off");
  return {};
}

Result<void> FourStateSource::check(const hal::PatternChunk& chunk) const {
  if (chunk.first_slot != next_slot_)
    return error(Code::out_of_range,
                 fmt::format("pattern starts at slot {}, expected {}", chunk.first_slot, next_slot_));
  if (chunk.slots > kLargestPattern || chunk.slots > block_slots_ - next_slot_)
    return error(Code::out_of_range, fmt::format("pattern of {} slots; at most {} at once and {} left in this block",
                                                 chunk.slots, kLargestPattern, block_slots_ - next_slot_));
  if (chunk.bases.size() < words(chunk.slots) || chunk.bits.size() < words(chunk.slots))
    return error(Code::bad_input, fmt::format("pattern of {} slots with {} words of bases and {} of bits; expected {}",
                                              chunk.slots, chunk.bases.size(), chunk.bits.size(), words(chunk.slots)));
  if (!chunk.intensity_low.empty() || !chunk.intensity_high.empty())
    return error(Code::not_supported, "this source has one intensity");
  return {};
}

Result<void> FourStateSource::emit(const hal::PatternChunk& chunk) {
  const std::lock_guard lock(emit_mutex_);
  if (auto refused = refusal(Call::emit); !refused.ok()) return refused;
  if (auto ok = check(chunk); !ok.ok()) return ok;
  const std::uint64_t end = chunk.first_slot + chunk.slots;
  const Path way = path();
  while (next_slot_ < end) {
    start_batch(next_slot_);
    const std::uint64_t most = std::min(end, next_slot_ + kBatchPhotons * scenario_.timing.sync_divider);
    const std::uint64_t until = emitter_.emit(chunk, {next_slot_, most}, way, batch_, heralds_);
    cover(until, start_of(until));
    if (auto sent = send(); !sent.ok()) return sent;
  }
  return {};
}

Result<void> FourStateSource::fire(std::uint64_t pulses) {
  const std::lock_guard lock(emit_mutex_);
  if (auto refused = refusal(Call::fire); !refused.ok()) return refused;
  if (pulses != 1)
    return error(Code::out_of_range, fmt::format("{} pulses for one setting; expected exactly one", pulses));
  if (next_slot_ >= block_slots_) return error(Code::out_of_range, fmt::format("the block has {} slots", block_slots_));
  const std::uint64_t slot = next_slot_;
  const Picoseconds at = start_of(slot);
  const bool late = bench_.clock->now() > at;
  bench_.clock->advance_to(at);
  start_batch(slot);
  if (!late) {
    const Angle plate = bench_.waveplate->true_angle(at);
    emitter_.fire(slot, plate * 2, wedge_transmittance(bench_.waveplate->wedge(), plate), path(), batch_, heralds_);
  }
  // Short of the next slot: what is left of the period is for both sides to move in.
  cover(slot + 1, at + std::min(period_, quiet_time(scenario_)));
  if (auto sent = send(); !sent.ok()) return sent;
  if (late) return error(Code::timeout, fmt::format("slot {} went by before the waveplate stood still", slot));
  return {};
}

Result<void> FourStateSource::end_block() {
  const std::lock_guard lock(emit_mutex_);
  if (!plugged()) return unplugged_error();
  if (open_ != Block::flowing) return error(Code::unsafe_state, "no light flows that could end");
  start_batch(next_slot_);
  batch_.header.flags = kBlockEnds;
  cover(next_slot_, start_of(next_slot_) + quiet_time(scenario_));
  auto sent = send();
  if (sent.ok()) open_ = Block::none;
  return sent;
}

}  // namespace nicol::sim
