// SPDX-License-Identifier: Apache-2.0
#include "controller/service/analyser_plate.hpp"

#include "controller/service/rig_preparation.hpp"

namespace nicol::service {
namespace {

constexpr std::chrono::seconds kPatience{60};

Deadline patience() { return SteadyDeadlines().in(kPatience); }

}  // namespace

Result<void> home_plate(hal::Rig& rig) {
  auto* stage = rig.find<hal::RotationStage>("waveplate");
  return stage == nullptr ? Result<void>() : home_stage(*stage);
}

Result<void> turn_plate(hal::Rig& rig, Angle fast_axis) {
  auto* stage = rig.find<hal::RotationStage>("waveplate");
  if (stage == nullptr) return Error{Code::not_found, "the rig has no waveplate", "", 0, {}};
  return hal::Waveplate(*stage, 0.5, Nanometres{810}, Angle{}).set_fast_axis(fast_axis, patience());
}

}  // namespace nicol::service
