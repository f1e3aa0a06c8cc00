// SPDX-License-Identifier: Apache-2.0
#include "sim/optics/states.hpp"

#include <array>
#include <cmath>
#include <cstdlib>

namespace nicol::sim {
namespace {

constexpr std::array<double, 4> kPolarisationDegrees = {90, 0, 135, 45};

}  // namespace

Angle polarisation_of(std::size_t state) { return Angle::degrees(kPolarisationDegrees[state]); }

Eigen::Vector3d prepared(std::size_t state, Angle misalignment) {
  const double t = 2 * (polarisation_of(state) + misalignment).radians();
  return {std::cos(t), std::sin(t), 0};
}

std::size_t nearest_state(Angle polarisation) {
  constexpr std::array<std::size_t, 4> by_step = {1, 3, 0, 2};  // 0, 45, 90, 135 deg
  const long step = std::lround(polarisation.degrees() / 45);
  return by_step[static_cast<std::size_t>(((step % 4) + 4) % 4)];
}

double background_share(hal::ReceiverKind kind, double splitter, std::size_t detector) {
  if (kind == hal::ReceiverKind::active) return 0.5;
  return (detector >= 2 ? splitter : 1 - splitter) / 2;
}

}  // namespace nicol::sim
