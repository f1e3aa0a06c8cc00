// SPDX-License-Identifier: Apache-2.0
// Where a node's calibration records lie, as a config or --state names it, and which routines are asked for.
#pragma once

#include <memory>

#include "controller/app/commands.hpp"
#include "controller/service/calibration_plan.hpp"

namespace nicol::app {

/// A store and its records, open together.
struct CalibrationBooks {
  std::filesystem::path state;
  service::CalibrationPolicy policy;
  std::unique_ptr<keystore::KeyStore> store;
  service::CalibrationRecords records;  // of the store
};

/// Where they lie; nothing is opened.
struct CalibrationPlace {
  std::filesystem::path state, preshared_key;
  service::CalibrationPolicy policy;
};
/// With --config that node's, with --state Bob's, who calibrates there.
Result<CalibrationPlace> calibration_place(const CalibrateOptions& options);
Result<CalibrationBooks> open_books(const CalibrationPlace& place);

/// Full (or nothing), daily, or names; notes that a full one begins. bad_input names what is known, or that --resume
/// goes with full.
Result<service::CalibrationChoice> choose(const CalibrateOptions& options, const CalibrationBooks& books);
/// Whether it was all of them.
bool is_full(const CalibrateOptions& options);

std::int64_t unix_now();

}  // namespace nicol::app
