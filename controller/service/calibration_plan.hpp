// SPDX-License-Identifier: Apache-2.0
// Which calibrations have become stale and why, and which to make next: pure, of the records and a time.
#pragma once

#include <optional>

#include "controller/service/calibration_policy.hpp"
#include "controller/service/calibration_records.hpp"

namespace nicol::service {

inline constexpr std::string_view kMismatchRoutine = "efficiency-mismatch";

/// Of one routine, from its newest record that passed.
struct CalibrationAge {
  const calibration::Routine* routine = nullptr;
  const CalibrationRecord* record = nullptr;  // nullptr: never passed
  std::int64_t seconds = 0;                   // old
  std::string stale;                          // why, in words; empty: it is good
};

/// Of every routine, in the order of `full`. Stale is what never passed, is older than its lifetime, was tried since
/// and failed, lies in the future (somebody set a clock), or rests on a routine that has a newer record.
std::vector<CalibrationAge> calibration_ages(const CalibrationRecords& records, const CalibrationPolicy& policy,
                                             std::int64_t now);

struct CalibrationChoice {
  struct One {
    const calibration::Routine* routine = nullptr;
    std::string why;
    double seconds = 0;  // that it took last time; a minute where nobody knows
  };
  std::vector<One> wanted;  // in order of need
  std::vector<One> left_out;
  std::optional<std::chrono::seconds> most;  // for all together; what is under way then is cancelled
};

/// What is stale, and what rests on that, as far as it fits into policy.daily by what it took last time.
CalibrationChoice choose_daily(const CalibrationRecords& records, const CalibrationPolicy& policy, std::int64_t now);

/// All. With `begun`, when a full calibration that was interrupted began: without what has been done since then and is
/// not stale.
CalibrationChoice choose_full(const CalibrationRecords& records, const CalibrationPolicy& policy,
                              std::optional<std::int64_t> begun, std::int64_t now);

/// As a key names them: "polarisation 0123456789abcdef (2 h)", with why where it is stale; one that failed and whose
/// larger mismatch counts nevertheless is named too.
std::vector<std::string> relied_on(const CalibrationRecords& records, const CalibrationPolicy& policy,
                                   std::int64_t now);

/// Why |D| is larger now than in `before` by more than the errors of both explain (one chance in a thousand) and the
/// upper limit with it; empty: it is not.
std::string mismatch_growth(const calibration::Report& now, const calibration::Report& before);
/// The same of the newest record against the one that passed before it.
std::string mismatch_growth(const CalibrationRecords& records);

}  // namespace nicol::service
