// SPDX-License-Identifier: Apache-2.0
// Thorlabs APT controllers on USB: rotating mounts, fibre paddles, flip mirrors.
#pragma once

#include "drivers/hal/registry.hpp"
#include "drivers/transport/hub.hpp"

namespace nicol::apt {

/// Arguments: serial or port; closed=1|2 (flip mirrors: which position blocks the light, default 1); backlash (deg,
/// what a Waveplate takes out, default 0); model, where the serial number does not tell it (K10CR2); settle_ms (of RTS
/// when the port opens, default 50).
hal::Driver driver(transport::Hub& hub);

}  // namespace nicol::apt
