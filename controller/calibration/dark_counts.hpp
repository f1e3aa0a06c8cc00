// SPDX-License-Identifier: Apache-2.0
// What every detector does by itself: dark counts, dead time, afterpulses; and whether darkness is dark.
#pragma once

#include "controller/calibration/routine.hpp"

namespace nicol::calibration {

Routine dark_counts();

}  // namespace nicol::calibration
