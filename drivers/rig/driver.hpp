// SPDX-License-Identifier: Apache-2.0
// The rig's own boards. "driver=rig,serial=NIC001,unit=source"; units: source, tagger, shutter-0, detector-0, axis-0,
// io. Further words: port (a serial line instead of USB), slot_ps, sync_divider, width_ps, heralded=1 (source), ring
// (tagger), efficiency, dark_hz, dead_time_ns, rate_limit_hz (detector), tolerance_deg (axis), retry_ms.
#pragma once

#include "drivers/hal/registry.hpp"
#include "drivers/rig/board.hpp"
#include "drivers/transport/hub.hpp"

namespace nicol::rig {

hal::Driver driver(transport::Hub& hub, const Timing& timing = {});

}  // namespace nicol::rig
