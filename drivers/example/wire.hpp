// SPDX-License-Identifier: Apache-2.0
// What an Example Shutter is told and what it answers: text in, values out; no port, no thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "drivers/hal/instruments.hpp"

namespace nicol::example {

// Both directions end a line with a carriage return. O and C are not answered: S? tells what became of them.
inline constexpr std::string_view kOpen = "O\r", kClose = "C\r", kAskState = "S?\r", kAskIdentity = "*IDN?\r";

struct Status {
  hal::ShutterState state = hal::ShutterState::unknown;
  int fault = 0;  // the device's own number, 0: none
};
/// "OPEN", "CLOSED", "MOVING", "FAULT n"; nullopt when it is no such line.
std::optional<Status> parse_status(std::string_view reply);

struct Identity {
  std::string serial, firmware;
};
/// "EXAMPLE SHUTTER,<serial>,<firmware>"; nullopt when it is no such line.
std::optional<Identity> parse_identity(std::string_view reply);

}  // namespace nicol::example
