// SPDX-License-Identifier: Apache-2.0
// nicol bench: the stages' report as one JSON document, with the whole chain measured on top.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "controller/app/bench/bench.hpp"
#include "controller/app/bench_chain.hpp"
#include "controller/app/commands.hpp"

namespace nicol::app {
namespace {

using nlohmann::json;

json stage_json(const bench::StageResult& s) {
  json j{{"stage", s.stage},
         {"size", s.size},
         {"rate", s.rate},
         {"unit", s.unit},
         {"yardstick", s.yardstick},
         {"yardstick_rate", s.yardstick_rate},
         {"yardstick_unit", s.yardstick_unit},
         {"ratio", s.ratio}};
  for (const auto& [name, value] : s.figures) j[name] = value;
  return j;
}

void print_text(const bench::Report& report) {
  for (const auto& s : report.stages)
    fmt::print("{:20} size {:>10.4g}  {:>10.4g} {:9} = {:.3g} of {} at {:.4g} {}\n", s.stage, s.size, s.rate, s.unit,
               s.ratio, s.yardstick, s.yardstick_rate, s.yardstick_unit);
  for (const auto& s : report.skipped) fmt::print("{:20} skipped: {}\n", s.stage, s.reason);
}

}  // namespace

Exit bench(const BenchOptions& options, Context& context) {
  auto names = bench::stage_names();
  names.emplace_back("chain");
  if (!options.stage.empty() && std::find(names.begin(), names.end(), options.stage) == names.end())
    return complain({Code::bad_input,
                     fmt::format("--stage {}: expected one of {}", options.stage, fmt::join(names, ", ")),
                     "",
                     0,
                     {}});
  bench::Options o;
  o.stage = options.stage;
  o.full = options.full;
  o.progress = [](std::string_view stage) { fmt::print(stderr, "nicol: bench {}\n", stage); };
  bench::Report report;
  if (options.stage != "chain") report = bench::run_bench(o);
  if (options.stage.empty() || options.stage == "chain") {
    o.progress("chain");
    auto chain = bench_chain(o);
    if (chain)
      report.stages.push_back(*std::move(chain));
    else
      report.skipped.push_back({"chain", describe(chain.error())});
  }
  if (context.output == Output::text) {
    print_text(report);
    return Exit::done;
  }
  json j{
      {"schema", "nicol.bench/1"}, {"machine", report.machine}, {"stages", json::array()}, {"skipped", json::array()}};
  for (const auto& s : report.stages) j["stages"].push_back(stage_json(s));
  for (const auto& s : report.skipped) j["skipped"].push_back({{"stage", s.stage}, {"reason", s.reason}});
  fmt::print("{}\n", j.dump(2));
  return Exit::done;
}

}  // namespace nicol::app
