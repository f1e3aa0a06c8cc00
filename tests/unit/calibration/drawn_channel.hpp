// SPDX-License-Identifier: Apache-2.0
// Random fibres.
#pragma once

#include <Eigen/Geometry>
#include <cmath>

#include "controller/calibration/plates.hpp"
#include "drivers/hal/random.hpp"

namespace nicol::calibration::test {

inline double draw_normal(CounterStream& draws) {
  return std::sqrt(-2 * std::log(draws.uniform_positive())) * std::cos(2 * std::numbers::pi * draws.uniform());
}

/// Uniform over all rotations.
inline Rotation draw_fibre(CounterStream& draws) {
  Eigen::Quaterniond q(draw_normal(draws), draw_normal(draws), draw_normal(draws), draw_normal(draws));
  return q.normalized().toRotationMatrix();
}

}  // namespace nicol::calibration::test
