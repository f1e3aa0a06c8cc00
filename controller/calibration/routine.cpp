// SPDX-License-Identifier: Apache-2.0
#include "controller/calibration/routine.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "controller/calibration/polarisation.hpp"

namespace nicol::calibration {
namespace {

Status status_of(const Error& error) { return error.code == Code::cancelled ? Status::cancelled : Status::failed; }

/// "compensator-1.setting_deg" of this plate.
std::optional<Angle> angle(const hal::State& state, const std::string& key) {
  const auto it = state.find(key);
  if (it == state.end() || !std::holds_alternative<double>(it->second)) return std::nullopt;
  return Angle::degrees(std::get<double>(it->second));
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
  static const std::vector<Routine> all{polarisation()};
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
  const Result<void> done = routine.run(bench, report);
  rest(bench.remote());
  rest(bench.own());
  report.status = done ? Status::passed : status_of(done.error());
  report.seconds = bench.seconds();
  report.motor_moves = bench.moves();
  report.detected_photons = bench.photons();
  if (!done) {
    report.reason = describe(done.error());
    report.result.clear();
    for (const auto& [state, rig] : {std::pair(&remote, &bench.remote()), std::pair(&own, &bench.own())})
      for (std::string& left : state->restore(*rig, bench)) report.warnings.push_back(std::move(left));
  }
  report.after = both(RigState::of(bench.own()), RigState::of(bench.remote()));
  return report;
}

Result<void> apply(const hal::State& result, hal::Rig& rig) {
  for (hal::CompensatorPlate& plate : rig.compensator) {
    if (const auto setting = angle(result, plate.role + ".setting_deg")) plate.setting = *setting;
    if (const auto offset = angle(result, plate.role + ".fast_axis_offset_deg")) plate.fast_axis_offset = *offset;
    if (const auto it = result.find(plate.role + ".retardance_waves"); it != result.end())
      if (const auto* waves = std::get_if<double>(&it->second)) plate.retardance_waves = *waves;
  }
  for (const auto& [key, value] : result) {
    const std::string role = key.substr(0, key.find('.'));
    if (!role.starts_with("compensator-")) continue;
    if (std::ranges::find(rig.compensator, role, &hal::CompensatorPlate::role) == rig.compensator.end())
      return Error{Code::not_found, fmt::format("\"{}\": the rig has no {}", key, role), "", 0, {}};
  }
  return {};
}

}  // namespace nicol::calibration
