// SPDX-License-Identifier: Apache-2.0
// Lines that change one frame: what a man in the middle can do to a session, each as a function of frames.
#pragma once

#include <string>

#include "tests/unit/session/two_nodes.hpp"

namespace nicol::test {

/// Acts on the first frame of this type; every other frame passes.
inline Line on_first(FrameType type, Line act) {
  return [type, act = std::move(act), done = false](Bytes frame) mutable -> std::vector<Bytes> {
    if (done || header_of(frame).type != type) return {std::move(frame)};
    done = true;
    return act(std::move(frame));
  };
}
inline Line drop_first(FrameType type) {
  return on_first(type, [](const Bytes&) { return std::vector<Bytes>{}; });
}
/// From the first frame of this type on nothing passes, in either direction.
inline Line cut_from(FrameType type) {
  return [type, cut = false](Bytes frame) mutable -> std::vector<Bytes> {
    cut = cut || header_of(frame).type == type;
    if (cut) return {};
    return {std::move(frame)};
  };
}
/// byte counts from the frame's end when negative.
inline Line flip_first(FrameType type, std::ptrdiff_t byte) {
  return on_first(type, [byte](Bytes frame) {
    const auto at = byte < 0 ? static_cast<std::ptrdiff_t>(frame.size()) + byte : byte;
    frame.at(static_cast<std::size_t>(at)) ^= 1;
    return std::vector<Bytes>{std::move(frame)};
  });
}
inline Line duplicate_first(FrameType type) {
  return on_first(type, [](const Bytes& frame) { return std::vector<Bytes>{frame, frame}; });
}

inline bool saw(const TwoNodes& nodes, FrameType type) {
  for (const FrameType seen : nodes.types_seen())
    if (seen == type) return true;
  return false;
}

inline std::string type_name(FrameType type) { return std::string(session::to_string(type)); }

}  // namespace nicol::test
