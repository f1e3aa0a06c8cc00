// SPDX-License-Identifier: Apache-2.0
// Elliptec mounts in the list of drivers.
#pragma once

#include "drivers/elliptec/bus.hpp"
#include "drivers/hal/registry.hpp"

namespace nicol::elliptec {

/// Arguments: `serial` (of the mount, as IN tells), `port` or `adapter` (serial number of the USB adapter), `address`.
/// Without port and adapter there must be one adapter only, or probe=1 allows to ask on all of them.
hal::Driver driver(transport::Hub& hub, const Timing& timing = {});

}  // namespace nicol::elliptec
