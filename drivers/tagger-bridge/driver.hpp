// SPDX-License-Identifier: Apache-2.0
// Taggers behind a bridge program, as the registry knows them.
#pragma once

#include "drivers/hal/registry.hpp"
#include "drivers/tagger-bridge/stream.hpp"
#include "drivers/transport/hub.hpp"

namespace nicol::tagger_bridge {

/// Arguments: address=unix:PATH or address=tcp:HOST:PORT with key=FILE; serial= to insist on one tagger. Without a
/// factory TCP is refused. find() lists the sockets in $XDG_RUNTIME_DIR/nicol that end in ".tagger"; with probe=1 it
/// connects and asks for the serial number.
hal::Driver driver(transport::Hub& hub, SealFactory seal);

}  // namespace nicol::tagger_bridge
