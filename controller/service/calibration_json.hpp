// SPDX-License-Identifier: Apache-2.0
// A calibration's report and its record as JSON: for the files and for `nicol calibrate --json`.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "controller/service/calibration_records.hpp"

namespace nicol::service {

nlohmann::json to_json(const calibration::Report& report);
/// bad_input names the field and what was expected.
Result<calibration::Report> report_from_json(const nlohmann::json& json);

/// All of it but id and seal.
nlohmann::json to_json(const CalibrationRecord& record);
/// A record's file. Nothing of it is verified: that is CalibrationRecords' work.
struct SealedRecord {
  CalibrationRecord record;
  std::string seal;  // hex
};
/// bad_input names the field; any bytes may come.
Result<SealedRecord> record_from_json(std::string_view text);

}  // namespace nicol::service
