// SPDX-License-Identifier: Apache-2.0
// How far a mount stops beside where it says, from what the light at each stop says.
#pragma once

#include <span>
#include <vector>

#include "controller/calibration/optics_fit.hpp"

namespace nicol::calibration {

/// How far a plate stood from where the whole fit has it, radians, at each of these points.
std::vector<Estimate> stops(const Optics& optics, std::size_t plate, std::span<const ScanPoint> points);

struct Scatter {
  double chi_squared = 0;  // of the stops, no scatter but that of counting
  int degrees = 0;
  double upper = 0;  // radians, one standard deviation: more is excluded but for `risk`
};
/// `fitted` numbers were taken from the same stops.
Scatter scatter_of(std::span<const Estimate> stops, int fitted, double risk);

}  // namespace nicol::calibration
