// SPDX-License-Identifier: Apache-2.0
#include "controller/service/calibration_limits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <set>

namespace nicol::service {
namespace {

using calibration::Fitted;

constexpr double kErrors = 2;  // standard errors: one chance in 44 of a bar that ends too early

/// The far end of the error bar and the limit it is beyond, in words; empty: within.
std::string outside(const CalibrationLimit& limit, const Fitted& f) {
  const std::string unit = f.unit == "1" ? "" : fmt::format(" {}", f.unit);
  if (!std::isfinite(f.value) || !std::isfinite(f.error)) return fmt::format("{} has no value", f.name);
  const double low = f.value - kErrors * f.error, high = f.value + kErrors * f.error;
  const auto say = [&](double end, const char* which, double wanted) {
    return fmt::format("{} is {:.6g} +- {:.2g}{}: it may be {:.6g}, and the {} is {:.6g}{}", f.name, f.value, f.error,
                       unit, end, which, wanted, unit);
  };
  if (limit.min && !(low >= *limit.min)) return say(low, "least allowed", *limit.min);
  if (limit.max && !(high <= *limit.max)) return say(high, "most allowed", *limit.max);
  return {};
}

/// "detector-3" of "detector-3.dark_rate".
std::string owner(std::string_view name) { return std::string(name.substr(0, name.find('.'))); }

/// What the limit speaks of and the report does not: where the owner is a pattern, of each that shows in anything
/// fitted.
std::vector<std::string> missing(const CalibrationLimit& limit, const calibration::Report& report) {
  std::set<std::string> owners{owner(limit.name)};
  if (owner(limit.name).find('*') != std::string::npos) {
    owners.clear();
    for (const Fitted& f : report.fitted)
      if (stands_for(owner(limit.name), owner(f.name))) owners.insert(owner(f.name));
    if (owners.empty()) return {limit.name};
  }
  std::vector<std::string> names;
  for (const std::string& each : owners) {
    const std::string name = each + limit.name.substr(owner(limit.name).size());
    if (std::ranges::none_of(report.fitted, [&](const Fitted& f) { return stands_for(name, f.name); }))
      names.push_back(name);
  }
  return names;
}

bool may_fit(const calibration::Report& report, std::string_view name) {
  const calibration::Routine* routine = calibration::find_routine(report.routine);
  return routine != nullptr &&
         std::ranges::any_of(routine->finds, [&](const auto& q) { return q.name == name || stands_for(q.name, name); });
}

}  // namespace

bool stands_for(std::string_view pattern, std::string_view name) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == name;
  if (!name.starts_with(pattern.substr(0, star))) return false;
  const std::string_view rest = name.substr(star);
  const auto digits = static_cast<std::size_t>(
      std::ranges::find_if_not(rest, [](unsigned char c) { return std::isdigit(c) != 0; }) - rest.begin());
  return digits > 0 && stands_for(pattern.substr(star + 1), rest.substr(digits));
}

const calibration::Quantity* find_quantity(std::string_view name) {
  for (const calibration::Routine& routine : calibration::routines())
    for (const calibration::Quantity& q : routine.finds)
      if (q.name == name || stands_for(q.name, name)) return &q;
  return nullptr;
}

Result<void> judge(calibration::Report& report, const std::vector<CalibrationLimit>& limits) {
  std::string why;
  const auto add = [&](const std::string& text) { why += fmt::format("{}{}", why.empty() ? "" : "; ", text); };
  for (const CalibrationLimit& limit : limits) {
    if (!may_fit(report, limit.name)) continue;
    for (const Fitted& f : report.fitted)
      if (stands_for(limit.name, f.name))
        if (const std::string bad = outside(limit, f); !bad.empty()) add(bad);
    for (const std::string& name : missing(limit, report)) {
      const std::string said = fmt::format("{} has a limit and was not determined", name);
      if (limit.missing == CalibrationLimit::Missing::fails)
        add(said);
      else
        report.warnings.push_back(said);
    }
  }
  if (why.empty()) return {};
  return Error{Code::refused, fmt::format("outside the limits of the config: {}", why), "", 0, {}};
}

}  // namespace nicol::service
