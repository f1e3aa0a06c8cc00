// SPDX-License-Identifier: Apache-2.0
// The scenario files beside this header, as text inside the binary (made by CMake).
#pragma once

#include <span>
#include <string_view>

namespace nicol::sim {

struct BuiltinScenario {
  std::string_view name, text;
};
std::span<const BuiltinScenario> builtin_scenarios();

}  // namespace nicol::sim
