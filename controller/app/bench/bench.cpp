// SPDX-License-Identifier: Apache-2.0
// Which stages there are, and running them one by one.
#include "controller/app/bench/bench.hpp"

#include <algorithm>
#include <exception>
#include <fstream>
#include <thread>

#include "controller/app/bench/measure.hpp"
#include "controller/distillation/amplification.hpp"

namespace nicol::bench {

namespace {

struct Stage {
  std::string name;
  std::vector<StageResult> (*run)(const Options&);  // null: why not stands in `missing`
  std::string missing;
};

const std::vector<Stage>& stages() {
  static const std::vector<Stage> all{
      {"decode_gate_sift", bench_decode_gate_sift, {}},
      {"tag_stream", bench_tag_stream, {}},
      {"coincidence", bench_coincidence, {}},
      {"clock_offset", bench_clock_offset, {}},
      {"cascade", bench_cascade, {}},
      {"ldpc", nullptr, "no LDPC reconciliation in this version"},
      {"privacy_amplification", bench_privacy_amplification, {}},
      {"mac", bench_mac, {}},
      {"key_slots", bench_key_slots, {}},
      {"simulator", bench_simulator, {}},
  };
  return all;
}

std::string cpu_model() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.rfind("model name", 0) == 0) return line.substr(std::min(line.size(), line.find(':') + 2));
  return "unknown";
}

void run_stage(const Stage& stage, const Options& options, Report& report) {
  if (stage.run == nullptr) {
    report.skipped.push_back({stage.name, stage.missing});
    return;
  }
  options.progress(stage.name);
  try {
    for (auto& result : stage.run(options)) report.stages.push_back(std::move(result));
  } catch (const std::exception& failure) {
    report.skipped.push_back({stage.name, failure.what()});
  }
}

}  // namespace

const std::vector<std::string>& stage_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const Stage& stage : stages()) all.push_back(stage.name);
    return all;
  }();
  return names;
}

Report run_bench(const Options& options) {
  Report report;
  report.machine = {{"cpu", cpu_model()},
                    {"cores", std::to_string(std::thread::hardware_concurrency())},
                    {"carryless_kernel", std::string(to_string(distillation::best_kernel()))}};
  const PinnedCore pinned;
  for (const Stage& stage : stages())
    if (options.stage.empty() || options.stage == stage.name) run_stage(stage, options, report);
  return report;
}

}  // namespace nicol::bench
