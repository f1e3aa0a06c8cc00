// SPDX-License-Identifier: Apache-2.0
// The list of drivers, by hand: a new one is one line in register_all.cpp and one in CMakeLists.txt.
#pragma once

#include "drivers/hal/registry.hpp"
#include "drivers/tagger-bridge/stream.hpp"
#include "drivers/transport/hub.hpp"

namespace nicol {

/// `hub` outlives the registry's devices. `seal` carries a tagger bridge over TCP; without one TCP is refused.
Result<void> register_all(hal::Registry& registry, transport::Hub& hub, tagger_bridge::SealFactory seal);

}  // namespace nicol
