// SPDX-License-Identifier: Apache-2.0
// What a lab has decided about calibrations: how long they are good, how long a daily round may take, what passes.
#pragma once

#include <chrono>
#include <map>

#include "controller/service/calibration_limits.hpp"

namespace nicol::service {

class TomlTable;

struct CalibrationPolicy {
  std::vector<CalibrationLimit> limits;
  std::map<std::string, std::chrono::seconds, std::less<>> lifetimes;  // empty: the routines' own
  std::chrono::seconds daily{300};
  /// Of the light at Alice's output, what makes a click in its gate: the lab vouches for it. 0: nobody does.
  double transmission_at_least = 0;
  std::chrono::seconds lifetime(const calibration::Routine& routine) const;
};

/// Of the table [calibration]. Errors stay in `table` (its done()): unknown routines and quantities, other units than
/// the routine's, a limit without an end, a min above its max; each with file and line.
CalibrationPolicy read_calibration_policy(TomlTable& table, const std::string& file);

}  // namespace nicol::service
