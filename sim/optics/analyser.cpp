// SPDX-License-Identifier: Apache-2.0
#include "sim/optics/analyser.hpp"

#include <cmath>

namespace nicol::sim {

PolarisingSplitter make_splitter(Decibels extinction_transmitted, Decibels extinction_reflected) {
  // A share `cross` of the reflected polarisation goes through, a share `lost` of the transmitted one is reflected.
  const double cross = transmittance(extinction_transmitted), lost = transmittance(extinction_reflected);
  return {(1 - lost + cross) / 2, (1 - lost - cross) / 2};
}

Eigen::Vector3d analysed_axis(Angle half_wave_plate_axis) {
  const double t = 4 * half_wave_plate_axis.radians();
  return {std::cos(t), std::sin(t), 0};
}

double wedge_transmittance(double wedge, Angle mechanical) {
  return 1 - wedge * (1 - std::cos(mechanical.radians())) / 2;
}

double transmittance(Decibels loss) { return std::pow(10.0, -loss.value / 10); }

}  // namespace nicol::sim
