// SPDX-License-Identifier: Apache-2.0
// The list of drivers, by hand: a new one is one line in register_all.cpp and one in CMakeLists.txt.
#pragma once

#include "drivers/hal/registry.hpp"
#include "drivers/transport/hub.hpp"

namespace nicol {

/// `hub` outlives the registry's devices.
Result<void> register_all(hal::Registry& registry, transport::Hub& hub);

}  // namespace nicol
