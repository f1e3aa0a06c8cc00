// SPDX-License-Identifier: Apache-2.0
#include "controller/service/calibration_summary.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "controller/service/calibration_json.hpp"

namespace nicol::service {
namespace {

using calibration::Status;
using nlohmann::json;

json number(double value) { return std::isfinite(value) ? json(value) : json(nullptr); }
json number(const std::optional<double>& value) { return value ? number(*value) : json(nullptr); }

QuantityHistory& history_of(std::vector<QuantityHistory>& all, const calibration::Fitted& f) {
  const auto it = std::ranges::find(all, f.name, &QuantityHistory::name);
  if (it != all.end()) return *it;
  return all.emplace_back(QuantityHistory{f.name, f.unit, {}, {}, {}, {}});
}

/// A quantity whose unit changed starts a new life: older points do not compare.
void add_point(std::vector<QuantityHistory>& all, const calibration::Fitted& f, const CalibrationRecord& r) {
  if (!std::isfinite(f.value)) return;
  QuantityHistory& h = history_of(all, f);
  if (h.unit != f.unit) h = QuantityHistory{f.name, f.unit, {}, {}, {}, {}};
  h.points.push_back({r.when, f.value, std::isfinite(f.error) ? f.error : 0});
  h.records.push_back(&r);
}

std::vector<QuantityHistory> histories(const std::vector<const CalibrationRecord*>& records,
                                       const CalibrationPolicy& policy) {
  std::vector<QuantityHistory> all;
  for (auto r = records.rbegin(); r != records.rend(); ++r)  // the newest one's order first
    for (const calibration::Fitted& f : (*r)->report.fitted)
      if (std::isfinite(f.value)) history_of(all, f);
  for (const CalibrationRecord* r : records)
    for (const calibration::Fitted& f : r->report.fitted) add_point(all, f, *r);
  for (QuantityHistory& h : all) {
    h.chart = control_chart(h.points);
    for (const CalibrationLimit& limit : policy.limits)
      if (limit.name == h.name || stands_for(limit.name, h.name)) h.limits.push_back(limit);
  }
  return all;
}

RoutineSummary summary_of(CalibrationAge age, const CalibrationRecords& records, const CalibrationPolicy& policy) {
  RoutineSummary s;
  s.age = std::move(age);
  s.lifetime = policy.lifetime(*s.age.routine).count();
  std::vector<const CalibrationRecord*> measured;
  for (const CalibrationRecord& r : records.all()) {
    if (r.report.routine != s.age.routine->name) continue;
    s.all.push_back(&r);
    s.newest = &r;
    if (r.report.status != Status::cancelled) measured.push_back(&r);
  }
  s.quantities = histories(measured, policy);
  return s;
}

json to_json(const QuantityHistory& h) {
  json points = json::array();
  for (std::size_t i = 0; i < h.points.size(); ++i)
    points.push_back({{"when", h.points[i].when},
                      {"value", h.points[i].value},
                      {"stderr", h.points[i].error},
                      {"record", h.records[i]->id},
                      {"passed", h.records[i]->report.status == Status::passed},
                      {"outside", static_cast<bool>(h.chart.outside[i])}});
  json limits = json::array();
  for (const CalibrationLimit& l : h.limits)
    limits.push_back({{"name", l.name}, {"min", number(l.min)}, {"max", number(l.max)}});
  const bool settled = h.points.size() >= kSettledPoints;
  return {{"name", h.name},
          {"unit", h.unit},
          {"limits", std::move(limits)},
          {"chart",
           {{"centre", h.chart.centre},
            {"sigma", h.chart.limits ? json(h.chart.sigma) : json(nullptr)},
            {"lower", h.chart.limits ? json(h.chart.lower) : json(nullptr)},
            {"upper", h.chart.limits ? json(h.chart.upper) : json(nullptr)},
            {"settled", settled},
            {"drift_per_week", number(h.chart.drift)},
            {"drift_stderr", number(h.chart.drift_error)}}},
          {"points", std::move(points)}};
}

json whole(const CalibrationRecord& r) {
  json j = to_json(r);
  j["id"] = r.id;
  return j;
}

json to_json(const RoutineSummary& s) {
  json quantities = json::array(), records = json::array();
  for (const QuantityHistory& h : s.quantities) quantities.push_back(to_json(h));
  for (const CalibrationRecord* r : s.all)
    records.push_back({{"number", r->number},
                       {"id", r->id},
                       {"previous", r->previous},
                       {"when", r->when},
                       {"status", calibration::to_string(r->report.status)}});
  return {{"routine", s.age.routine->name},
          {"in_force", s.age.record == nullptr ? json(nullptr) : json(s.age.record->id)},
          {"age_s", s.age.record == nullptr ? json(nullptr) : json(s.age.seconds)},
          {"lifetime_s", s.lifetime},
          {"stale", s.age.stale.empty() ? json(nullptr) : json(s.age.stale)},
          {"newest", s.newest == nullptr ? json(nullptr) : whole(*s.newest)},
          {"records", std::move(records)},
          {"quantities", std::move(quantities)}};
}

}  // namespace

CalibrationSummary summarise(const CalibrationRecords& records, const CalibrationPolicy& policy, std::int64_t now) {
  CalibrationSummary s;
  s.now = now;
  if (!records.all().empty()) s.rig = records.all().back().rig;
  for (CalibrationAge& age : calibration_ages(records, policy, now))
    s.routines.push_back(summary_of(std::move(age), records, policy));
  s.relied_on = relied_on(records, policy, now);
  s.grown = mismatch_growth(records);
  return s;
}

json to_json(const CalibrationSummary& s) {
  json routines = json::array();
  for (const RoutineSummary& r : s.routines) routines.push_back(to_json(r));
  return {{"schema", "nicol.calibration-report/1"},
          {"when", s.now},
          {"version", s.version},
          {"node", s.node},
          {"sealed_by", s.sealed_by},
          {"rig", s.rig},
          {"relied_on", s.relied_on},
          {"alarms", s.grown.empty() ? json::array() : json::array({s.grown})},
          {"routines", std::move(routines)}};
}

}  // namespace nicol::service
