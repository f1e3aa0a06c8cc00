// SPDX-License-Identifier: Apache-2.0
#include "sim/devices/receiver_optics.hpp"

#include <algorithm>

namespace nicol::sim {
namespace {

/// Two 32-bit uniforms of one word.
struct Pair {
  float first, second;
};
Pair uniform_pair(std::uint64_t word) {
  constexpr float kScale = 0x1.0p-24F;
  return {static_cast<float>(word >> 40) * kScale, static_cast<float>(word & 0xFFFFFF) * kScale};
}

std::int64_t arrival(const LightHeader& h, const LightBatch& b, std::size_t i) {
  return h.slot_zero + h.slot_period * static_cast<std::int64_t>(h.first_slot + b.slot[i]) + b.time[i];
}

}  // namespace

ReceiverOptics::ReceiverOptics(const Scenario& scenario, std::uint64_t seed)
    : seed_(seed),
      stream_({seed, NodeId::bob, Purpose::sim_receiver, 0}),
      splitter_(make_splitter(Decibels{scenario.receiver.extinction_transmitted_db},
                              Decibels{scenario.receiver.extinction_reflected_db})),
      constant_(static_cast<float>(splitter_.constant)),
      slope_(static_cast<float>(splitter_.slope)),
      diagonal_share_(static_cast<float>(scenario.receiver.splitter)) {
  double best = 0;
  for (const DetectorModel& d : scenario.receiver.detectors) best = std::max(best, d.efficiency);
  for (const DetectorModel& d : scenario.receiver.detectors) {
    share_.push_back(d.efficiency / best);
    all_alike_ &= share_.back() == 1;
  }
}

void ReceiverOptics::begin_block(std::uint32_t block) {
  stream_ = CounterStream({seed_, NodeId::bob, Purpose::sim_receiver, block});
}

void ReceiverOptics::absorb(std::size_t detector, std::int64_t time, DetectorBank& bank) {
  const bool all_come = all_alike_ && transmittance_ == 1;
  if (!all_come && stream_.uniform() >= share_[detector] * transmittance_) return;
  bank.arrive(detector, time);
}

void ReceiverOptics::passive(const LightBatch& batch, DetectorBank& bank) {
  std::size_t from = 0;
  for (std::size_t g = 0; g < batch.header.groups; ++g) {
    passive(batch, from, batch.group[g].first, bank);
    together(batch, batch.group[g], bank);
    from = batch.group[g].first + batch.group[g].photons;
  }
  passive(batch, from, batch.header.photons, bank);
}

/// A photon's ideal answer, then the port it leaves by: the splitter's leaks take nothing from the others.
void ReceiverOptics::together(const LightBatch& batch, const LightGroup& group, DetectorBank& bank) {
  std::array<Eigen::Vector3d, kJointPhotons> stars;
  for (std::size_t i = 0; i < group.photons; ++i) {
    const PhotonState& p = batch.state[group.first + i];
    stars[i] = Eigen::Vector3f(p.s1, p.s2, p.s3).cast<double>();
  }
  JointPhotons light({stars.data(), group.photons});
  for (std::size_t i = 0; i < group.lost; ++i) light.measure(Eigen::Vector3d::UnitX(), stream_.uniform());
  for (std::size_t i = group.lost; i < group.photons; ++i) {
    const bool diagonal = stream_.uniform() < static_cast<double>(diagonal_share_);
    const bool along = light.measure(diagonal ? Eigen::Vector3d::UnitY() : Eigen::Vector3d::UnitX(), stream_.uniform());
    const bool transmitted = stream_.uniform() < splitter_.transmitted(along ? 1 : -1);
    absorb((diagonal ? 2U : 0U) + (transmitted ? 1U : 0U), arrival(batch.header, batch, group.first + i), bank);
  }
}

void ReceiverOptics::passive(const LightBatch& batch, std::size_t from, std::size_t to, DetectorBank& bank) {
  for (std::size_t i = from; i < to; ++i) {
    const PhotonState& p = batch.state[i];
    const Pair u = uniform_pair(stream_());
    const bool diagonal = u.first < diagonal_share_;
    const bool transmitted = u.second < constant_ + slope_ * (diagonal ? p.s2 : p.s1);
    absorb((diagonal ? 2U : 0U) + (transmitted ? 1U : 0U), arrival(batch.header, batch, i), bank);
  }
}

void ReceiverOptics::active(const LightBatch& batch, const Motor& waveplate, DetectorBank& bank) {
  for (std::size_t i = 0; i < batch.header.photons; ++i) {
    const PhotonState& p = batch.state[i];
    const std::int64_t time = arrival(batch.header, batch, i);
    const Angle angle = waveplate.true_angle({time});
    const Eigen::Vector3d axis = analysed_axis(angle);
    const double along = axis[0] * static_cast<double>(p.s1) + axis[1] * static_cast<double>(p.s2);
    const bool transmitted = stream_.uniform() < splitter_.transmitted(along);
    if (stream_.uniform() < wedge_transmittance(waveplate.wedge(), angle)) absorb(transmitted ? 1 : 0, time, bank);
  }
}

}  // namespace nicol::sim
