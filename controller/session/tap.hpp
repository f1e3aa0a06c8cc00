// SPDX-License-Identifier: Apache-2.0
// Who hears every call of a session before it is made, what came of it, and what was sifted: a recording, a replay.
// Without one nothing is done.
#pragma once

#include "controller/session/session.hpp"
#include "controller/sifting/sifting.hpp"

namespace nicol::session {

enum class CallKind : std::uint8_t {
  start,
  frame,
  garbage,
  timeout,
  disconnect,
  ask_ready,
  rig_ready,
  open_block,
  emission_finished,
  receiver_ready,
  hint,
  detection_finished,
  pause,
  resume,
  resumed,
  abort_block,
  goodbye,
  rig_call,
  rig_answer,
  measurement_closed,
  measurement_finished
};
inline constexpr CallKind kLastCall = CallKind::measurement_finished;

/// A call and what of its arguments is public and no consequence of the light: Clicks and hints are not in here.
struct CallMade {
  CallKind kind = CallKind::start;
  std::span<const std::uint8_t> frame{};  // frame
  std::uint64_t slot = 0;                 // pause, resume
  std::uint8_t choice = 0;                // pause: PauseReason; abort_block: BlockReason; garbage: Code
  std::string_view text{};                // rig_ready, abort_block, garbage; rig_call, rig_answer: its bytes
};

class Tap {
 public:
  virtual ~Tap() = default;
  virtual void before(const CallMade& call) noexcept = 0;
  virtual void after(const Step& step) noexcept = 0;
  /// Of the block with this index: what Bob announced, what Alice answered, and what this side sifted.
  virtual void sifted(std::uint64_t index, const sifting::DetectionList& list, const sifting::BasesReply& reply,
                      const sifting::SiftedBlock& block) = 0;
};

}  // namespace nicol::session
