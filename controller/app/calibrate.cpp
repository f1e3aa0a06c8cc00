// SPDX-License-Identifier: Apache-2.0
// nicol calibrate: routines, each with its record; over both rigs in one process, or this node's and its peer's.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "controller/app/commands.hpp"
#include "controller/app/pair.hpp"
#include "controller/app/progress.hpp"
#include "controller/service/calibration_json.hpp"
#include "controller/service/calibration_records.hpp"
#include "controller/service/rig_preparation.hpp"
#include "controller/service/tag_look.hpp"

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
  constexpr std::int64_t kDay = 86'400;
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
  service::RateGuard guard = service::guard_of(**bob);
  bench_options.guard = service::watched_by(guard);
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

/// Until so many reports are in, or it was cancelled.
std::vector<Report> follow(service::Node& node, std::size_t wanted, Context& context) {
  Progress progress;
  std::vector<Report> reports;
  std::string said, step;
  bool cancelled = false;
  for (std::uint64_t seen = 0; reports.size() < wanted;) {
    for (auto& r : node.calibrations_since(seen, wanted)) {
      seen = r.sequence;
      reports.push_back(std::move(r.value));
    }
    const auto now = node.snapshot();
    if (now->calibration && now->calibration->step != std::exchange(step, now->calibration->step))
      progress.line(fmt::format("{}: {}", now->calibration->routine, step));
    if (!now->last_error.empty() && now->last_error != std::exchange(said, now->last_error)) progress.line(said);
    if (context.stop->requested() && !std::exchange(cancelled, true))
      node.submit({service::Command::Kind::stop, 0, "", "signal"});
    if (cancelled && !now->calibration && now->state != service::NodeState::calibrating) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  node.stop();
  return reports;
}

/// Both rigs in this process.
Result<std::vector<Report>> here(const CalibrateOptions& options, Context& context) {
  auto pair = pair_in(options.state, options.scenario);
  if (!pair) return std::move(pair).error();
  if (auto tied = tie_together(*pair, {options.seed, "none", options.speed}); !tied) return std::move(tied).error();
  return perform_all(options, *pair, context);
}

/// This node, with the peer's rig at the other end of an authenticated session; its node must be running.
Result<std::vector<Report>> with_the_peer(const CalibrateOptions& options, Context& context) {
  auto config = service::load_config(options.config);
  if (!config) return std::move(config).error();
  secret::set_memory_policy(config->memory_policy());
  auto setup = node_from_config(*config);
  if (!setup) return std::move(setup).error();
  std::string names;
  {
    auto store = keystore::KeyStore::open(setup->state, setup->preshared_key, {});
    if (!store) return std::move(store).error();
    auto records = service::CalibrationRecords::open(setup->state, **store);
    if (!records) return std::move(records).error();
    const auto routines = chosen(options.routines, *records);
    if (!routines) return routines.error();
    if (routines->empty()) return std::vector<Report>{};
    for (const Routine* r : *routines) names += fmt::format("{}{}", names.empty() ? "" : ",", r->name);
  }
  auto node = make_node(*setup, context.hooks);
  if (!node) return std::move(node).error();
  (*node)->submit({service::Command::Kind::calibrate, 0, names, "cli"});
  return follow(**node, 1 + static_cast<std::size_t>(std::ranges::count(names, ',')), context);
}

}  // namespace

Exit calibrate(const CalibrateOptions& options, Context& context) {
  auto reports = options.config.empty() ? here(options, context) : with_the_peer(options, context);
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
