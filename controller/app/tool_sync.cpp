// SPDX-License-Identifier: Apache-2.0
// nicol tool sync: how the clocks of two recordings belong together.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "controller/app/pair_files.hpp"

namespace nicol::app {

Exit tool_sync(const ToolOptions& options, Context& context) {
  const auto report = track_files(options, context, [](Coincidences) { return Result<void>(); });
  if (!report) return complain(report.error());
  fmt::print("{}\n", sync_json(*report).dump());
  return report->locks > 0 ? Exit::done : Exit::failed;
}

}  // namespace nicol::app
