// SPDX-License-Identifier: Apache-2.0
// Newport one-axis controllers in the list of drivers.
#pragma once

#include "drivers/hal/registry.hpp"
#include "drivers/newport/controller.hpp"
#include "drivers/transport/hub.hpp"

namespace nicol::newport {

/// Arguments: `port` or `adapter` (serial number of the USB adapter); `model` = conex-cc (default) or smc100; `address`
/// (axis number, default 1); `serial`, because these controllers tell none: default is the adapter's.
hal::Driver driver(transport::Hub& hub, const Timing& timing = {});

}  // namespace nicol::newport
