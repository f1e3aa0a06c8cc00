// SPDX-License-Identifier: Apache-2.0
// From what many settings of the plates showed to optics that explain it, or to the word that none do.
#pragma once

#include <span>

#include "controller/calibration/plate_scan.hpp"
#include "controller/calibration/routine.hpp"

namespace nicol::calibration {

/// Warns where the optics explain the light badly; refused: where they do not at all; exhausted: where it tells
/// nothing.
Result<OpticsFit> explained(const Bench& bench, std::span<const ScanPoint> points, Report& report);

}  // namespace nicol::calibration
