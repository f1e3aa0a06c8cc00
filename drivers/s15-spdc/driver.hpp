// SPDX-License-Identifier: Apache-2.0
// S-Fifteen SPDC driver boards in the list of drivers: three devices each.
#pragma once

#include "drivers/hal/registry.hpp"
#include "drivers/s15-spdc/board.hpp"
#include "drivers/transport/hub.hpp"

namespace nicol::s15_spdc {

/// Arguments: `port` or `serial` (of the USB side); `unit` = laser (default), crystal or laser-tec; `limit` (mA, up to
/// 97: the board's current limit; the first of its devices to be made says it).
hal::Driver driver(transport::Hub& hub, const Timing& timing = {});

}  // namespace nicol::s15_spdc
