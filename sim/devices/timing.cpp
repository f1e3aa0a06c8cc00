// SPDX-License-Identifier: Apache-2.0
#include "sim/devices/timing.hpp"

#include <algorithm>
#include <cmath>

#include "sim/optics/arrival.hpp"
#include "sim/optics/states.hpp"

namespace nicol::sim {
namespace {

constexpr double kPicosPerNano = 1e3, kPicosPerSecond = 1e12;
constexpr double kQuietPs = 1e7;  // at least 10 us
constexpr double kUntoldEndPs = 2e9;

Picoseconds rounded(double ps) { return {static_cast<std::int64_t>(std::llround(ps))}; }

double offset_ps(const Scenario& s) { return s.timing.slot_offset_ns * kPicosPerNano; }

double longest_jitter(const Scenario& s) {
  double longest = 0;
  for (const DetectorModel& d : s.receiver.detectors)
    longest = std::max(longest, kLargestNormal * d.jitter_ps +
                                    (d.jitter_tail_fraction > 0 ? kLargestExponential * d.jitter_tail_ps : 0));
  return longest;
}

hal::TimingLayout common(const Scenario& s) {
  hal::TimingLayout t;
  t.slot_period = slot_period(s);
  t.sync_divider = s.timing.sync_divider;
  t.gate_width = rounded(s.timing.gate_ns * kPicosPerNano);
  return t;
}

/// The sync (or pps) and frame channels come after `first` others.
void set_marks(hal::TimingLayout& t, std::size_t first, hal::ChannelRole role) {
  t.channels.resize(first + 2);
  const auto sync = static_cast<std::uint16_t>(first), frame = static_cast<std::uint16_t>(first + 1);
  t.channels[first] = {sync, role, 0, 0, {}};
  t.channels[first + 1] = {frame, hal::ChannelRole::frame, 0, 0, {kFrameDelayPs}};
}

/// No sync, no frame: the coincidences tie the clocks together. Slots count time.
hal::TimingLayout pair_timing(const Scenario& s, const Scenario::Receiver& receiver) {
  hal::TimingLayout t = common(s);
  t.blind_time = blind_time(receiver);
  for (std::size_t i = 0; i < receiver.detectors.size(); ++i)
    t.channels.push_back({static_cast<std::uint16_t>(i),
                          hal::ChannelRole::detector,
                          static_cast<std::uint8_t>(i / 2),
                          static_cast<std::uint8_t>(i % 2),
                          {},
                          {receiver.detectors[i].rate_limit_hz}});
  return t;
}

}  // namespace

Picoseconds slot_period(const Scenario& s) { return rounded(kPicosPerSecond / s.source.rate_hz); }

Picoseconds earliest_before_slot(const Scenario& s) {
  if (makes_pairs(s.source.type)) return rounded(1 + kLargestNormal * s.source.pairs.pulse_ps);
  double earliest = offset_ps(s);
  for (std::size_t i = 0; i < 4; ++i)
    earliest = std::min(earliest, offset_ps(s) + s.source.delay_ps[i] - kLargestNormal * s.source.width_ps[i]);
  return rounded(std::max(0.0, 1 - earliest));
}

Picoseconds latest_after_slot(const Scenario& s) {
  double latest = 0;
  for (std::size_t i = 0; i < 4; ++i)
    latest = std::max(latest, offset_ps(s) + s.source.delay_ps[i] + kLargestNormal * s.source.width_ps[i]);
  return rounded(latest + longest_jitter(s));
}

Picoseconds blind_time(const Scenario::Receiver& receiver) {
  double dead = 0, jitter = 0;
  for (const DetectorModel& d : receiver.detectors) {
    dead = std::max(dead, d.dead_time_ns * kPicosPerNano);
    jitter = std::max(jitter, d.jitter_ps);
  }
  return rounded(dead + 8 * jitter);
}

Picoseconds quiet_time(const Scenario& s) {
  // Who has to find the block's end by a clock of his own waits longer for it.
  const double quiet = s.timing.sync == SyncType::none ? kUntoldEndPs : kQuietPs;
  return latest_after_slot(s) + earliest_before_slot(s) + blind_time(s.receiver) * 4 + rounded(quiet);
}

Picoseconds light_begins(const Scenario& s, Picoseconds now) {
  const Picoseconds begins = now + quiet_time(s) + Picoseconds::seconds(s.timing.lead_s);
  if (s.timing.sync != SyncType::pps) return begins;
  constexpr auto kSecond = static_cast<std::int64_t>(kPicosPerSecond);
  return {(begins.count + kSecond - 1) / kSecond * kSecond};
}

hal::TimingLayout alice_timing(const Scenario& s) {
  if (makes_pairs(s.source.type)) return pair_timing(s, s.alice.receiver);
  hal::TimingLayout t = common(s);
  set_marks(t, 1, hal::ChannelRole::sync);
  t.channels[0] = {0, hal::ChannelRole::herald, 0, 0, rounded(offset_ps(s))};
  return t;
}

hal::TimingLayout bob_timing(const Scenario& s) {
  if (makes_pairs(s.source.type)) return pair_timing(s, s.receiver);
  hal::TimingLayout t = common(s);
  t.blind_time = blind_time(s.receiver);
  const bool passive = s.receiver.kind == hal::ReceiverKind::passive;
  const std::size_t detectors = s.receiver.detectors.size();
  t.channels.resize(detectors);
  if (s.timing.sync == SyncType::pulses) set_marks(t, detectors, hal::ChannelRole::sync);
  if (s.timing.sync == SyncType::pps) set_marks(t, detectors, hal::ChannelRole::pps);
  for (std::size_t i = 0; i < s.receiver.detectors.size(); ++i)
    t.channels[i] = {
        static_cast<std::uint16_t>(i),    hal::ChannelRole::detector, static_cast<std::uint8_t>(passive ? i / 2 : 0),
        static_cast<std::uint8_t>(i % 2), rounded(offset_ps(s)),      {s.receiver.detectors[i].rate_limit_hz}};
  return t;
}

hal::DeviceModel device_model(const Scenario& s) {
  hal::DeviceModel m;
  m.simulated = true;
  m.p_multi = s.source.p_multi;
  for (std::size_t i = 0; i < 4; ++i) {
    m.mean_photon_number = std::max(m.mean_photon_number, s.source.mean_photon_number[i]);
    m.g2 = std::max(m.g2, s.source.g2[i]);
  }
  m.efficiency_mismatch = s.receiver.efficiency_mismatch;
  m.basis_independent_detection = s.receiver.efficiency_mismatch == 0;
  return m;
}

std::vector<hal::CompensatorPlate> compensator_plates(const Scenario& s) {
  std::vector<hal::CompensatorPlate> plates;
  if (s.compensator.type == CompensatorType::none) return plates;
  for (std::size_t i = 0; i < s.compensator.setting_deg.size(); ++i) {
    hal::CompensatorPlate plate;
    plate.role = compensator_role(i);
    plate.retardance_waves = s.compensator.retardance_waves[i];
    plate.fast_axis_offset = Angle::degrees(s.compensator.offset_deg[i] + s.compensator.motor.offset_deg);
    plate.setting = Angle::degrees(s.compensator.setting_deg[i]);
    plates.push_back(plate);
  }
  return plates;
}

std::string compensator_role(std::size_t plate) { return "compensator-" + std::to_string(plate); }

}  // namespace nicol::sim
