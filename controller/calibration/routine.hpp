// SPDX-License-Identifier: Apache-2.0
// The one shape of every calibration: a name, why, its steps, and a function; with everything put back when it is
// cancelled or fails.
#pragma once

#include <chrono>
#include <string_view>

#include "controller/calibration/bench.hpp"

namespace nicol::calibration {

enum class Status : std::uint8_t { passed, failed, cancelled };
std::string_view to_string(Status status) noexcept;

struct Fitted {
  std::string name;
  double value = 0, error = 0;  // standard error
  std::string unit;
};

struct Report {
  std::string routine;
  Status status = Status::failed;
  std::string reason;  // of a failure, in words; empty: passed
  double seconds = 0;
  std::uint64_t motor_moves = 0, detected_photons = 0;
  hal::State before, after;                 // of what it may change
  hal::State result;                        // what a rig is to be told: apply()
  std::vector<Fitted> fitted;               // with error bars
  std::vector<std::string> warnings;        // what an operator should look at
  std::vector<std::string> not_determined;  // what this rig cannot tell
};

/// What a routine may fit; "detector-*.dark_rate" is that of every detector.
struct Quantity {
  std::string_view name, unit;
};

struct Routine {
  std::string_view name, why;
  std::vector<std::string_view> needs;  // routines whose records it builds on
  int steps = 1;                        // a bound, for the time left
  /// Fills fitted, result, warnings. An error fails the routine.
  Result<void> (*run)(Bench& bench, Report& report) = nullptr;
  std::vector<Quantity> finds = {};       // every name that `fitted` may hold
  std::chrono::seconds lifetime{86'400};  // what it found is stale afterwards
};

/// In the order that `full` runs them.
const std::vector<Routine>& routines();
const Routine* find_routine(std::string_view name);

/// Runs it, and has the bench judge what it found: outside the limits it has failed, and of its result only what makes
/// keys shorter is left. Light is off and shutters are as they were at the end, whatever came of it; where it did not
/// pass, motors and attenuators stand again where they stood, and `warnings` names what does not.
Report perform(const Routine& routine, Bench& bench);

/// Tells a rig what a routine found: settings and offsets of plates, delays, thresholds, the device model. Unknown
/// entries are left alone. not_found: an entry of a plate or channel that the rig has not; else what the tagger says of
/// a threshold.
Result<void> apply(const hal::State& result, hal::Rig& rig);

}  // namespace nicol::calibration
