// SPDX-License-Identifier: Apache-2.0
// What makes the pairs, where it stands beside Alice: a crystal in an oven, and its pump. At a third place it is not
// hers, and none of this finds anything.
#pragma once

#include "drivers/hal/rig.hpp"

namespace nicol::service {

/// The device whose emission is this side's light: a source of slots, else the pump of a pair source, else none.
hal::PhotonSource* light_source(const hal::Rig& rig);
/// Oven on. busy until it is warm; waits for that a fifth of a second at most, so it is asked again.
Result<void> warm_oven(hal::Rig& rig);
/// Pump at the level of single photons. It must be armed.
Result<void> light_pairs(hal::Rig& rig);
/// No pair leaves; the pump stays armed.
void rest_pairs(hal::Rig& rig) noexcept;
/// Dark at once and disarmed.
void dark_pairs(hal::Rig& rig) noexcept;

}  // namespace nicol::service
