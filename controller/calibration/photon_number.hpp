// SPDX-License-Identifier: Apache-2.0
// How many photons a pulse holds: what the key length takes as g2 and as the probability of two or more.
#pragma once

#include "controller/calibration/routine.hpp"

namespace nicol::calibration {

Routine photon_number();

}  // namespace nicol::calibration
