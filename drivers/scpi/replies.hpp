// SPDX-License-Identifier: Apache-2.0
// What instruments answer in SCPI, as values. Pure functions; anything may come in.
#pragma once

#include <string>
#include <string_view>

#include "drivers/hal/result.hpp"

namespace nicol::scpi {

/// Of `*IDN?`: four fields with commas between them.
struct Identity {
  std::string vendor, model, serial, firmware;
};
/// protocol when vendor, model or serial number is missing.
Result<Identity> parse_identity(std::string_view reply);

/// protocol for what is no number, and for the instrument's own "not a number" and "overflow" (9.9E37 and above).
Result<double> parse_number(std::string_view reply);
/// 0, 1, ON, OFF.
Result<bool> parse_flag(std::string_view reply);

/// An entry of the instrument's error queue; number 0 says that the queue is empty.
struct QueuedError {
  int number = 0;
  std::string text;
};
Result<QueuedError> parse_queued_error(std::string_view reply);
/// The Error that a command ends with when the instrument has queued this about it.
Error refusal(const QueuedError& queued, std::string_view command);

}  // namespace nicol::scpi
