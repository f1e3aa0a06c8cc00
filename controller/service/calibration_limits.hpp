// SPDX-License-Identifier: Apache-2.0
// What a lab asks of its calibrations: limits on what routines fit, judged so that a bad measurement never passes for a
// good rig.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/calibration/routine.hpp"

namespace nicol::service {

struct CalibrationLimit {
  enum class Missing : std::uint8_t { fails, warns };
  std::string name;                  // of what is fitted; "detector-*.dark_rate": of every detector
  std::optional<double> min, max;    // in `unit`
  std::string unit;                  // as the routine names it
  Missing missing = Missing::fails;  // where the routine could not determine it
};

/// Whether `name` is what `pattern` stands for; each '*' is a whole number.
bool stands_for(std::string_view pattern, std::string_view name);

/// The quantity that routines fit under this name or pattern; nullptr: none does.
const calibration::Quantity* find_quantity(std::string_view name);

/// The far end of the error bar counts: value - 2 stderr is held against min and value + 2 stderr against max, so that
/// what is measured badly fails. Only limits on what this routine may fit are judged. refused: outside, in words, with
/// value, error and limit; or not determined where that fails. Otherwise what is missing becomes a warning.
Result<void> judge(calibration::Report& report, const std::vector<CalibrationLimit>& limits);

}  // namespace nicol::service
