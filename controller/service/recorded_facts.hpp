// SPDX-License-Identifier: Apache-2.0
// What a recording says of the node itself and of each of its connections: enough to make light's and session's
// machines again, and no secret.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <vector>

#include "controller/session/session.hpp"
#include "drivers/hal/rig.hpp"

namespace nicol::service {

using RecordedBytes = std::vector<std::uint8_t>;
using RecordedSpan = std::span<const std::uint8_t>;

/// Once, at the begin.
struct NodeFacts {
  session::Side side = session::Side::alice;
  std::uint64_t clicks_per_block = 0, arena_bytes = 0;
  bool heralded = false;  // Alice's slots count with a herald only
  hal::ReceiverKind receiver = hal::ReceiverKind::none;
  TickLength tick;                            // of the tagger
  hal::TimingLayout timing;                   // of the rig
  std::array<std::uint8_t, 32> digest_key{};  // of this recording's key digests
};
RecordedBytes encode(const NodeFacts& facts);
/// bad_input naming the field.
Result<NodeFacts> decode_node_facts(RecordedSpan bytes);

/// At each connection.
RecordedBytes encode(const session::SessionConfig& config);
Result<session::SessionConfig> decode_session_config(RecordedSpan bytes);

/// What a block came to, as both a recording and its replay say it: compared byte for byte.
RecordedBytes encode(const session::BlockResult& result);

}  // namespace nicol::service
