// SPDX-License-Identifier: Apache-2.0
// The peer's rig as a routine sees it: its source and shutter, each call a RIG_CALL that waits for its answer.
#pragma once

#include <functional>
#include <memory>

#include "controller/service/rig_call.hpp"

namespace nicol::service {

/// Sends one call and waits for its answer: busy, timeout, disconnected, or what the peer says.
using AskPeer = std::function<Result<RigAnswer>(RigCall call)>;

/// Used from the routine's thread alone. Its devices are gone with the link: every call says so.
std::unique_ptr<hal::Rig> make_remote_rig(AskPeer ask);

}  // namespace nicol::service
