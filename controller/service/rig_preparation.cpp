// SPDX-License-Identifier: Apache-2.0
#include "controller/service/rig_preparation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "drivers/hal/properties.hpp"

namespace nicol::service {
namespace {

constexpr std::chrono::seconds kPatience{60};

Deadline patience() { return SteadyDeadlines().in(kPatience); }

Result<hal::RotationStage*> stage_of(const hal::Rig& rig, const hal::CompensatorPlate& plate) {
  if (auto* stage = rig.find<hal::RotationStage>(plate.role)) return stage;
  return Error{Code::not_found, fmt::format("the rig has no rotation stage \"{}\"", plate.role), plate.role, 0, {}};
}

hal::Waveplate optic(hal::RotationStage& stage, const hal::CompensatorPlate& plate) {
  return {stage, plate.retardance_waves, plate.wavelength, plate.fast_axis_offset};
}

Result<void> home_again(hal::RotationStage& stage) {
  auto motion = stage.home(hal::HomeDirection::positive);
  return motion ? motion->wait(patience()) : Result<void>(std::move(motion).error());
}

Result<void> confirm(hal::RotationStage& stage, const hal::CompensatorPlate& plate) {
  const auto status = stage.status();
  if (!status) return status.error();
  const hal::AxisInfo axis = stage.axis();
  const Angle tolerance = std::max(axis.repeatability * 3.0, axis.resolution);
  const double miss = std::remainder((status->position - plate.fast_axis_offset - plate.setting).radians(),
                                     std::numbers::pi);  // a retarder looks the same after half a turn
  const bool stands = status->settled && !status->moving && !status->fault && (status->homed || !axis.needs_home);
  if (stands && std::abs(miss) <= tolerance.radians()) return {};
  return Error{stands ? Code::motion_fault : Code::not_homed,
               fmt::format("{} is not confirmed: {:.4f} deg beside its setting of {:.4f} deg, {}, {}", plate.role,
                           Angle::radians(miss).degrees(), plate.setting.degrees(),
                           status->homed ? "homed" : "not homed", status->settled ? "settled" : "moving"),
               stage.info().serial,
               status->native,
               {}};
}

/// A move that somebody else began ends first.
Result<void> stand_still(hal::RotationStage& stage, RigClock& clock) {
  constexpr Picoseconds kSlice = Picoseconds::seconds(0.02);
  for (const Deadline until = patience(); !SteadyDeadlines().passed(until); clock.advance_to(clock.now() + kSlice)) {
    const auto status = stage.status();
    if (!status) return status.error();
    if (status->settled && !status->moving) return {};
  }
  return Error{Code::timeout, "the mount does not come to rest", stage.info().serial, 0, {}};
}

Result<void> turn(hal::RotationStage& stage, const hal::CompensatorPlate& plate, RigClock& clock) {
  if (confirm(stage, plate)) return {};
  if (auto still = stand_still(stage, clock); !still) return still;
  auto turned = optic(stage, plate).set_fast_axis(plate.setting, patience());
  if (turned || turned.error().code != Code::motion_fault) return turned;
  if (auto homed = home_again(stage); !homed) return homed;
  return optic(stage, plate).set_fast_axis(plate.setting, patience());
}

}  // namespace

Result<void> home_stage(hal::RotationStage& stage) {
  if (!stage.axis().needs_home) return {};
  const auto status = stage.status();
  if (!status) return status.error();
  return status->homed ? Result<void>() : home_again(stage);
}

Result<void> prepare_rig(hal::Rig& rig) {
  for (const auto& entry : rig.entries())
    if (auto* stage = dynamic_cast<hal::RotationStage*>(entry.device.get()))
      if (auto homed = home_stage(*stage); !homed) return homed;
  for (const hal::CompensatorPlate& plate : rig.compensator) {
    const auto stage = stage_of(rig, plate);
    if (!stage) return stage.error();
    if (auto turned = turn(**stage, plate, *rig.clock); !turned) return turned;
  }
  return {};
}

Result<void> clear_faults(const hal::Rig& rig) {
  const hal::Value none = std::string("none");
  Result<void> all;
  for (const auto& entry : rig.entries()) {
    const hal::ArgInfo* faults = hal::find_property(entry.device->properties(), "faults");
    if (faults == nullptr || std::ranges::find(faults->options, "none") == faults->options.end()) continue;
    const auto now = entry.device->read_property("faults");
    if (now && *now == none) continue;
    if (auto cleared = entry.device->write_property("faults", none); !cleared && all) all = std::move(cleared);
  }
  return all;
}

Result<void> confirm_compensator(const hal::Rig& rig) {
  for (const hal::CompensatorPlate& plate : rig.compensator) {
    const auto stage = stage_of(rig, plate);
    if (!stage) return stage.error();
    if (auto ok = confirm(**stage, plate); !ok) return ok;
  }
  return {};
}

}  // namespace nicol::service
