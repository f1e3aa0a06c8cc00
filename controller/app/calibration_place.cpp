// SPDX-License-Identifier: Apache-2.0
#include "controller/app/calibration_place.hpp"

#include <fmt/format.h>

#include <chrono>

#include "controller/service/calibration_full.hpp"

namespace nicol::app {
namespace {

using calibration::Routine;

Error bad(std::string message) { return {Code::bad_input, std::move(message), "", 0, {}}; }

Result<service::CalibrationChoice> named(const std::vector<std::string>& names) {
  service::CalibrationChoice choice;
  for (const std::string& name : names) {
    const Routine* routine = calibration::find_routine(name);
    if (routine == nullptr) {
      std::string known = "full, daily, report, forget";
      for (const Routine& other : calibration::routines()) known += fmt::format(", {}", other.name);
      return bad(fmt::format("calibrate {}: expected one of {}", name, known));
    }
    choice.wanted.push_back({routine, "was asked for", 0});
  }
  return choice;
}

Result<service::CalibrationChoice> full(const CalibrateOptions& options, const CalibrationBooks& books) {
  std::optional<std::int64_t> begun;
  if (options.resume) begun = service::interrupted_full(books.state, *books.store, unix_now());
  if (options.resume && !begun)
    fmt::print(stderr, "nicol: no full calibration was interrupted within a day: this one begins anew\n");
  if (!begun)
    if (auto noted = service::full_begins(books.state, *books.store, unix_now()); !noted)
      return std::move(noted).error();
  return service::choose_full(books.records, books.policy, begun, unix_now());
}

}  // namespace

std::int64_t unix_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

Result<CalibrationPlace> calibration_place(const CalibrateOptions& options) {
  if (options.config.empty()) return CalibrationPlace{options.state / "bob", options.state / "preshared.key", {}};
  auto config = service::load_config(options.config);
  if (!config) return std::move(config).error();
  secret::set_memory_policy(config->memory_policy());
  return CalibrationPlace{config->state, config->preshared_key, config->calibration};
}

Result<CalibrationBooks> open_books(const CalibrationPlace& place) {
  auto store = keystore::KeyStore::open(place.state, place.preshared_key, {});
  if (!store) return std::move(store).error();
  auto records = service::CalibrationRecords::open(place.state, **store);
  if (!records) return std::move(records).error();
  return CalibrationBooks{place.state, place.policy, *std::move(store), *std::move(records)};
}

bool is_full(const CalibrateOptions& options) {
  return options.routines.empty() || options.routines == std::vector<std::string>{"full"};
}

Result<service::CalibrationChoice> choose(const CalibrateOptions& options, const CalibrationBooks& books) {
  if (is_full(options)) return full(options, books);
  if (options.resume) return bad("--resume: expected with full only");
  if (options.routines == std::vector<std::string>{"daily"})
    return service::choose_daily(books.records, books.policy, unix_now());
  return named(options.routines);
}

}  // namespace nicol::app
