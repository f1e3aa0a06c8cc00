// SPDX-License-Identifier: Apache-2.0
// Every call of every kind with harmless arguments, so that "every call returns disconnected" can be asked of any
// device.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "drivers/hal/device.hpp"

namespace nicol::hal_contract {

struct Call {
  std::string name;
  std::function<std::optional<Code>()> run;  // no code: it succeeded
};
/// The calls that can fail; the noexcept ones that cannot stand in silent_calls_of().
std::vector<Call> calls_of(hal::Device& device);
std::vector<std::function<void()>> silent_calls_of(hal::Device& device);

}  // namespace nicol::hal_contract
