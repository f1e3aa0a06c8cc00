// SPDX-License-Identifier: Apache-2.0
// The tagger's discriminators: each detector's threshold between the line's noise and the detector's pulses.
#pragma once

#include "controller/calibration/routine.hpp"

namespace nicol::calibration {

Routine thresholds();

}  // namespace nicol::calibration
