// SPDX-License-Identifier: Apache-2.0
// How well the link tells states apart: whole curves of a turning analyser, both bases.
#pragma once

#include "controller/calibration/routine.hpp"

namespace nicol::calibration {

Routine visibility();

}  // namespace nicol::calibration
