// SPDX-License-Identifier: Apache-2.0
// Where the axes of the compensator's plates are, how far they retard, and what their mounts are like.
#pragma once

#include "controller/calibration/routine.hpp"

namespace nicol::calibration {

Routine waveplates();

}  // namespace nicol::calibration
