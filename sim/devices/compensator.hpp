// SPDX-License-Identifier: Apache-2.0
// The retarders before Bob's receiver: they turn every photon's polarisation as their mounts stand.
#pragma once

#include <functional>
#include <vector>

#include "sim/devices/light.hpp"
#include "sim/devices/motor.hpp"
#include "sim/optics/polarisation.hpp"
#include "sim/scenario/scenario.hpp"

namespace nicol::sim {

/// A retarder and where its fast axis points at an instant of Bob's clock.
struct PlateOptic {
  double retardance_waves = 0.25;
  std::function<Angle(Picoseconds)> fast_axis;
  double wedge = 0;  // share of the light lost half a turn on
};
/// In the order the light meets them.
using CompensatorOptics = std::vector<PlateOptic>;

SphereRotation rotation(const CompensatorOptics& plates, Picoseconds t);
/// Share of the light that plates which are wedges leave on the detectors.
double transmittance(const CompensatorOptics& plates, Picoseconds t);

/// Turns the batch by the plates as they stand at its end: they do not move while light is open.
void turn(LightBatch& batch, const CompensatorOptics& plates);

}  // namespace nicol::sim
