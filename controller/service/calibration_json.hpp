// SPDX-License-Identifier: Apache-2.0
// A calibration's report as JSON: for records and for `nicol calibrate --json`.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "controller/calibration/routine.hpp"

namespace nicol::service {

nlohmann::json to_json(const calibration::Report& report);
/// bad_input names the field and what was expected.
Result<calibration::Report> report_from_json(const nlohmann::json& json);

}  // namespace nicol::service
