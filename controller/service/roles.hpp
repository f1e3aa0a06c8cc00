// SPDX-License-Identifier: Apache-2.0
// The roles that devices play in a rig: which exist, on which side, for which kind of device, and which stand in the
// light while a block is open.
#pragma once

#include <string>
#include <string_view>

#include "controller/session/session.hpp"
#include "drivers/hal/rig.hpp"

namespace nicol::service {

/// The role ("tagger", "detector-2") exists on this side, whatever the link shares; else what is expected instead.
Result<void> check_role(session::Side side, std::string_view role);
/// The same, on a link of this protocol.
Result<void> check_role(session::Side side, session::Protocol protocol, std::string_view role);

/// The same at a source of its own place, which has no side; and what it cannot do without.
Result<void> check_source_role(std::string_view role);
Result<void> check_source_cast(const hal::Rig& rig);

/// The device is of the kind that its role asks for. bad_input names both.
Result<void> check_player(std::string_view role, const hal::Device& device);

/// Every role that this side cannot do without has a device: source or tagger, what rig.compensator names. Pairs: a
/// passive receiver and a tagger with its channels on either side; Alice's pump and oven where the source is hers, and
/// neither where it stands at a third place.
Result<void> check_cast(session::Side side, session::Protocol protocol, const hal::Rig& rig);

/// A shutter that the node opens for a block ("shutter"; a flip mirror has a role of its own).
bool opens_for_light(const hal::Rig::Entry& entry) noexcept;
/// A detector that the node switches on for a block: "detector-N" of a receiver. Alice's heralds come by themselves.
bool counts_light(const hal::Rig& rig, const hal::Rig::Entry& entry) noexcept;

}  // namespace nicol::service
