// SPDX-License-Identifier: Apache-2.0
// The Example Shutter as a registry would know it.
#pragma once

#include "drivers/hal/registry.hpp"
#include "drivers/transport/hub.hpp"

namespace nicol::example {

/// Arguments: serial= of the USB adapter, or port=.
hal::Driver driver(transport::Hub& hub);

}  // namespace nicol::example
