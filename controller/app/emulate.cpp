// SPDX-License-Identifier: Apache-2.0
// nicol devices emulate: the far end of a real protocol on a pseudo-terminal, so that a lab can try its own tools.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "controller/app/commands.hpp"
#include "controller/app/pty_pump.hpp"
#include "sim/emulators/catalogue.hpp"

namespace nicol::app {
namespace {

std::string all_kinds() {
  std::string text;
  for (const sim::EmulatorKind& kind : sim::emulator_kinds()) text += fmt::format("\n  {:12} {}", kind.name, kind.what);
  return text;
}

}  // namespace

Exit devices_emulate(const DevicesOptions& options, Context& context) {
  const auto kinds = sim::emulator_kinds();
  const auto kind = std::ranges::find(kinds, std::string_view(options.kind), &sim::EmulatorKind::name);
  if (kind == kinds.end())
    return complain(
        {Code::bad_input, fmt::format("devices emulate {}: expected one of{}", options.kind, all_kinds()), "", 0, {}});
  const auto emulator = kind->make();
  auto pump = PtyPump::open(*emulator, options.time_scale);
  if (!pump) return complain(pump.error());
  if (context.output == Output::json)
    fmt::print(
        "{}\n",
        nlohmann::json{{"schema", "nicol.devices.emulate/1"}, {"kind", kind->name}, {"port", pump->path()}}.dump());
  else
    fmt::print("{}\n", pump->path());
  std::fflush(stdout);
  fmt::print(stderr, "nicol: {} at {}, until Ctrl-C\n", kind->what, pump->path());
  while (!context.stop->requested())
    if (auto r = pump->run(std::chrono::milliseconds(100)); !r) return complain(r.error());
  return Exit::done;
}

}  // namespace nicol::app
