// SPDX-License-Identifier: Apache-2.0
// CQT FX2 timestamp cards in the list of drivers.
#pragma once

#include "drivers/hal/registry.hpp"
#include "drivers/transport/hub.hpp"

namespace nicol::cqt_fx2 {

/// Arguments: `serial`; `threshold` and `skew` (0..4095, of the card's converter), `reference` (internal, external),
/// `phases` (the board's table "pattern:sixteenths,…"; without it times are steps of 2 ns).
hal::Driver driver(transport::Hub& hub);

}  // namespace nicol::cqt_fx2
