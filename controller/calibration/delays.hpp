// SPDX-License-Identifier: Apache-2.0
// When each detector's clicks come: delays that bring every peak to the middle of its gate, and whether the time of a
// click tells its bit.
#pragma once

#include "controller/calibration/routine.hpp"

namespace nicol::calibration {

Routine delays();

}  // namespace nicol::calibration
