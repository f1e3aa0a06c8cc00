// SPDX-License-Identifier: Apache-2.0
// What calibration records mean to a running node: kept, told of where they are stale or got worse, and taken over by
// the session before the next block.
#include <fmt/format.h>

#include "controller/service/calibration_plan.hpp"
#include "controller/service/engine.hpp"

namespace nicol::service {
namespace {

constexpr const char *kGrown = "efficiency-mismatch-grown", *kStale = "calibration-stale";
constexpr std::chrono::minutes kLookAgain{10};
constexpr const char* kAboutGrown =
    "Somebody may have changed the detectors, or what they see. Keys are shortened by the larger value from now on. "
    "Find out why before you acknowledge.";

std::int64_t unix_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

void Engine::keep(const calibration::Report& report) {
  if (auto kept = parts_.calibrations->add(report, parts_.rig->description, unix_now()); !kept)
    say(LogLine::Level::error, "calibration", describe(kept.error()));
  if (report.routine == kMismatchRoutine) tell_of_mismatch();
  tell_of_stale_calibrations();
}

/// At start, and when it was measured anew: latched until somebody has seen it.
void Engine::tell_of_mismatch() {
  if (!parts_.calibrations) return;
  const std::string grown = mismatch_growth(*parts_.calibrations);
  if (grown.empty()) return;
  alarms.raise(kGrown, Severity::critical, grown, kAboutGrown);
  say(LogLine::Level::error, "calibration", grown);
}

/// Before anything was calibrated there is nothing to be stale.
void Engine::tell_of_stale_calibrations() {
  stale_due_ = deadlines_.in(kLookAgain);
  if (!parts_.calibrations) return;
  std::string stale;
  for (const CalibrationAge& age : calibration_ages(*parts_.calibrations, parts_.calibration_policy, unix_now()))
    if (age.record != nullptr && !age.stale.empty())
      stale += fmt::format("{}{} {}", stale.empty() ? "" : "; ", age.routine->name, age.stale);
  if (stale == std::exchange(told_stale_, stale)) return;
  alarms.clear(kStale);
  if (stale.empty()) return;
  alarms.raise(kStale, Severity::warning, stale, "Calibrate: nicol calibrate daily. Keys name what they rely on.");
  say(LogLine::Level::warning, "calibration", stale);
}

/// The peer reckons with what this side said of its rig when they met: they meet again.
Engine::After Engine::adopt_calibrations() {
  if (deadlines_.passed(stale_due_)) tell_of_stale_calibrations();
  if (!std::exchange(found_anew_, false)) return After::go_on;
  hal::DeviceModel& model = parts_.rig->model;
  if (parts_.calibrations) model.calibrations = relied_on(*parts_.calibrations, parts_.calibration_policy, unix_now());
  session_config_.model = model;
  apply(session_->goodbye());
  reconnect_ = options_.reconnect_first;
  return After::reconnect;
}

}  // namespace nicol::service
