// SPDX-License-Identifier: Apache-2.0
// Where a photon leaves a polarising beam splitter whose two ports leak.
#pragma once

#include "sim/optics/polarisation.hpp"

namespace nicol::sim {

/// P(transmitted) = constant + slope * (s along the analysed axis). No loss: what is not transmitted is reflected.
struct PolarisingSplitter {
  double constant = 0.5, slope = 0.5;
  double transmitted(double along_axis) const { return constant + slope * along_axis; }
};

/// Extinction of a port: wanted over unwanted power in it, in dB. 0 <= leak <= 1/2 each.
PolarisingSplitter make_splitter(Decibels extinction_transmitted, Decibels extinction_reflected);

/// Axis on the sphere that a half-wave plate at this angle in front of the splitter analyses: (cos 4t, sin 4t, 0).
Eigen::Vector3d analysed_axis(Angle half_wave_plate_axis);

/// Transmittance of a wedged plate that steers the beam off the detector once a turn: 1 - wedge (1 - cos angle) / 2.
double wedge_transmittance(double wedge, Angle mechanical);

double transmittance(Decibels loss);

}  // namespace nicol::sim
