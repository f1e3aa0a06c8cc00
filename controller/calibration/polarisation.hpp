// SPDX-License-Identifier: Apache-2.0
// Polarisation compensation: from any fibre and any position of the mounts to both bases aligned, in a dozen moves.
#pragma once

#include "controller/calibration/routine.hpp"

namespace nicol::calibration {

Routine polarisation();

}  // namespace nicol::calibration
