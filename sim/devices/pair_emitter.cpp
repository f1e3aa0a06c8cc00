// SPDX-License-Identifier: Apache-2.0
// Lost pairs cost nothing: the distance to the next of which a photon arrives is one exponential draw.
#include "sim/devices/pair_emitter.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "sim/devices/draws.hpp"
#include "sim/optics/pair_state.hpp"

namespace nicol::sim {
namespace {

constexpr double kPicosPerSecond = 1e12, kThermal = 1.5, kPoisson = 1;

double best_efficiency(const Scenario::Receiver& receiver) {
  double best = 0;
  for (const DetectorModel& d : receiver.detectors) best = std::max(best, d.efficiency);
  return best * transmittance(Decibels{receiver.loss_db});
}

PhotonState photon_state(const Eigen::Vector3d& s) {
  return {static_cast<float>(s[0]), static_cast<float>(s[1]), static_cast<float>(s[2])};
}

Eigen::Vector3d axis_of(std::size_t basis) { return basis == 1 ? Eigen::Vector3d::UnitY() : Eigen::Vector3d::UnitX(); }

/// Uniform on the sphere.
Eigen::Vector3d draw_direction(CounterStream& stream) {
  const double z = 2 * stream.uniform() - 1, angle = 2 * std::numbers::pi * stream.uniform();
  const double r = std::sqrt(std::max(0.0, 1 - z * z));
  return {r * std::cos(angle), r * std::sin(angle), z};
}

/// Two uniforms of one word, of 32 bits each.
struct Halves {
  double first, second;
};
Halves halves(std::uint64_t word) {
  return {static_cast<double>(word >> 32) * 0x1.0p-32, static_cast<double>(word & 0xFFFFFFFF) * 0x1.0p-32};
}

}  // namespace

PairEmitter::PairEmitter(const Scenario& scenario, std::uint64_t seed)
    : scenario_(scenario),
      seed_(seed),
      pulsed_(scenario.source.type == SourceType::entangled_pulsed),
      pump_period_(pulsed_ ? round_ps(kPicosPerSecond / scenario.source.pairs.pump_hz) : 1),
      joint_(pulsed_ && scenario.source.pairs.statistics == PairStatistics::thermal),
      to_alice_(scenario.alice.channel, seed, NodeId::alice),
      to_bob_(scenario.channel, seed),
      splitter_(make_splitter(Decibels{scenario.alice.receiver.extinction_transmitted_db},
                              Decibels{scenario.alice.receiver.extinction_reflected_db})),
      stream_({seed, NodeId::world, Purpose::sim_source, 0}) {
  const auto& detectors = scenario.alice.receiver.detectors;
  double best = 0, sum = 0;
  for (const DetectorModel& d : detectors) best = std::max(best, d.efficiency);
  for (std::size_t i = 0; i < share_.size(); ++i) {
    share_[i] = detectors[i].efficiency / best;
    all_alike_ &= share_[i] == 1;
  }
  const auto shares = bell_shares(scenario.source.pairs.visibility);
  for (std::size_t k = 0; k < bell_at_most_.size(); ++k) bell_at_most_[k] = sum += shares[k];
  const SphereRotation state = half_turn(scenario.source.pairs.state == PairState::phi_plus ? 3 : 0);
  for (std::size_t k = 0; k < bell_turn_.size(); ++k) bell_turn_[k] = half_turn(k) * state;
}

void PairEmitter::begin_run(std::uint32_t run, Picoseconds start) {
  run_ = run;
  cell_ = 0;
  start_ = start;
  cell_begin_ = start - kCell;
  next_pulse_ = end_pulse_ = 0;
  fibres_seen_ = ~std::uint64_t{0};
}

void PairEmitter::next_cell(double pairs_per_second) {
  cell_begin_ = cell_begin_ + kCell;
  stream_ = CounterStream({seed_, NodeId::world, Purpose::sim_source, (std::uint64_t{run_} << 32) + cell_++});
  to_alice_.advance(cell_begin_);
  to_bob_.advance(cell_begin_);
  look_at_fibres();
  set_rate(pairs_per_second);
}

void PairEmitter::look_at_fibres() {
  const std::uint64_t seen = to_alice_.version() + to_bob_.version();
  if (seen == fibres_seen_) return;
  fibres_seen_ = seen;
  tabulated_ = -1;
  arrive_ = {to_alice_.transmittance() * best_efficiency(scenario_.alice.receiver),
             to_bob_.transmittance() * best_efficiency(scenario_.receiver)};
  for (std::size_t basis = 0; basis < 2; ++basis)
    for (std::size_t along = 0; along < 2; ++along) {
      const Eigen::Vector3d found = axis_of(basis) * (along == 1 ? 1.0 : -1.0);
      const Eigen::Vector3d at_crystal = to_alice_.rotation().transpose() * found;
      for (std::size_t k = 0; k < 4; ++k)
        twin_[2 * basis + along][k] = photon_state(to_bob_.rotation() * twin_of(at_crystal, bell_turn_[k]));
    }
}

void PairEmitter::set_rate(double pairs_per_second) {
  rate_ = pairs_per_second;
  if (!pulsed_) {
    const double events = rate_ * arrive_.any();
    mean_gap_ = events > 0 ? kPicosPerSecond / events : std::numeric_limits<double>::infinity();
    next_ = step();
    return;
  }
  const double hz = scenario_.source.pairs.pump_hz, mean = rate_ / hz;
  if (mean != tabulated_) tables_ = PairTables(tabulated_ = mean, joint_ ? kThermal : kPoisson, arrive_);
  mean_gap_ = tables_.mean_gap();
  const auto first_after = [&](Picoseconds t) {
    return static_cast<std::uint64_t>(((t - start_).count - pump_period_ / 2 + pump_period_ - 1) / pump_period_);
  };
  next_pulse_ = first_after(cell_begin_);
  end_pulse_ = first_after(cell_end());
  next_pulse_ += mean_gap_ < kPicosPerSecond * kPicosPerSecond ? draw_failures(stream_, mean_gap_) : end_pulse_;
}

double PairEmitter::step() {
  return mean_gap_ < kPicosPerSecond * kPicosPerSecond ? draw_exponential(stream_) * mean_gap_ : mean_gap_;
}

Picoseconds PairEmitter::emit(LightBatch& batch, std::vector<AliceArrival>& alice) {
  if (pulsed_) {
    while (next_pulse_ < end_pulse_) {
      if (!batch.has_room()) return centre_of(next_pulse_);
      pulse(batch, alice);
      next_pulse_ += 1 + draw_failures(stream_, mean_gap_);
    }
    return cell_end();
  }
  const double end = static_cast<double>(kCell.count);
  while (next_ < end) {
    const std::int64_t time = cell_begin_.count + static_cast<std::int64_t>(next_);
    if (!batch.has_room()) return {time};
    pair(time, slot_of(time, batch.header), batch, alice);
    next_ += step();
  }
  return cell_end();
}

std::size_t PairEmitter::slot_of(std::int64_t time, const LightHeader& header) const {
  const auto slot = static_cast<std::uint64_t>((time - header.slot_zero) / header.slot_period);
  return static_cast<std::size_t>(slot - header.first_slot);
}

// ---- one pair ----

PairEmitter::Measured PairEmitter::measure() {
  const std::uint64_t word = stream_();
  const Halves u = halves(word);
  Measured m;
  m.basis = u.first < scenario_.alice.receiver.splitter ? 1 : 0;
  m.along = (word & 1) != 0;  // which moves the second half by 2^-32 only
  m.transmitted = u.second < splitter_.transmitted(m.along ? 1 : -1);
  return m;
}

std::size_t PairEmitter::draw_bell(double u) const {
  std::size_t k = 0;
  while (k < bell_at_most_.size() && u >= bell_at_most_[k]) ++k;
  return k;
}

void PairEmitter::detect(const Measured& m, std::int64_t time, std::vector<AliceArrival>& alice) {
  const std::size_t detector = m.detector();
  if (!all_alike_ && stream_.uniform() >= share_[detector]) return;
  alice.push_back({time, detector});
}

/// Given that at least one of its photons arrives.
void PairEmitter::pair(std::int64_t time, std::size_t slot, LightBatch& batch, std::vector<AliceArrival>& alice) {
  const Halves u = halves(stream_());
  const double which = u.first * arrive_.any();
  const bool at_alice = which < arrive_.alice, at_bob = which < arrive_.alice * arrive_.bob || !at_alice;
  const Measured m = measure();
  if (at_alice) detect(m, time, alice);
  if (!at_bob) return;
  const std::int64_t begin =
      batch.header.slot_zero + batch.header.slot_period * static_cast<std::int64_t>(batch.header.first_slot + slot);
  batch.push(static_cast<std::uint32_t>(slot), static_cast<std::int32_t>(time - begin),
             twin_[m.index()][draw_bell(u.second)]);
}

// ---- one pulse ----

std::int64_t PairEmitter::draw_time(std::int64_t centre) {
  const double width = scenario_.source.pairs.pulse_ps;
  return width > 0 ? centre + round_ps(width * draw_normal(stream_)) : centre;
}

/// Given that at least one photon of it arrives.
void PairEmitter::pulse(LightBatch& batch, std::vector<AliceArrival>& alice) {
  const std::int64_t centre = centre_of(next_pulse_).count;
  const std::size_t slot = slot_of(centre, batch.header);
  const std::size_t pairs = tables_.draw_pairs(stream_);
  if (pairs == 1) return pair(draw_time(centre), slot, batch, alice);
  if (joint_) return joint_pulse(pairs, tables_.draw_survivors(pairs, stream_), centre, slot, batch, alice);
  // Pairs that know nothing of each other; the last must bring what the others did not.
  std::size_t left = pairs;
  for (bool something = false; left > 0; --left) {
    const double none_after = std::pow(arrive_.neither(), static_cast<double>(left));
    if (!something && stream_.uniform() * (1 - none_after) >= arrive_.any()) continue;
    if (something && stream_.uniform() >= arrive_.any()) continue;
    something = true;
    pair(draw_time(centre), slot, batch, alice);
  }
}

/// Alice's photons alone are the even mixture of all n-photon states: n alike, polarised anywhere on the sphere.
PairEmitter::Measured PairEmitter::measure(const Eigen::Vector3d& polarisation) {
  Measured m;
  m.basis = stream_.uniform() < scenario_.alice.receiver.splitter ? 1 : 0;
  m.along = stream_.uniform() < (1 + polarisation.dot(axis_of(m.basis))) / 2;
  m.transmitted = stream_.uniform() < splitter_.transmitted(m.along ? 1 : -1);
  return m;
}

/// All pairs of the pulse in one mode: finding Alice's along a_1 ... a_n leaves Bob's with the twins of these for
/// stars.
void PairEmitter::joint_pulse(std::size_t pairs, const Survivors& survivors, std::int64_t centre, std::size_t slot,
                              LightBatch& batch, std::vector<AliceArrival>& alice) {
  const Eigen::Vector3d polarisation = draw_direction(stream_);
  const std::size_t bell = draw_bell(stream_.uniform());
  const std::int64_t begin =
      batch.header.slot_zero + batch.header.slot_period * static_cast<std::int64_t>(batch.header.first_slot + slot);
  const std::uint32_t first = batch.header.photons;
  for (std::size_t i = 0; i < pairs; ++i) {
    const Measured m = measure(polarisation);
    const std::int64_t time = draw_time(centre);
    if (i < survivors.alice) detect(m, time, alice);
    if (survivors.bob > 0)
      batch.push(static_cast<std::uint32_t>(slot), static_cast<std::int32_t>(time - begin), twin_[m.index()][bell]);
  }
  if (survivors.bob > 0) batch.tie(first, static_cast<std::uint16_t>(pairs - survivors.bob));
}

}  // namespace nicol::sim
