// SPDX-License-Identifier: Apache-2.0
#include "sim/optics/pair_state.hpp"

namespace nicol::sim {

SphereRotation half_turn(std::size_t about) {
  if (about == 0) return SphereRotation::Identity();
  Eigen::Vector3d signs(-1, -1, -1);
  signs[static_cast<int>(about) - 1] = 1;
  return signs.asDiagonal();
}

std::array<double, 4> bell_shares(const std::array<double, 3>& v) {
  return {(1 + v[0] + v[1] + v[2]) / 4, (1 + v[0] - v[1] - v[2]) / 4, (1 - v[0] + v[1] - v[2]) / 4,
          (1 - v[0] - v[1] + v[2]) / 4};
}

}  // namespace nicol::sim
