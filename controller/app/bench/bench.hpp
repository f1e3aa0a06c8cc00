// SPDX-License-Identifier: Apache-2.0
// `nicol bench`: the stages' rates on this machine, each against a yardstick measured in the same minute, so that the
// ratio means something on a shared and noisy computer.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace nicol::bench {

/// One line of the report, units as DESIGN.md 8 names them. ratio = rate / yardstick_rate (the inverse for seconds).
struct StageResult {
  std::string stage;
  double size = 0;  // bits, events or grid points
  double rate = 0;
  std::string unit;
  std::string yardstick;
  double yardstick_rate = 0;
  std::string yardstick_unit;
  double ratio = 0;
  std::map<std::string, double> figures;  // "f_ec", "rounds", …
};
struct Skipped {
  std::string stage, reason;
};
struct Report {
  std::map<std::string, std::string> machine;
  std::vector<StageResult> stages;
  std::vector<Skipped> skipped;
};

struct Options {
  std::string stage;  // one of stage_names(); empty: all
  bool full = false;  // also what takes minutes
  /// Called with a stage's name before it runs.
  std::function<void(std::string_view)> progress = [](std::string_view) {};
};

const std::vector<std::string>& stage_names();
/// Runs on one core, within about a minute. A stage that cannot run stands in `skipped` with its reason.
Report run_bench(const Options& options);

}  // namespace nicol::bench
