// SPDX-License-Identifier: Apache-2.0
// The four states that a source really sends.
#pragma once

#include "controller/calibration/routine.hpp"

namespace nicol::calibration {

Routine tomography();

}  // namespace nicol::calibration
