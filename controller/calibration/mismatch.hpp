// SPDX-License-Identifier: Apache-2.0
// How unlike the two detectors of a basis are: what the key length takes as |D|.
#pragma once

#include "controller/calibration/routine.hpp"

namespace nicol::calibration {

Routine efficiency_mismatch();

}  // namespace nicol::calibration
