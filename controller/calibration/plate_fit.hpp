// SPDX-License-Identifier: Apache-2.0
// Where a rotating plate's axis is, and how far it is from a half or a quarter, from counts behind a polariser over a
// turn of the plate.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <optional>
#include <span>

#include "drivers/hal/units.hpp"

namespace nicol::calibration {

struct PlateCount {
  Angle stage;               // as the motor says
  std::uint64_t counts = 0;  // in equal times
};

/// A number and its standard error.
struct Estimate {
  double value = 0, error = 0;
};

struct PlateFit {
  Estimate axis_degrees;   // the stage's reading with the fast (or slow) axis along the polarisers, -45..45
  Estimate retardance;     // radians, 0..pi
  Estimate wedge;          // amplitude once a turn, of the mean: a plate that is not quite flat moves the beam
  Estimate ellipticity;    // amplitude twice a turn, of the mean: light that is not quite linear
  double chi_squared = 0;  // of the counts, with `degrees` degrees of freedom
  int degrees = 0;
};

/// Light linear along the transmission of a parallel polariser, a retarder d between them:
/// N(t) = m (1 + w cos(t - ..)) (1 + e cos(2 t - ..) + r cos 4 (t - axis)), r = s/(2 - s), s = sin^2(d/2)
/// (from the retarder's Mueller matrix; w and e are what real plates and light add). Poisson maximum likelihood. Empty
/// for fewer than nine readings, no counts, or readings that do not tell the seven numbers apart.
std::optional<PlateFit> fit_plate(std::span<const PlateCount> counts);

}  // namespace nicol::calibration
