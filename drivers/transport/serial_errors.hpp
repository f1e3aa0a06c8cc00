// SPDX-License-Identifier: Apache-2.0
// What went wrong when a serial port was opened, and what a person can do about it.
#pragma once

#include <string>

#include "drivers/hal/result.hpp"

namespace nicol::transport {

/// `reason` is the errno of the failed open.
Error serial_open_error(const std::string& port, int reason);
Error serial_gone(const std::string& port);

}  // namespace nicol::transport
