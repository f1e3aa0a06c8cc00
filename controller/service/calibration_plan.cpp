// SPDX-License-Identifier: Apache-2.0
#include "controller/service/calibration_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace nicol::service {
namespace {

using calibration::Routine;
using calibration::Status;

constexpr double kUnknownSeconds = 60;  // that a routine takes which nobody has timed
constexpr double kSure = 3.09;          // standard deviations of one chance in a thousand, one-sided

/// The newest of a routine that was not cancelled.
const CalibrationRecord* last_tried(const CalibrationRecords& records, std::string_view routine) {
  const CalibrationRecord* found = nullptr;
  for (const CalibrationRecord& r : records.all())
    if (r.report.routine == routine && r.report.status != Status::cancelled) found = &r;
  return found;
}

std::string why_stale(const CalibrationRecords& records, const CalibrationPolicy& policy, const CalibrationAge& age) {
  if (age.record == nullptr) return "was never made";
  if (age.seconds < 0) return "is dated in the future: was a clock set?";
  if (const auto* last = last_tried(records, age.routine->name); last != age.record)
    return fmt::format("was tried again and failed ({})", last->report.reason);
  if (const auto good = policy.lifetime(*age.routine).count(); age.seconds > good)
    return fmt::format("is {} old and good for {}", age_text(age.seconds), age_text(good));
  for (const std::string_view need : age.routine->needs)
    if (const auto* newer = records.newest(need); newer != nullptr && newer->when > age.record->when)
      return fmt::format("{} was made anew since", need);
  return {};
}

bool holds(const std::vector<CalibrationChoice::One>& some, std::string_view name) {
  return std::ranges::any_of(some, [&](const auto& one) { return one.routine->name == name; });
}

/// The first routine it needs that is among these.
std::string_view need_among(const Routine& routine, const std::vector<CalibrationChoice::One>& some) {
  const auto it = std::ranges::find_if(routine.needs, [&](std::string_view need) { return holds(some, need); });
  return it == routine.needs.end() ? std::string_view() : *it;
}

double expected_seconds(const CalibrationRecords& records, const Routine& routine) {
  const auto* last = last_tried(records, routine.name);
  return last == nullptr ? kUnknownSeconds : last->report.seconds;
}

const calibration::Fitted* fitted(const calibration::Report& report, const std::string& name) {
  const auto it = std::ranges::find(report.fitted, name, &calibration::Fitted::name);
  return it == report.fitted.end() ? nullptr : &*it;
}

}  // namespace

std::vector<CalibrationAge> calibration_ages(const CalibrationRecords& records, const CalibrationPolicy& policy,
                                             std::int64_t now) {
  std::vector<CalibrationAge> ages;
  for (const Routine& routine : calibration::routines()) {
    CalibrationAge age{&routine, records.newest(routine.name), 0, {}};
    if (age.record != nullptr) age.seconds = now - age.record->when;
    age.stale = why_stale(records, policy, age);
    ages.push_back(std::move(age));
  }
  return ages;
}

CalibrationChoice choose_daily(const CalibrationRecords& records, const CalibrationPolicy& policy, std::int64_t now) {
  CalibrationChoice choice;
  choice.most = policy.daily;
  auto left = static_cast<double>(policy.daily.count());
  for (const CalibrationAge& age : calibration_ages(records, policy, now)) {
    const Routine& routine = *age.routine;
    CalibrationChoice::One one{&routine, age.stale, expected_seconds(records, routine)};
    const std::string_view anew = need_among(routine, choice.wanted), missed = need_among(routine, choice.left_out);
    if (one.why.empty() && !anew.empty()) one.why = fmt::format("{} is made anew", anew);
    if (one.why.empty()) continue;
    if (!missed.empty())
      one.why = fmt::format("rests on {}, which is left out", missed);
    else if (one.seconds > left)
      one.why = fmt::format("{}; takes about {:.0f} s, and {:.0f} s of {} are left", one.why, one.seconds, left,
                            age_text(policy.daily.count()));
    else {
      left -= one.seconds;
      choice.wanted.push_back(std::move(one));
      continue;
    }
    choice.left_out.push_back(std::move(one));
  }
  return choice;
}

CalibrationChoice choose_full(const CalibrationRecords& records, const CalibrationPolicy& policy,
                              std::optional<std::int64_t> begun, std::int64_t now) {
  CalibrationChoice choice;
  for (const CalibrationAge& age : calibration_ages(records, policy, now)) {
    CalibrationChoice::One one{age.routine, age.stale, expected_seconds(records, *age.routine)};
    const bool done = begun && age.record != nullptr && age.record->when >= *begun && age.stale.empty();
    if (done && need_among(*age.routine, choice.wanted).empty()) {
      one.why = "was done before the interruption";
      choice.left_out.push_back(std::move(one));
    } else {
      choice.wanted.push_back(std::move(one));
    }
  }
  return choice;
}

std::vector<std::string> relied_on(const CalibrationRecords& records, const CalibrationPolicy& policy,
                                   std::int64_t now) {
  const auto ages = calibration_ages(records, policy, now);
  std::vector<std::string> all;
  for (const CalibrationRecord* r : records.in_force()) {
    const auto age = std::ranges::find_if(ages, [&](const auto& a) { return a.record == r; });
    std::string remark;
    if (r->report.status != Status::passed)
      remark = ", failed: only what makes keys shorter counts";
    else if (age != ages.end() && !age->stale.empty())
      remark = fmt::format(", stale: {}", age->stale);
    all.push_back(fmt::format("{} {:.16} ({}{})", r->report.routine, r->id, age_text(now - r->when), remark));
  }
  return all;
}

std::string mismatch_growth(const calibration::Report& now, const calibration::Report& before) {
  for (const char* basis : {"rectilinear", "diagonal"}) {
    const std::string name = fmt::format("mismatch.{}", basis), upper = fmt::format("{}.upper", name);
    const auto *d = fitted(now, name), *old = fitted(before, name), *limit = fitted(now, upper),
               *old_limit = fitted(before, upper);
    if (d == nullptr || old == nullptr || limit == nullptr || old_limit == nullptr) continue;
    const double grown = std::abs(d->value) - std::abs(old->value);
    if (grown > kSure * std::hypot(d->error, old->error) && limit->value > old_limit->value)
      return fmt::format(
          "efficiency mismatch in the {} basis has grown: |D| {:.4f} +- {:.4f}, at most {:.4f}; in force was "
          "{:.4f} +- {:.4f}, at most {:.4f}",
          basis, std::abs(d->value), d->error, limit->value, std::abs(old->value), old->error, old_limit->value);
  }
  return {};
}

std::string mismatch_growth(const CalibrationRecords& records) {
  const auto* now = last_tried(records, kMismatchRoutine);
  const CalibrationRecord* before = nullptr;
  for (const CalibrationRecord& r : records.all())
    if (now != nullptr && r.report.routine == kMismatchRoutine && r.report.status == Status::passed &&
        r.number < now->number)
      before = &r;
  return now == nullptr || before == nullptr ? std::string() : mismatch_growth(now->report, before->report);
}

}  // namespace nicol::service
