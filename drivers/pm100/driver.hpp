// SPDX-License-Identifier: Apache-2.0
// Thorlabs power meters in the list of drivers.
#pragma once

#include "drivers/hal/registry.hpp"
#include "drivers/pm100/meter.hpp"
#include "drivers/transport/hub.hpp"

namespace nicol::pm100 {

/// Arguments: `serial`.
hal::Driver driver(transport::Hub& hub, const Timing& timing = {});

}  // namespace nicol::pm100
