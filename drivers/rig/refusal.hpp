// SPDX-License-Identifier: Apache-2.0
// What a board's refusals, faults and HELLO mean to a person.
#pragma once

#include <optional>
#include <string>

#include "drivers/hal/result.hpp"
#include "firmware-protocol/hello.hpp"
#include "firmware-protocol/message.hpp"

namespace nicol::rig {

/// "link lost, interlock".
std::string describe_faults(fw::Faults faults);
/// What an over-rate means; `detector` where the board has told which.
std::string bright_light(std::optional<std::uint16_t> detector);
/// `doing`: "opening shutter 0". over_rate where that fault is latched.
Error refusal_error(const fw::Answer& refusal, const std::string& doing, const std::string& board);
/// Nothing where the board's HELLO is one that this driver can talk to.
std::optional<Error> incompatible(const fw::Hello& hello, const std::string& board);
/// A HELLO that refused ours: the board's major version is `version`.
Error refused_hello(unsigned version, const std::optional<fw::Hello>& hello, const std::string& board);

}  // namespace nicol::rig
