// SPDX-License-Identifier: Apache-2.0
// The list of all keys of a scenario file: where each lives in Scenario, what values it takes, what it means.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sim/scenario/scenario.hpp"

namespace nicol::sim {

/// A key whose value is one of a few words; the index of the word is handed to `set`.
struct Choice {
  std::span<const std::string_view> words;
  void (*set)(Scenario& scenario, std::size_t word) = nullptr;
};
/// A number, or one number a detector.
struct PerDetector {
  double DetectorModel::*member = nullptr;
  std::vector<DetectorModel>* detectors = nullptr;
};
using Target = std::variant<double*, std::uint32_t*, std::uint64_t*, std::string*, bool*, std::array<double, 4>*,
                            std::array<double, 3>*, Choice, PerDetector>;

struct Field {
  std::string_view table, key;  // table "" is the top of the file
  Target target;
  double least = 0, most = 0;  // of every number
  bool required = false;
  std::string full_name() const { return (table.empty() ? "" : std::string(table) + ".") + std::string(key); }
};
/// All keys but `format`; pointers lead into `scenario`.
std::vector<Field> scenario_fields(Scenario& scenario);
inline constexpr std::int64_t kScenarioFormat = 1;

/// Checks between keys. The message starts with the key to blame and a colon.
Result<void> validate(const Scenario& scenario);

/// Reads TOML text; `file` is what messages call it.
Result<Scenario> parse_scenario(std::string_view text, std::string_view file);

}  // namespace nicol::sim
