// SPDX-License-Identifier: Apache-2.0
#include "controller/calibration/plates.hpp"

#include <Eigen/Geometry>
#include <cmath>

namespace nicol::calibration {

Rotation turn(const Eigen::Vector3d& axis_angle) {
  const double angle = axis_angle.norm();
  if (angle == 0) return Rotation::Identity();
  return Eigen::AngleAxisd(angle, axis_angle / angle).toRotationMatrix();
}

Rotation retarder(double retardance, Angle fast_axis) {
  const double twice = 2 * fast_axis.radians();
  return turn(retardance * Eigen::Vector3d(std::cos(twice), std::sin(twice), 0));
}

Rotation rotation(const PlateStack& stack, const PlateAngles& angles) {
  return retarder(stack.retardance[2], angles[2]) * retarder(stack.retardance[1], angles[1]) *
         retarder(stack.retardance[0], angles[0]);
}

}  // namespace nicol::calibration
