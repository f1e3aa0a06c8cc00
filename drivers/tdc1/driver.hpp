// SPDX-License-Identifier: Apache-2.0
// The S-Fifteen TDC1 as the registry knows it.
#pragma once

#include "drivers/hal/registry.hpp"
#include "drivers/transport/hub.hpp"

namespace nicol::tdc1 {

/// Arguments: serial= or port=; level=NIM|TTL|<volts>, clock=automatic|external|internal, watch=in_stream|at_stop,
/// terminator=once|twice. With probe=1 every CDC port is opened and asked for its name.
hal::Driver driver(transport::Hub& hub);

}  // namespace nicol::tdc1
