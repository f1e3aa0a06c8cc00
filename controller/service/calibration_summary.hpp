// SPDX-License-Identifier: Apache-2.0
// What a node's calibrations come to: in force, how old, and how each quantity went over all records. One summary for
// the page, the JSON and a window.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "controller/service/calibration_plan.hpp"
#include "controller/service/control_chart.hpp"

namespace nicol::service {

/// One fitted quantity over all records of its routine that hold it.
struct QuantityHistory {
  std::string name, unit;
  std::vector<ChartPoint> points;
  std::vector<const CalibrationRecord*> records;  // of each point
  ControlChart chart;
  std::vector<CalibrationLimit> limits;  // of the config, that speak of it
};

struct RoutineSummary {
  CalibrationAge age;
  std::int64_t lifetime = 0;                  // seconds
  const CalibrationRecord* newest = nullptr;  // of any status; nullptr: none
  std::vector<const CalibrationRecord*> all;  // oldest first
  std::vector<QuantityHistory> quantities;    // those of the newest record with any, in its order, then others
};

struct CalibrationSummary {
  std::int64_t now = 0;  // Unix seconds
  std::string version, node, sealed_by;
  std::string rig;  // of the newest record
  std::vector<RoutineSummary> routines;
  std::vector<std::string> relied_on;
  std::string grown;  // mismatch_growth
};

/// Points into `records`, which outlive it. Equal records at an equal time make equal summaries.
CalibrationSummary summarise(const CalibrationRecords& records, const CalibrationPolicy& policy, std::int64_t now);

/// "nicol.calibration-report/1".
nlohmann::json to_json(const CalibrationSummary& summary);

}  // namespace nicol::service
