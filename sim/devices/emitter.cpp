// SPDX-License-Identifier: Apache-2.0
// Lost photons cost nothing: the distance to the next slot that matters is one geometric draw.
#include "sim/devices/emitter.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "sim/devices/draws.hpp"
#include "sim/optics/analyser.hpp"
#include "sim/optics/states.hpp"

namespace nicol::sim {
namespace {

constexpr std::size_t kHeraldsAtOnce = 1 << 16;

PhotonState photon_state(const Eigen::Vector3d& s) {
  return {static_cast<float>(s[0]), static_cast<float>(s[1]), static_cast<float>(s[2])};
}

double receiver_share(const Scenario::Receiver& receiver) {
  double best = 0;
  for (const DetectorModel& d : receiver.detectors) best = std::max(best, d.efficiency);
  return best * transmittance(Decibels{receiver.loss_db});
}

bool bit_at(std::span<const std::uint64_t> words, std::uint64_t k) { return words[k / 64] >> (k % 64) & 1; }

}  // namespace

Emitter::Emitter(const Scenario& scenario, std::uint64_t seed, const EveOptions& eve)
    : scenario_(scenario),
      seed_(seed),
      receiver_share_(receiver_share(scenario.receiver)),
      channel_(scenario.channel, seed),
      attack_(eve, seed),
      stream_({seed, NodeId::world, Purpose::sim_source, 0}) {
  for (std::size_t s = 0; s < 4; ++s) {
    states_[s] = photon_state(prepared(s, Angle::degrees(scenario.source.misalignment_deg[s])));
    centre_[s] = scenario.timing.slot_offset_ns * 1e3 + scenario.source.delay_ps[s];
    width_[s] = scenario.source.width_ps[s];
  }
}

void Emitter::begin_block(std::uint32_t block, Picoseconds slot_zero, Picoseconds period) {
  block_ = block;
  slot_zero_ = slot_zero;
  period_ = period;
  stream_ = CounterStream({seed_, NodeId::world, Purpose::sim_source, block});
  attack_.begin_block(block);
  next_.reset();
  constant_until_ = 0;
}

void Emitter::resume_block(Picoseconds slot_zero) {
  slot_zero_ = slot_zero;
  next_.reset();
  constant_until_ = 0;
}

void Emitter::look_at_channel(std::uint64_t slot) {
  channel_.advance(start_of(slot));
  const double passed = channel_.transmittance() * receiver_share_;
  if (passed != tabulated_) tables_ = make_source_tables(scenario_.source, tabulated_ = passed);
  for (int i = 0; i < 9; ++i)
    rotation_[static_cast<std::size_t>(i)] = static_cast<float>(channel_.rotation()(i / 3, i % 3));
  for (std::size_t s = 0; s < 4; ++s) turned_states_[s] = turned(states_[s]);
  const Picoseconds until = channel_.constant_until();
  constant_until_ = until.count == std::numeric_limits<std::int64_t>::max()
                        ? std::numeric_limits<std::uint64_t>::max()
                        : static_cast<std::uint64_t>((until - slot_zero_).count + period_.count - 1) /
                              static_cast<std::uint64_t>(period_.count);
  constant_until_ = std::max(constant_until_, slot + 1);
  next_.reset();
}

Emitter::Happening Emitter::draw_happening() {
  const double u = stream_.uniform();
  if (u < tables_.herald_and_photon) return {true, true};
  if (u < tables_.herald_or_photon_only) return {false, true};
  return {true, false};
}

std::size_t Emitter::draw_photons(std::size_t state) {
  if (!tables_.all_alike && stream_.uniform() >= tables_.keep[state]) return 0;
  const double u = stream_.uniform();
  const auto& at_most = tables_.at_most[state];
  std::size_t photons = 1;
  while (photons < kSlotPhotons && u >= at_most[photons - 1]) ++photons;
  return photons;
}

PhotonState Emitter::turned(const PhotonState& p) const {
  const auto& r = rotation_;
  return {r[0] * p.s1 + r[1] * p.s2 + r[2] * p.s3, r[3] * p.s1 + r[4] * p.s2 + r[5] * p.s3,
          r[6] * p.s1 + r[7] * p.s2 + r[8] * p.s3};
}

std::int32_t Emitter::draw_time(std::size_t state) {
  if (width_[state] <= 0) return static_cast<std::int32_t>(round_ps(centre_[state]));
  return static_cast<std::int32_t>(round_ps(centre_[state] + width_[state] * draw_normal(stream_)));
}

void Emitter::send(std::uint64_t slot, std::size_t state, const PhotonState& arriving, std::size_t photons,
                   LightBatch& batch) {
  for (std::size_t i = 0; i < photons; ++i)
    batch.push(static_cast<std::uint32_t>(slot - batch.header.first_slot), draw_time(state), arriving);
}

void Emitter::send_through_eve(std::uint64_t slot, std::size_t state, const PhotonState& prepared, std::size_t photons,
                               LightBatch& batch) {
  std::array<PhotonState, kSlotPhotons> light;
  std::fill_n(light.begin(), photons, prepared);
  attack_.meet(slot, light.data(), photons);
  for (std::size_t i = 0; i < photons; ++i) send(slot, state, turned(light[i]), 1, batch);
}

std::uint64_t Emitter::emit(const hal::PatternChunk& chunk, Slots slots, Path path, LightBatch& batch,
                            std::vector<std::uint64_t>& heralds) {
  const std::uint64_t end = slots.end;
  const bool heralded = scenario_.source.type != SourceType::pulsed, attacked = attack_.active();
  for (std::uint64_t from = slots.begin; from < end;) {
    if (from >= constant_until_) look_at_channel(from);
    if (!next_) next_ = from + draw_failures(stream_, tables_.mean_gap);
    const std::uint64_t stretch = std::min(end, constant_until_);
    while (*next_ < stretch) {
      if (!batch.has_room() || heralds.size() >= kHeraldsAtOnce) return *next_;
      const std::uint64_t slot = *next_, k = slot - chunk.first_slot;
      const Happening happening = heralded ? draw_happening() : Happening{false, true};
      if (happening.herald) heralds.push_back(slot);
      if (happening.photon) {
        const std::size_t state = state_index(bit_at(chunk.bases, k), bit_at(chunk.bits, k));
        const std::size_t photons = draw_photons(state);
        if (path == Path::blocked)
          for (std::size_t i = 0; i < photons; ++i) draw_time(state);
        else if (attacked)
          send_through_eve(slot, state, states_[state], photons, batch);
        else
          send(slot, state, turned_states_[state], photons, batch);
      }
      next_ = slot + 1 + draw_failures(stream_, tables_.mean_gap);
    }
    from = stretch;
  }
  return end;
}

void Emitter::fire(std::uint64_t slot, Angle polarisation, double passed, Path path, LightBatch& batch,
                   std::vector<std::uint64_t>& heralds) {
  look_at_channel(slot);
  const std::uint64_t index = (std::uint64_t{block_} << 32) + slot;
  stream_ = CounterStream({seed_, NodeId::world, Purpose::sim_source, index});
  if (stream_.uniform() >= tables_.event) return;
  const Happening happening = draw_happening();
  if (happening.herald) heralds.push_back(slot);
  const std::size_t state = nearest_state(polarisation);
  const double t = 2 * (polarisation + Angle::degrees(scenario_.source.misalignment_deg[state])).radians();
  const PhotonState prepared{static_cast<float>(std::cos(t)), static_cast<float>(std::sin(t)), 0};
  std::size_t photons = happening.photon ? draw_photons(state) : 0;
  for (std::size_t i = photons; i > 0; --i)
    if (stream_.uniform() >= passed) --photons;
  if (path == Path::blocked || photons == 0) return;
  if (attack_.active()) return send_through_eve(slot, state, prepared, photons, batch);
  send(slot, state, turned(prepared), photons, batch);
}

}  // namespace nicol::sim
