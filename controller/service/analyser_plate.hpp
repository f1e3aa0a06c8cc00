// SPDX-License-Identifier: Apache-2.0
// The motorised half-wave plate of a node (role "waveplate"): homed before a block, turned slot by slot.
#pragma once

#include "drivers/hal/rig.hpp"

namespace nicol::service {

/// Homes the mount if it needs it; nothing where the rig has none.
Result<void> home_plate(hal::Rig& rig);
/// Optical angle of the fast axis; settled and read back when it returns. not_found where the rig has no plate.
Result<void> turn_plate(hal::Rig& rig, Angle fast_axis);

}  // namespace nicol::service
