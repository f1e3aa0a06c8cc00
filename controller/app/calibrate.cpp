// SPDX-License-Identifier: Apache-2.0
// nicol calibrate: routines, each with its record; over both rigs in one process, or this node's and its peer's.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "controller/app/calibration_place.hpp"
#include "controller/app/calibration_tape.hpp"
#include "controller/app/pair.hpp"
#include "controller/app/progress.hpp"
#include "controller/service/calibration_full.hpp"
#include "controller/service/calibration_json.hpp"
#include "controller/service/rig_preparation.hpp"
#include "controller/service/tag_look.hpp"

namespace nicol::app {
namespace {

using calibration::Report;
using calibration::Status;

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

/// How far a routine is, with the time left: of its own by how far it has come, or by what it took last time.
std::string step_text(const calibration::Progress& p, const service::CalibrationChoice& choice) {
  double left = p.seconds_left, later = 0;
  bool after = false;
  for (const auto& one : choice.wanted) {
    if (after) later += one.seconds;
    if (one.routine->name != p.routine) continue;
    after = true;
    if (left < 0) left = one.seconds * (1 - p.done);
  }
  return fmt::format("{}: {} ({:.0f} s left{})", p.routine, p.step, std::max(left, 0.0),
                     later > 0 ? fmt::format(", then about {:.0f} s", later) : std::string());
}

/// Rigs as a node would set them, Alice's source armed.
Result<void> prepare(hal::Rig& alice, hal::Rig& bob, const CalibrationBooks& books, const CalibrateOptions& options) {
  if (auto known = calibration::apply(books.records.settings(), bob); !known) return known;  // where plates are to go
  for (hal::Rig* rig : {&alice, &bob})
    if (auto ready = service::prepare_rig(*rig); !ready) return ready;
  return arm(alice, options);
}

/// One after the other, each with its record, until one is cancelled.
Result<std::vector<Report>> perform(const service::CalibrationChoice& choice, calibration::Bench& bench,
                                    CalibrationBooks& books) {
  std::vector<Report> reports;
  for (const auto& one : choice.wanted) {
    reports.push_back(calibration::perform(*one.routine, bench));
    const Report& report = reports.back();
    if (auto kept = books.records.add(report, bench.own().description, unix_now()); !kept)
      return std::move(kept).error();
    if (report.status == Status::cancelled) break;
    if (auto told = calibration::apply(report.result, bench.own()); !told) return std::move(told).error();
  }
  return reports;
}

calibration::BenchOptions bench_options(const service::CalibrationChoice& choice, CalibrationBooks& books,
                                        Progress& progress) {
  calibration::BenchOptions o;
  o.progress = [&](const calibration::Progress& p) { progress.line(step_text(p, choice)); };
  o.last = [&](std::string_view routine) {
    const auto* newest = books.records.newest(routine);
    return newest == nullptr ? nullptr : &newest->report;
  };
  o.judge = [&](Report& report) { return service::judge(report, books.policy.limits); };
  if (choice.most) o.until = SteadyDeadlines().in(*choice.most);
  return o;
}

Result<std::vector<Report>> with_both_rigs(const service::CalibrationChoice& choice, const CalibrateOptions& options,
                                           CalibrationBooks& books, const Pair& pair, Context& context) {
  auto alice = make_rig(pair.alice, context.hooks);
  if (!alice) return std::move(alice).error();
  auto bob = make_rig(pair.bob, context.hooks);
  if (!bob) return std::move(bob).error();
  if (auto ready = prepare(**alice, **bob, books, options); !ready) return std::move(ready).error();
  Progress progress;
  calibration::BenchOptions o = bench_options(choice, books, progress);
  o.seed = pair.bob.world.seed;
  service::RateGuard guard = service::guard_of(**bob);
  CalibrationTape tape(options.record);
  if (auto begun = tape.begin(); !begun) return std::move(begun).error();
  o.guard = [&, watch = tape.watch(), see = service::watched_by(guard)](const hal::TagBlock& block) {
    if (watch) watch(**bob, block);
    return see(block);
  };
  o.transmission_at_least = options.transmission_at_least.value_or(books.policy.transmission_at_least);
  calibration::Bench bench(**bob, **alice, context.stop->token(), std::move(o));
  auto reports = perform(choice, bench, books);
  (*alice)->safe_state();
  (*bob)->safe_state();
  return reports;
}

const service::Alarm* refused(const service::Snapshot& s) {
  const auto it = std::ranges::find(s.alarms, service::kPeerRefused, &service::Alarm::name);
  return it == s.alarms.end() ? nullptr : &*it;
}

/// Until all is over or was cancelled, or somebody else than the peer answers.
Result<std::vector<Report>> follow(service::Node& node, const service::CalibrationChoice& choice, Context& context) {
  using namespace std::chrono_literals;
  Progress progress;
  std::vector<Report> reports;
  std::string said, step, names;
  for (const auto& one : choice.wanted) names += fmt::format("{}{}", names.empty() ? "" : ",", one.routine->name);
  auto now = node.snapshot();
  const std::uint64_t over = now->calibrations_over;
  node.submit({service::Command::Kind::calibrate, 0, names, "cli", choice.most});
  bool cancelled = false;
  for (std::uint64_t seen = 0; now->calibrations_over == over;) {
    now = node.next_snapshot(now, 200ms);  // no longer, so that Ctrl-C is heard
    for (auto& r : node.calibrations_since(seen, choice.wanted.size())) {
      seen = r.sequence;
      reports.push_back(std::move(r.value));
    }
    if (now->calibration && now->calibration->step != std::exchange(step, now->calibration->step))
      progress.line(step_text(*now->calibration, choice));
    if (!now->last_error.empty() && now->last_error != std::exchange(said, now->last_error)) progress.line(said);
    if (const auto* stranger = refused(*now))
      return Error{Code::authentication, fmt::format("nothing was calibrated: {}", stranger->what), "peer", 0, {}};
    if (context.stop->requested() && !std::exchange(cancelled, true))
      node.submit({service::Command::Kind::stop, 0, "", "signal"});
  }
  return reports;
}

struct Outcome {
  service::CalibrationChoice choice;
  std::vector<Report> reports;
  std::string grown;  // mismatch, against what was in force before

  bool passed() const {
    return std::ranges::all_of(reports, [](const Report& r) { return r.status == Status::passed; });
  }
};

/// What the mismatch was before and is now; the full calibration's note goes when all passed.
void finish(const CalibrateOptions& options, const CalibrationBooks& books, Outcome& outcome) {
  const bool anew =
      std::ranges::any_of(outcome.reports, [](const Report& r) { return r.routine == service::kMismatchRoutine; });
  if (anew) outcome.grown = service::mismatch_growth(books.records);
  for (std::size_t i = outcome.reports.size(); i < outcome.choice.wanted.size(); ++i) {
    outcome.choice.left_out.push_back(outcome.choice.wanted[i]);
    outcome.choice.left_out.back().why = "was not begun any more";
  }
  const bool all = outcome.passed() && outcome.reports.size() == outcome.choice.wanted.size();
  if (is_full(options) && all) service::full_ended(books.state);
}

/// Both rigs in this process.
Result<Outcome> here(const CalibrateOptions& options, Context& context) {
  auto pair = pair_in(options.state, options.scenario);
  if (!pair) return std::move(pair).error();
  if (auto tied = tie_together(*pair, {options.seed, "none", options.speed}); !tied) return std::move(tied).error();
  auto books = open_books({pair->bob.state, pair->bob.preshared_key, {}});
  if (!books) return std::move(books).error();
  auto choice = choose(options, *books);
  if (!choice) return std::move(choice).error();
  Outcome outcome{*std::move(choice), {}, {}};
  if (!outcome.choice.wanted.empty()) {
    auto reports = with_both_rigs(outcome.choice, options, *books, *pair, context);
    if (!reports) return std::move(reports).error();
    outcome.reports = *std::move(reports);
  }
  finish(options, *books, outcome);
  return outcome;
}

/// The node holds the store meanwhile.
Result<std::vector<Report>> by_a_node(const NodeSetup& setup, const service::CalibrationChoice& choice,
                                      Context& context) {
  auto node = make_node(setup, context.hooks);
  if (!node) return std::move(node).error();
  auto reports = follow(**node, choice, context);
  (*node)->stop();
  return reports;
}

/// This node, with the peer's rig at the other end of an authenticated session; its node must be running.
Result<Outcome> with_the_peer(const CalibrateOptions& options, Context& context) {
  auto config = service::load_config(options.config);
  if (!config) return std::move(config).error();
  secret::set_memory_policy(config->memory_policy());
  auto setup = node_from_config(*config);
  if (!setup) return std::move(setup).error();
  CalibrationTape tape(options.record);
  if (auto begun = tape.begin(); !begun) return std::move(begun).error();
  setup->calibration_watch = tape.watch();
  if (options.transmission_at_least) setup->calibration.transmission_at_least = *options.transmission_at_least;
  const CalibrationPlace place{setup->state, setup->preshared_key, setup->calibration};
  Result<service::CalibrationChoice> choice = Error{};
  {
    auto books = open_books(place);
    if (!books) return std::move(books).error();
    choice = choose(options, *books);
    if (!choice) return std::move(choice).error();
  }
  Outcome outcome{*std::move(choice), {}, {}};
  if (!outcome.choice.wanted.empty()) {
    auto reports = by_a_node(*setup, outcome.choice, context);
    if (!reports) return std::move(reports).error();
    outcome.reports = *std::move(reports);
  }
  auto books = open_books(place);
  if (!books) return std::move(books).error();
  finish(options, *books, outcome);
  return outcome;
}

/// All records are set aside, on purpose.
Exit forget(const CalibrateOptions& options) {
  const auto place = calibration_place(options);
  if (!place) return complain(place.error());
  auto store = keystore::KeyStore::open(place->state, place->preshared_key, {});
  if (!store) return complain(store.error());
  const auto aside = service::CalibrationRecords::forget(place->state, **store, unix_now());
  if (!aside) return complain(aside.error());
  fmt::print("{}\n", aside->empty() ? std::string("there are no calibration records")
                                    : fmt::format("set aside: {}; calibrate anew", aside->string()));
  return Exit::done;
}

std::string json_of(const Outcome& outcome) {
  nlohmann::json routines = nlohmann::json::array(), left_out = nlohmann::json::array();
  for (const Report& r : outcome.reports) routines.push_back(service::to_json(r));
  for (const auto& one : outcome.choice.left_out)
    left_out.push_back({{"routine", one.routine->name}, {"why", one.why}});
  nlohmann::json j{{"schema", "nicol.calibrate/1"},
                   {"routines", std::move(routines)},
                   {"left_out", std::move(left_out)},
                   {"alarms", nlohmann::json::array()}};
  if (!outcome.grown.empty()) j["alarms"].push_back(outcome.grown);
  return j.dump(2);
}

std::string text_of(const Outcome& outcome) {
  std::string text;
  for (const Report& r : outcome.reports) text += text_of(r);
  if (outcome.choice.wanted.empty() && outcome.choice.left_out.empty()) text += "nothing is stale\n";
  for (const auto& one : outcome.choice.left_out) text += fmt::format("left out: {} {}\n", one.routine->name, one.why);
  if (!outcome.grown.empty()) text += fmt::format("ALARM: {}\n", outcome.grown);
  return text;
}

}  // namespace

Exit calibrate(const CalibrateOptions& options, Context& context) {
  if (options.routines == std::vector<std::string>{"report"}) return calibration_report(options, context);
  if (!options.out.empty()) return complain({Code::bad_input, "--out: expected with report only", "", 0, {}});
  if (options.routines == std::vector<std::string>{"forget"}) return forget(options);
  const auto outcome = options.config.empty() ? here(options, context) : with_the_peer(options, context);
  if (!outcome) return complain(outcome.error());
  if (context.output == Output::json)
    fmt::print("{}\n", json_of(*outcome));
  else
    fmt::print("{}", text_of(*outcome));
  return outcome->passed() ? Exit::done : Exit::failed;
}

}  // namespace nicol::app
