// SPDX-License-Identifier: Apache-2.0
// A rig before light: every stage homed, every compensator plate at its setting; and whether it still stands there.
#pragma once

#include "drivers/hal/rig.hpp"

namespace nicol::service {

/// Homes the mount if it needs it.
Result<void> home_stage(hal::RotationStage& stage);

/// Homes every stage that is not, and turns each plate of Rig::compensator to its setting; what stands there already is
/// left alone. A plate that does not get there is homed and sent once more. Blocks up to a minute a move.
Result<void> prepare_rig(hal::Rig& rig);

/// Every compensator plate reports itself homed, settled and at its setting within its mount's tolerance. motion_fault
/// names the plate and both angles.
Result<void> confirm_compensator(const hal::Rig& rig);

/// A board that made itself safe stays so until a person says that the cause is gone: "none" is written to the property
/// "faults" of every device that has one and reports some. The first error, after all were asked.
Result<void> clear_faults(const hal::Rig& rig);

}  // namespace nicol::service
