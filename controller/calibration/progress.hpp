// SPDX-License-Identifier: Apache-2.0
// How far a routine is: what a window or a terminal shows.
#pragma once

#include <string>

namespace nicol::calibration {

struct Progress {
  std::string routine, step;
  double done = 0;          // 0..1 of the routine
  double seconds_left = 0;  // as far as can be told; negative: not known
};

}  // namespace nicol::calibration
