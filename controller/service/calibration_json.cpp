// SPDX-License-Identifier: Apache-2.0
#include "controller/service/calibration_json.hpp"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace nicol::service {
namespace {

using nlohmann::json;

constexpr const char* kRecordSchema = "nicol.calibration/1";

json values(const hal::State& state) {
  json all = json::object();
  for (const auto& entry : state) std::visit([&](const auto& v) { all[entry.first] = v; }, entry.second);
  return all;
}

hal::State values_from(const json& object) {
  hal::State state;
  for (const auto& [key, v] : object.items()) {
    if (v.is_boolean()) state[key] = v.get<bool>();
    if (v.is_number_integer()) state[key] = v.get<std::int64_t>();
    if (v.is_number_float()) state[key] = v.get<double>();
    if (v.is_string()) state[key] = v.get<std::string>();
  }
  return state;
}

json number(double value) { return std::isfinite(value) ? json(value) : json(); }
double number_from(const json& j) { return j.is_null() ? std::nan("") : j.get<double>(); }

calibration::Status status_from(const std::string& text) {
  using calibration::Status;
  for (const Status s : {Status::passed, Status::cancelled, Status::failed})
    if (text == calibration::to_string(s)) return s;
  throw std::invalid_argument("status: expected passed, failed or cancelled");
}

}  // namespace

json to_json(const calibration::Report& r) {
  json fitted = json::array();
  for (const auto& f : r.fitted)
    fitted.push_back({{"name", f.name}, {"value", number(f.value)}, {"stderr", number(f.error)}, {"unit", f.unit}});
  return {{"routine", r.routine},         {"status", calibration::to_string(r.status)},
          {"reason", r.reason},           {"seconds", r.seconds},
          {"motor_moves", r.motor_moves}, {"detected_photons", r.detected_photons},
          {"before", values(r.before)},   {"after", values(r.after)},
          {"result", values(r.result)},   {"fitted", std::move(fitted)},
          {"warnings", r.warnings},       {"not_determined", r.not_determined}};
}

Result<calibration::Report> report_from_json(const json& j) {
  try {
    calibration::Report r;
    r.routine = j.at("routine").get<std::string>();
    r.status = status_from(j.at("status").get<std::string>());
    r.reason = j.at("reason").get<std::string>();
    r.seconds = j.at("seconds").get<double>();
    r.motor_moves = j.at("motor_moves").get<std::uint64_t>();
    r.detected_photons = j.at("detected_photons").get<std::uint64_t>();
    r.before = values_from(j.at("before"));
    r.after = values_from(j.at("after"));
    r.result = values_from(j.at("result"));
    for (const json& f : j.at("fitted"))
      r.fitted.push_back({f.at("name").get<std::string>(), number_from(f.at("value")), number_from(f.at("stderr")),
                          f.at("unit").get<std::string>()});
    r.warnings = j.at("warnings").get<std::vector<std::string>>();
    r.not_determined = j.at("not_determined").get<std::vector<std::string>>();
    return r;
  } catch (const std::exception& e) {
    return Error{Code::bad_input, fmt::format("calibration report: {}", e.what()), "", 0, {}};
  }
}

json to_json(const CalibrationRecord& r) {
  return {{"schema", kRecordSchema}, {"previous", r.previous}, {"number", r.number},
          {"when", r.when},          {"rig", r.rig},           {"report", to_json(r.report)}};
}

Result<SealedRecord> record_from_json(std::string_view text) {
  const json j = json::parse(text.begin(), text.end(), nullptr, false);
  try {
    if (!j.is_object() || j.value("schema", "") != kRecordSchema)
      return Error{Code::bad_input, fmt::format("schema: expected \"{}\"", kRecordSchema), "", 0, {}};
    auto report = report_from_json(j.at("report"));
    if (!report) return std::move(report).error();
    return SealedRecord{
        {j.at("id").get<std::string>(), j.at("previous").get<std::string>(), j.at("number").get<std::uint64_t>(),
         j.at("when").get<std::int64_t>(), j.at("rig").get<std::string>(), *std::move(report)},
        j.at("seal").get<std::string>()};
  } catch (const std::exception& e) {
    return Error{Code::bad_input, e.what(), "", 0, {}};
  }
}

}  // namespace nicol::service
