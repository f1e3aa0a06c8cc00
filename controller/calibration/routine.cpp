// SPDX-License-Identifier: Apache-2.0
#include "controller/calibration/routine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "controller/calibration/dark_counts.hpp"
#include "controller/calibration/delays.hpp"
#include "controller/calibration/mismatch.hpp"
#include "controller/calibration/photon_number.hpp"
#include "controller/calibration/polarisation.hpp"
#include "controller/calibration/thresholds.hpp"
#include "controller/calibration/tomography.hpp"
#include "controller/calibration/visibility.hpp"
#include "controller/calibration/waveplates.hpp"

namespace nicol::calibration {
namespace {

constexpr const char *kMismatch = "model.efficiency_mismatch", *kAlike = "model.basis_independent_detection",
                     *kBlind = "timing.blind_time_ps", *kPreparation = "model.preparation_error_rad",
                     *kMulti = "model.p_multi", *kMultiAtLeast = "model.p_multi.at_least";

Status status_of(const Error& error) { return error.code == Code::cancelled ? Status::cancelled : Status::failed; }

template <class T>
std::optional<T> entry(const hal::State& state, const std::string& key) {
  const auto it = state.find(key);
  if (it == state.end() || !std::holds_alternative<T>(it->second)) return std::nullopt;
  return std::get<T>(it->second);
}

std::optional<Angle> angle(const hal::State& state, const std::string& key) {
  const auto degrees = entry<double>(state, key);
  return degrees ? std::optional(Angle::degrees(*degrees)) : std::nullopt;
}

/// A setting is where the mount stands: an axis that turns out to be elsewhere moves no mount.
void tell_plates(const hal::State& result, hal::Rig& rig) {
  for (hal::CompensatorPlate& plate : rig.compensator) {
    const Angle stands = plate.setting + plate.fast_axis_offset;
    if (const auto offset = angle(result, plate.role + ".fast_axis_offset_deg")) plate.fast_axis_offset = *offset;
    plate.setting = angle(result, plate.role + ".mount_deg").value_or(stands) - plate.fast_axis_offset;
    if (const auto waves = entry<double>(result, plate.role + ".retardance_waves")) plate.retardance_waves = *waves;
  }
}

std::string detector_name(std::size_t index) { return fmt::format("detector-{}", index); }

std::size_t detectors(const hal::TimingLayout& timing) {
  return static_cast<std::size_t>(
      std::ranges::count(timing.channels, hal::ChannelRole::detector, &hal::ChannelLayout::role));
}

void tell_timing(const hal::State& result, hal::TimingLayout& timing) {
  if (const auto ps = entry<std::int64_t>(result, kBlind))
    timing.blind_time = std::max(timing.blind_time, Picoseconds{*ps});  // only ever longer
  std::size_t detector = 0;
  for (hal::ChannelLayout& channel : timing.channels) {
    if (channel.role != hal::ChannelRole::detector) continue;
    if (const auto ps = entry<double>(result, detector_name(detector++) + ".delay_ps"))
      channel.delay = {std::llround(*ps)};
  }
}

/// Where only part of it was measured, what is declared stands unless that contradicts it (model.p_multi.at_least).
void tell_source(const hal::State& result, hal::DeviceModel& model) {
  if (const auto mean = entry<double>(result, "model.mean_photon_number")) model.mean_photon_number = *mean;
  if (const auto g2 = entry<double>(result, "model.g2")) model.g2 = *g2;
  if (const auto least = entry<double>(result, kMultiAtLeast)) model.p_multi = std::max(model.p_multi, *least);
  if (const auto multi = entry<double>(result, kMulti)) {
    model.p_multi = *multi;
    model.source_provenance = hal::Provenance::measured;
  }
}

void tell_model(const hal::State& result, hal::DeviceModel& model) {
  if (const auto most = entry<double>(result, kMismatch)) {
    model.efficiency_mismatch = *most;
    model.mismatch_provenance = hal::Provenance::measured;
  }
  if (const auto delta = entry<double>(result, kPreparation)) {
    model.preparation_error_rad = *delta;
    model.preparation_provenance = hal::Provenance::measured;
  }
  if (const auto alike = entry<bool>(result, kAlike)) model.basis_independent_detection = *alike;
  tell_source(result, model);
}

Result<void> tell_thresholds(const hal::State& result, hal::Rig& rig) {
  auto* tagger = rig.find<hal::TimeTagger>("tagger");
  std::size_t detector = 0;
  for (const hal::ChannelLayout& channel : rig.timing.channels) {
    if (channel.role != hal::ChannelRole::detector) continue;
    const auto volts = entry<double>(result, detector_name(detector++) + ".threshold_v");
    if (!volts || tagger == nullptr) continue;
    auto config = tagger->channel(channel.channel);
    if (!config) return std::move(config).error();
    config->threshold = {*volts};
    if (auto set = tagger->set_channel(channel.channel, *config); !set) return set;
  }
  return {};
}

/// Every entry of a plate or of a detector belongs to one that the rig has.
Result<void> all_there(const hal::State& result, const hal::Rig& rig) {
  std::vector<std::string> known;
  for (const hal::CompensatorPlate& plate : rig.compensator) known.push_back(plate.role);
  for (std::size_t i = 0; i < detectors(rig.timing); ++i) known.push_back(detector_name(i));
  for (const auto& [key, value] : result) {
    const std::string role = key.substr(0, key.find('.'));
    if (!role.starts_with("compensator-") && !role.starts_with("detector-")) continue;
    if (std::ranges::find(known, role) == known.end())
      return Error{Code::not_found, fmt::format("\"{}\": the rig has no {}", key, role), "", 0, {}};
  }
  return {};
}

/// A measurement outside its limits is believed where it makes keys shorter, and nowhere else.
hal::State only_worse(const hal::State& result, const hal::DeviceModel& model) {
  hal::State kept;
  for (const auto& [key, told] : {std::pair(kMismatch, model.efficiency_mismatch),
                                  {kPreparation, model.preparation_error_rad},
                                  {kMulti, model.p_multi},
                                  {kMultiAtLeast, model.p_multi}})
    if (const auto found = entry<double>(result, key); found && *found > told) kept[key] = *found;
  if (const auto alike = entry<bool>(result, kAlike); alike && !*alike) kept[kAlike] = false;
  if (const auto blind = result.find(kBlind); blind != result.end()) kept.insert(*blind);  // is only ever told longer
  return kept;
}

hal::State both(const RigState& own, const RigState& remote) {
  hal::State all;
  for (auto& [key, value] : own.described()) all["own." + key] = value;
  for (auto& [key, value] : remote.described()) all["peer." + key] = value;
  return all;
}

}  // namespace

std::string_view to_string(Status status) noexcept {
  switch (status) {
    case Status::passed:
      return "passed";
    case Status::cancelled:
      return "cancelled";
    default:
      return "failed";
  }
}

const std::vector<Routine>& routines() {
  static const std::vector<Routine> all{thresholds(), dark_counts(),         delays(),
                                        waveplates(), polarisation(),        visibility(),
                                        tomography(), efficiency_mismatch(), photon_number()};
  return all;
}

const Routine* find_routine(std::string_view name) {
  const auto it = std::ranges::find(routines(), name, &Routine::name);
  return it == routines().end() ? nullptr : &*it;
}

Report perform(const Routine& routine, Bench& bench) {
  Report report;
  report.routine = routine.name;
  const RigState own = RigState::of(bench.own()), remote = RigState::of(bench.remote());
  report.before = both(own, remote);
  bench.begin(std::string(routine.name), routine.steps);
  Result<void> done = routine.run(bench, report);
  const bool found = done.ok();
  if (found) done = bench.judge(report);
  rest(bench.remote());
  rest(bench.own());
  report.status = done ? Status::passed : status_of(done.error());
  report.seconds = bench.seconds();
  report.motor_moves = bench.moves();
  report.detected_photons = bench.photons();
  if (!done) {
    report.reason = describe(done.error());
    report.result = found ? only_worse(report.result, bench.own().model) : hal::State();
    for (const auto& [state, rig] : {std::pair(&remote, &bench.remote()), std::pair(&own, &bench.own())})
      for (std::string& left : state->restore(*rig, bench)) report.warnings.push_back(std::move(left));
  }
  report.after = both(RigState::of(bench.own()), RigState::of(bench.remote()));
  return report;
}

Result<void> apply(const hal::State& result, hal::Rig& rig) {
  tell_plates(result, rig);
  tell_timing(result, rig.timing);
  tell_model(result, rig.model);
  if (auto told = tell_thresholds(result, rig); !told) return told;
  return all_there(result, rig);
}

}  // namespace nicol::calibration
