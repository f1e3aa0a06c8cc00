// SPDX-License-Identifier: Apache-2.0
// The exit codes others script against.
#pragma once

#include "drivers/hal/result.hpp"

namespace nicol::app {

enum class Exit : int { done = 0, failed = 1, bad_input = 2, security = 3 };

/// Prints "nicol: …" on stderr and says which exit code an error deserves.
Exit complain(const Error& error);

}  // namespace nicol::app
