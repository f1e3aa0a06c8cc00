// SPDX-License-Identifier: Apache-2.0
// Which setting of a quarter-half-quarter stack undoes a fibre: in closed form for perfect plates, then a few Newton
// steps for those the lab has.
#pragma once

#include "controller/calibration/plates.hpp"

namespace nicol::calibration {

struct Compensation {
  PlateAngles angles;
  /// What is left of the contrast of each basis, 1 where the plates undo the channel exactly.
  std::array<double, 2> contrast{};
};

/// Settings of perfect plates that turn the sphere by `wanted`, any rotation: R = R3(2c) R2(2a + 2c - 4b) R3(-2a) with
/// the fast axes a, b, c (Simon and Mukunda, Phys. Lett. A 143, 165 (1990), as Euler angles z-y-z). Both solutions.
std::array<PlateAngles, 2> plates_for(const Rotation& wanted);

/// The setting that undoes `channel` for both bases, as well as these plates can; each plate within a quarter turn of
/// where it stands `now`, and of two equal settings the one with less way to go.
Compensation compensate(const PlateStack& stack, const Rotation& channel, const PlateAngles& now);

}  // namespace nicol::calibration
