// SPDX-License-Identifier: Apache-2.0
// Light lost as a plate turns: a plate that is a wedge moves the beam and loses light once a turn; what is lost twice
// or four times a turn hangs on polarisation, and then the plates are not what the other fits take them for.
#pragma once

#include <array>
#include <optional>
#include <span>

#include "controller/calibration/plate_scan.hpp"

namespace nicol::calibration {

struct LossFit {
  /// Of each plate: amplitude once, twice, four times a turn, relative to the mean.
  std::array<std::array<Estimate, 3>, 3> amplitude{};
  double chi_squared = 0;
  int degrees = 0;
};

/// Clicks of all detectors together, a slot: Poisson maximum likelihood of a product of the three plates' parts. Errors
/// hold a light that flickers: they are as much larger as the points scatter more than counts do. Empty where the looks
/// are too few.
std::optional<LossFit> fit_loss(std::span<const ScanLook> looks);

}  // namespace nicol::calibration
