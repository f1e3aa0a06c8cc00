// SPDX-License-Identifier: Apache-2.0
// A node's calibrations on disk: dated, numbered, each naming the one before, sealed against tampering.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "controller/calibration/routine.hpp"
#include "controller/keystore/key_store.hpp"

namespace nicol::service {

struct CalibrationRecord {
  std::string id;            // BLAKE2b-256 of the record, 64 hex digits
  std::string previous;      // id of the routine's record before; empty: the first
  std::uint64_t number = 0;  // of the routine's records, from 1
  std::int64_t when = 0;     // Unix seconds
  std::string rig;           // its description
  calibration::Report report;
};

/// STATE/calibrations/ROUTINE-0001.json and so on; the store knows how far each row has come. Not thread-safe; the
/// store outlives it.
class CalibrationRecords {
 public:
  /// All records, checked. bad_input names a file that was changed, is torn, or is missing, be it the newest.
  static Result<CalibrationRecords> open(const std::filesystem::path& state, keystore::KeyStore& store);
  /// A person gives up all records there are, damaged ones too: their folder is set aside, and the rows go on with the
  /// next number. Where they lie now; empty: there were none.
  static Result<std::filesystem::path> forget(const std::filesystem::path& state, keystore::KeyStore& store,
                                              std::int64_t when);

  /// Durable before it returns. Failed and cancelled ones are kept too.
  Result<CalibrationRecord> add(const calibration::Report& report, std::string_view rig, std::int64_t when);

  /// In the order they were made.
  const std::vector<CalibrationRecord>& all() const { return records_; }
  /// The newest that passed; nullptr: none.
  const CalibrationRecord* newest(std::string_view routine) const;
  /// Those that a rig is set by: of each routine the newest that passed, and later ones that failed their limits where
  /// they tell something worse.
  std::vector<const CalibrationRecord*> in_force() const;
  /// What they tell a rig.
  hal::State settings() const;

 private:
  CalibrationRecords(std::filesystem::path folder, keystore::KeyStore& store)
      : folder_(std::move(folder)), store_(&store) {}
  Result<void> read_all();
  Result<void> check_rows();
  Result<void> check_row(const keystore::RecordHead& head, std::span<const CalibrationRecord* const> row);
  keystore::RecordHead head_of(std::string_view routine) const;
  std::filesystem::path folder_;
  keystore::KeyStore* store_;
  std::vector<CalibrationRecord> records_;
};

/// "40 s", "12 min", "3 h", "5 d".
std::string age_text(std::int64_t seconds);

}  // namespace nicol::service
