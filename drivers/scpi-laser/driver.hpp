// SPDX-License-Identifier: Apache-2.0
// SCPI lasers and pulse generators in the list of drivers.
#pragma once

#include "drivers/hal/registry.hpp"
#include "drivers/scpi-laser/laser_unit.hpp"
#include "drivers/transport/hub.hpp"

namespace nicol::scpi_laser {

/// Lasers (USBTMC): `serial`, `unit` = laser (default) or tec, `limit` (A, the current limit to set). Pulse generators
/// (serial line): `model` = 9530 or 9520 with `port` or `adapter` (serial number of the adapter), `baud`, `channels`,
/// `serial` (when the instrument tells none).
hal::Driver driver(transport::Hub& hub, const Timing& timing = {});

}  // namespace nicol::scpi_laser
