// SPDX-License-Identifier: Apache-2.0
// Rotating retarders on the Poincare sphere: (s1, s2, s3), s1 = +1 at 0 deg, s2 = +1 at 45 deg. A retarder turns a
// state by its retardance, right-handed, about its fast axis (cos 2a, sin 2a, 0).
#pragma once

#include <Eigen/Core>
#include <array>
#include <numbers>

#include "drivers/hal/units.hpp"

namespace nicol::calibration {

using Stokes = Eigen::Vector3d;
using Rotation = Eigen::Matrix3d;

/// Right-handed turn about an axis-angle vector, in radians.
Rotation turn(const Eigen::Vector3d& axis_angle);
/// Retardance in radians.
Rotation retarder(double retardance, Angle fast_axis);

/// Quarter, half, quarter: three retarders in the order the light meets them. Retardances as measured, in radians.
struct PlateStack {
  std::array<double, 3> retardance{std::numbers::pi / 2, std::numbers::pi, std::numbers::pi / 2};
};
using PlateAngles = std::array<Angle, 3>;  // fast axes
Rotation rotation(const PlateStack& stack, const PlateAngles& angles);

}  // namespace nicol::calibration
