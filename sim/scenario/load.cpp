// SPDX-License-Identifier: Apache-2.0
// Scenarios by name (built into the binary) or by path.
#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "sim/scenario/builtin.hpp"
#include "sim/scenario/fields.hpp"

namespace nicol::sim {
namespace {

constexpr std::string_view kTemplate = "template";

const BuiltinScenario* find_builtin(std::string_view name) {
  const auto all = builtin_scenarios();
  const auto at = std::find_if(all.begin(), all.end(), [&](const BuiltinScenario& b) { return b.name == name; });
  return at == all.end() ? nullptr : &*at;
}

}  // namespace

std::vector<std::string> scenario_names() {
  std::vector<std::string> names;
  for (const BuiltinScenario& b : builtin_scenarios())
    if (b.name != kTemplate) names.emplace_back(b.name);
  return names;
}

Result<std::string> scenario_text(std::string_view name) {
  if (const BuiltinScenario* builtin = find_builtin(name)) return std::string(builtin->text);
  return Error{
      Code::bad_input,
      fmt::format("no built-in scenario \"{}\"; known: {}, {}", name, fmt::join(scenario_names(), ", "), kTemplate),
      {},
      0,
      {}};
}

Result<Scenario> load_scenario(std::string_view name_or_path) {
  if (const BuiltinScenario* builtin = find_builtin(name_or_path))
    return parse_scenario(builtin->text, fmt::format("{}.toml", builtin->name));
  std::ifstream in{std::string(name_or_path)};
  if (!in)
    return Error{Code::bad_input,
                 fmt::format("scenario \"{}\": neither built in ({}) nor a readable file", name_or_path,
                             fmt::join(scenario_names(), ", ")),
                 {},
                 0,
                 {}};
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  return parse_scenario(text, name_or_path);
}

}  // namespace nicol::sim
