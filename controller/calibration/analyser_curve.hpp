// SPDX-License-Identifier: Apache-2.0
// What one detector sees of one state while the analyser turns.
#pragma once

#include <optional>
#include <span>

#include "controller/calibration/plate_fit.hpp"

namespace nicol::calibration {

struct CurvePoint {
  double phase = 0;  // radians on the sphere: how far the analyser has turned
  double counts = 0;
  double exposure = 1;  // slots
};

struct AnalyserCurve {
  Estimate visibility;  // (most - least) / (most + least), at most 1
  Estimate phase;       // radians: where most is seen
  double chi_squared = 0;
  int degrees = 0;
};

/// exposure a (1 + v cos(phase - p)), Poisson maximum likelihood. Empty for fewer than five points, no counts, or
/// phases that leave a number open.
std::optional<AnalyserCurve> fit_analyser(std::span<const CurvePoint> points);

}  // namespace nicol::calibration
