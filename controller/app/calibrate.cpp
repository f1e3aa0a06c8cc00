// SPDX-License-Identifier: Apache-2.0
// nicol calibrate: routines over both rigs of a link in one process, each with its record.
#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "controller/app/commands.hpp"
#include "controller/app/pair.hpp"
#include "controller/app/progress.hpp"
#include "controller/service/calibration_json.hpp"
#include "controller/service/calibration_records.hpp"
#include "controller/service/rig_preparation.hpp"

namespace nicol::app {
namespace {

using calibration::Report;
using calibration::Routine;
using calibration::Status;

std::int64_t now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// "full" (or nothing): all, in their order; "daily": those whose newest record is older than a day, or missing.
Result<std::vector<const Routine*>> chosen(const std::vector<std::string>& names,
                                           const service::CalibrationRecords& records) {
  constexpr std::int64_t kDay = 24 * 3'600;
  std::vector<const Routine*> all;
  const bool full = names.empty() || names == std::vector<std::string>{"full"};
  const bool daily = names == std::vector<std::string>{"daily"};
  for (const Routine& r : calibration::routines()) {
    const auto* last = records.newest(r.name);
    if (full || (daily && (last == nullptr || now() - last->when > kDay))) all.push_back(&r);
  }
  if (full || daily) return all;
  for (const std::string& name : names) {
    const Routine* r = calibration::find_routine(name);
    if (r == nullptr) {
      std::string known = "full, daily";
      for (const Routine& other : calibration::routines()) known += fmt::format(", {}", other.name);
      return Error{Code::bad_input, fmt::format("calibrate {}: expected one of {}", name, known), "", 0, {}};
    }
    all.push_back(r);
  }
  return all;
}

std::string text_of(const Report& r) {
  std::string out = fmt::format("{}: {}{}{} ({:.1f} s, {} motor moves, {} photons)\n", r.routine, to_string(r.status),
                                r.reason.empty() ? "" : ", ", r.reason, r.seconds, r.motor_moves, r.detected_photons);
  for (const auto& f : r.fitted)
    out += fmt::format("  {:<34} {:>12.6g} +- {:.2g} {}\n", f.name, f.value, f.error, f.unit == "1" ? "" : f.unit);
  for (const auto& w : r.warnings) out += fmt::format("  look at this: {}\n", w);
  for (const auto& n : r.not_determined) out += fmt::format("  not determined: {}\n", n);
  return out;
}

/// Light only for as long as it is needed, and with consent where it is real.
Result<void> arm(hal::Rig& alice, const CalibrateOptions& options) {
  auto* source = alice.find<hal::PhotonSource>("source");
  if (source == nullptr) return {};
  if (!alice.model.simulated && !options.arm)
    return Error{Code::refused, "this source's light is real: --arm says that nobody is in its way", "source", 0, {}};
  return source->arm({os_random_word()});
}

Result<std::vector<Report>> perform_all(const CalibrateOptions& options, const Pair& pair, Context& context) {
  auto store = keystore::KeyStore::open(pair.bob.state, pair.bob.preshared_key, {});
  if (!store) return std::move(store).error();
  auto records = service::CalibrationRecords::open(pair.bob.state, **store);
  if (!records) return std::move(records).error();
  const auto routines = chosen(options.routines, *records);
  if (!routines) return routines.error();
  auto alice = make_rig(pair.alice, context.hooks);
  if (!alice) return std::move(alice).error();
  auto bob = make_rig(pair.bob, context.hooks);
  if (!bob) return std::move(bob).error();
  for (hal::Rig* rig : {alice->get(), bob->get()})
    if (auto ready = service::prepare_rig(*rig); !ready) return std::move(ready).error();
  if (auto known = calibration::apply(records->in_force(), **bob); !known) return std::move(known).error();
  if (auto armed = arm(**alice, options); !armed) return std::move(armed).error();
  Progress progress;
  calibration::BenchOptions bench_options;
  bench_options.seed = pair.bob.world.seed;
  bench_options.progress = [&](const calibration::Progress& p) {
    progress.line(fmt::format("{}: {}", p.routine, p.step));
  };
  bench_options.last = [&](std::string_view routine) {
    const auto* newest = records->newest(routine);
    return newest == nullptr ? nullptr : &newest->report;
  };
  calibration::Bench bench(**bob, **alice, context.stop->token(), bench_options);
  std::vector<Report> reports;
  for (const Routine* routine : *routines) {
    reports.push_back(calibration::perform(*routine, bench));
    const Report& report = reports.back();
    if (auto kept = records->add(report, (*bob)->description, now()); !kept) return std::move(kept).error();
    if (report.status == Status::cancelled) break;
    if (auto told = calibration::apply(report.result, **bob); !told) return std::move(told).error();
  }
  (*alice)->safe_state();
  (*bob)->safe_state();
  return reports;
}

}  // namespace

Exit calibrate(const CalibrateOptions& options, Context& context) {
  auto pair = options.config.empty() ? pair_in(options.state, options.scenario) : pair_from_config(options.config);
  if (!pair) return complain(pair.error());
  Together together{options.seed, "none", options.speed};
  if (!options.config.empty() && !options.seed) together.seed = pair->alice.world.seed;
  if (auto r = tie_together(*pair, together); !r) return complain(r.error());
  auto reports = perform_all(options, *pair, context);
  if (!reports) return complain(reports.error());
  bool passed = true;
  nlohmann::json routines = nlohmann::json::array();
  std::string text;
  for (const Report& r : *reports) {
    passed = passed && r.status == Status::passed;
    routines.push_back(service::to_json(r));
    text += text_of(r);
  }
  if (context.output == Output::json)
    fmt::print("{}\n", nlohmann::json{{"schema", "nicol.calibrate/1"}, {"routines", std::move(routines)}}.dump(2));
  else
    fmt::print("{}", text.empty() ? std::string("nothing is stale\n") : text);
  return passed ? Exit::done : Exit::failed;
}

}  // namespace nicol::app
