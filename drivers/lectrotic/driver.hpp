// SPDX-License-Identifier: Apache-2.0
// The LectroTIC-4 as the registry knows it.
#pragma once

#include "drivers/hal/registry.hpp"
#include "drivers/transport/hub.hpp"

namespace nicol::lectrotic {

/// Arguments: serial= or port=. Found by its USB identity 1209:71c4.
hal::Driver driver(transport::Hub& hub);

}  // namespace nicol::lectrotic
