// SPDX-License-Identifier: Apache-2.0
// The emulators that speak over a serial line, by name, for `nicol devices emulate`.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "sim/emulators/emulator.hpp"

namespace nicol::sim {

struct EmulatorKind {
  std::string_view name, what;
  std::unique_ptr<SerialEmulator> (*make)();
};
std::span<const EmulatorKind> emulator_kinds();

}  // namespace nicol::sim
