// SPDX-License-Identifier: Apache-2.0
// The protocol as a table: which frame a side takes in which state and where that leads, what every frame carries at
// its end, and how long a state waits. What a handler decides against the table's `next` is said in its row.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "controller/session/frames.hpp"
#include "controller/sifting/sifting.hpp"

namespace nicol::session {

using sifting::Side;

/// A state is named for what it waits for: "x_wait" waits for the peer, the others for this side's own node.
enum class State : std::uint8_t {
  fresh,
  hello_wait,
  marks_wait,
  query_wait,
  answer_wait,
  done_wait,
  idle,
  rig_wait,  // Alice has asked whether Bob's rig stands; nothing is reserved yet
  looking,   // Bob finds out
  ready_wait,
  arming,
  emitting,
  emitting_listed,  // D is in and its tag verified while her light is still going out
  list_wait,
  receiving,
  measuring,         // pairs: the own detectors are open (both sides)
  measuring_listed,  // Bob has her list, its tag verified, while his own are still open
  closed_wait,       // Bob waits for her list
  matching,          // Bob looks for the pairs in both lists
  pairs_wait,        // Alice waits for them
  bases_wait,
  samples_wait,
  ask_wait,
  parity_wait,
  verify_wait,
  verified_wait,
  amplify_wait,
  transcript_wait,
  accept_wait,
  verdict_wait,
  confirm_wait,
  paused,       // no light: a device of either side is away or in doubt
  resume_wait,  // Alice has said where light goes on
  resuming,     // Bob knows it and gets his rig ready
  aborting,
  over
};
std::string_view to_string(State s) noexcept;

/// What stands behind the payload and is excluded from every hash: a one-time tag or the service MAC.
enum class Trailer : std::uint8_t { none, one_time_tag, service_mac };

struct FrameRule {
  FrameType type;
  std::string_view name;
  Trailer trailer;
  std::uint64_t max_payload;  // bytes, stamp and trailer included
};
inline constexpr std::array<FrameRule, 30> kFrameRules{{
    {FrameType::hello, "HELLO", Trailer::none, 1u << 10},
    {FrameType::marks, "MARKS", Trailer::service_mac, 1u << 10},
    {FrameType::settle_query, "SETTLE_QUERY", Trailer::one_time_tag, 1u << 8},
    {FrameType::settle_answer, "SETTLE_ANSWER", Trailer::one_time_tag, 1u << 8},
    {FrameType::settle_done, "SETTLE_DONE", Trailer::service_mac, 1u << 8},
    {FrameType::block_open, "BLOCK_OPEN", Trailer::service_mac, 1u << 10},
    {FrameType::block_ready, "BLOCK_READY", Trailer::service_mac, 1u << 8},
    {FrameType::hint, "HINT", Trailer::none, 16u << 20},
    {FrameType::detections, "DETECTIONS", Trailer::one_time_tag, kMaxPayload},
    {FrameType::bases, "BASES", Trailer::none, 16u << 20},
    {FrameType::samples, "SAMPLES", Trailer::none, 16u << 20},
    {FrameType::parity_ask, "PARITY_ASK", Trailer::none, 16u << 20},
    {FrameType::parity_answer, "PARITY_ANSWER", Trailer::none, 4u << 20},
    {FrameType::reconciled, "RECONCILED", Trailer::none, 1u << 8},
    {FrameType::verify, "VERIFY", Trailer::none, 1u << 8},
    {FrameType::verified, "VERIFIED", Trailer::none, 1u << 8},
    {FrameType::amplify, "AMPLIFY", Trailer::none, 16u << 20},
    {FrameType::transcript_tag, "TRANSCRIPT_TAG", Trailer::one_time_tag, 1u << 8},
    {FrameType::accept_tag, "ACCEPT_TAG", Trailer::one_time_tag, 1u << 8},
    {FrameType::verdict, "VERDICT", Trailer::one_time_tag, 1u << 8},
    {FrameType::abort_block, "ABORT", Trailer::none, 1u << 10},
    {FrameType::goodbye, "GOODBYE", Trailer::none, 1u << 8},
    {FrameType::pause, "PAUSE", Trailer::none, 1u << 8},
    {FrameType::resume, "RESUME", Trailer::none, 1u << 8},
    {FrameType::resume_ready, "RESUME_READY", Trailer::none, 1u << 8},
    {FrameType::ask_ready, "ASK_READY", Trailer::service_mac, 1u << 8},
    {FrameType::rig_ready, "RIG_READY", Trailer::service_mac, 1u << 10},
    {FrameType::closed, "CLOSED", Trailer::one_time_tag, kMaxPayload},
    {FrameType::rig_call, "RIG_CALL", Trailer::service_mac, 1u << 20},
    {FrameType::rig_answer, "RIG_ANSWER", Trailer::service_mac, 1u << 16},
}};
/// nullptr for a type that does not exist.
constexpr const FrameRule* find_rule(FrameType type) noexcept {
  for (const FrameRule& rule : kFrameRules)
    if (rule.type == type) return &rule;
  return nullptr;
}

/// A frame that may come in this state, and the state after it unless its handler ends the block or the connection.
/// ABORT and GOODBYE are legal everywhere after HELLO and have no row.
struct Transition {
  Side side;
  State state;
  FrameType frame;
  State next;
};
namespace table {
inline constexpr auto A = Side::alice, B = Side::bob;
inline constexpr std::array<Transition, 52> kTransitions{{
    // contact: both sides know each other, hold the same marks, and no key is in doubt
    {A, State::hello_wait, FrameType::hello, State::marks_wait},
    {B, State::hello_wait, FrameType::hello, State::marks_wait},
    {A, State::marks_wait, FrameType::marks, State::idle},  // query_wait when Bob holds a key in doubt
    {B, State::marks_wait, FrameType::marks, State::idle},  // answer_wait likewise
    {A, State::query_wait, FrameType::settle_query, State::done_wait},
    {B, State::answer_wait, FrameType::settle_answer, State::idle},
    {A, State::done_wait, FrameType::settle_done, State::idle},
    // a block costs pads: a rig that is not ready is asked first
    {B, State::idle, FrameType::ask_ready, State::looking},
    {A, State::rig_wait, FrameType::rig_ready, State::idle},
    // calibration: the peer's rig is used between blocks, one call at a time; what crosses an opening is answered still
    {A, State::idle, FrameType::rig_call, State::idle},
    {B, State::idle, FrameType::rig_call, State::idle},
    {A, State::idle, FrameType::rig_answer, State::idle},
    {B, State::idle, FrameType::rig_answer, State::idle},
    {A, State::rig_wait, FrameType::rig_call, State::rig_wait},
    {A, State::ready_wait, FrameType::rig_call, State::ready_wait},
    {B, State::arming, FrameType::rig_answer, State::arming},
    // light
    {B, State::idle, FrameType::block_open, State::arming},
    {A, State::ready_wait, FrameType::block_ready, State::emitting},  // measuring where pairs are shared
    {A, State::emitting, FrameType::hint, State::emitting},
    {A, State::list_wait, FrameType::hint, State::list_wait},
    {A, State::emitting, FrameType::detections, State::emitting_listed},
    {A, State::list_wait, FrameType::detections, State::samples_wait},
    // pairs: both have measured and her list is bound before his bases leave, his before hers
    {B, State::measuring, FrameType::closed, State::measuring_listed},
    {B, State::closed_wait, FrameType::closed, State::matching},
    {A, State::pairs_wait, FrameType::detections, State::samples_wait},
    // a pause of the light, asked for by either side; what crosses it on the wire is legal until the answer is in
    {A, State::emitting, FrameType::pause, State::paused},
    {A, State::paused, FrameType::pause, State::paused},
    {A, State::resume_wait, FrameType::pause, State::resume_wait},
    {A, State::list_wait, FrameType::pause, State::list_wait},  // answered at once: her light is over
    {A, State::paused, FrameType::hint, State::paused},
    {A, State::resume_wait, FrameType::hint, State::resume_wait},
    {A, State::paused, FrameType::detections, State::emitting_listed},  // he had closed: nothing is left to emit
    {A, State::resume_wait, FrameType::detections, State::emitting_listed},
    {A, State::resume_wait, FrameType::resume_ready, State::emitting},
    {A, State::list_wait, FrameType::resume_ready, State::list_wait},
    {B, State::receiving, FrameType::pause, State::paused},
    {B, State::paused, FrameType::pause, State::paused},
    {B, State::paused, FrameType::resume, State::resuming},
    {B, State::bases_wait, FrameType::pause, State::bases_wait},  // he had closed already: his list is on its way
    {B, State::bases_wait, FrameType::resume, State::bases_wait},
    // sifting, estimation
    {B, State::bases_wait, FrameType::bases, State::parity_wait},   // transcript_wait when the sample says no
    {A, State::samples_wait, FrameType::samples, State::ask_wait},  // idle likewise
    // reconciliation
    {A, State::ask_wait, FrameType::parity_ask, State::ask_wait},
    {B, State::parity_wait, FrameType::parity_answer, State::parity_wait},  // verify_wait when nothing is left to ask
    {A, State::ask_wait, FrameType::reconciled, State::verified_wait},
    // verification, amplification
    {B, State::verify_wait, FrameType::verify, State::amplify_wait},     // transcript_wait when the tags differ
    {A, State::verified_wait, FrameType::verified, State::accept_wait},  // idle when they differ, or without a key
    {B, State::amplify_wait, FrameType::amplify, State::transcript_wait},
    // the tags that make it a key
    {B, State::transcript_wait, FrameType::transcript_tag, State::verdict_wait},  // idle without a key
    {A, State::accept_wait, FrameType::accept_tag, State::confirm_wait},
    {B, State::verdict_wait, FrameType::verdict, State::idle},
    {A, State::confirm_wait, FrameType::settle_done, State::idle},
}};
}  // namespace table
using table::kTransitions;
constexpr std::optional<State> next_state(Side side, State state, FrameType frame) noexcept {
  for (const Transition& row : kTransitions)
    if (row.side == side && row.state == state && row.frame == frame) return row.next;
  return std::nullopt;
}

/// What this side's own node may tell the session in which state; a call elsewhere came too late and does nothing.
enum class Call : std::uint8_t {
  ask_ready,
  rig_ready,
  rig_call,
  rig_answer,
  open_block,
  emission_finished,
  receiver_ready,
  hint,
  detection_finished,
  measurement_closed,
  measurement_finished,
  pause,
  resume,
  resumed
};
struct CallTransition {
  Side side;
  State state;
  Call call;
  State next;
};
inline constexpr std::array<CallTransition, 22> kCalls{{
    {Side::alice, State::idle, Call::ask_ready, State::rig_wait},
    {Side::bob, State::looking, Call::rig_ready, State::idle},
    {Side::alice, State::idle, Call::rig_call, State::idle},
    {Side::bob, State::idle, Call::rig_call, State::idle},
    {Side::alice, State::idle, Call::rig_answer, State::idle},
    {Side::bob, State::idle, Call::rig_answer, State::idle},
    {Side::alice, State::rig_wait, Call::rig_answer, State::rig_wait},
    {Side::alice, State::ready_wait, Call::rig_answer, State::ready_wait},
    {Side::alice, State::idle, Call::open_block, State::ready_wait},
    {Side::alice, State::emitting, Call::emission_finished, State::list_wait},
    {Side::alice, State::emitting_listed, Call::emission_finished, State::samples_wait},
    {Side::bob, State::arming, Call::receiver_ready, State::receiving},  // measuring where pairs are shared
    {Side::bob, State::receiving, Call::hint, State::receiving},
    {Side::bob, State::receiving, Call::detection_finished, State::bases_wait},
    {Side::alice, State::measuring, Call::measurement_closed, State::pairs_wait},
    {Side::bob, State::measuring, Call::measurement_finished, State::closed_wait},
    {Side::bob, State::measuring_listed, Call::measurement_finished, State::matching},
    {Side::bob, State::matching, Call::detection_finished, State::bases_wait},
    {Side::alice, State::emitting, Call::pause, State::paused},
    {Side::bob, State::receiving, Call::pause, State::paused},
    {Side::alice, State::paused, Call::resume, State::resume_wait},
    {Side::bob, State::resuming, Call::resumed, State::receiving},
}};
constexpr std::optional<State> next_state(Side side, State state, Call call) noexcept {
  for (const CallTransition& row : kCalls)
    if (row.side == side && row.state == state && row.call == call) return row.next;
  return std::nullopt;
}

/// At most so many pauses of one block, of either side.
inline constexpr std::uint32_t kMaxPauses = 64;

/// Which patience a state has: none where this side's own node is at work or nothing is owed. A pause has one for all
/// of its states together.
enum class Patience : std::uint8_t { endless, light, reply, pause };
constexpr Patience patience(State state) noexcept {
  switch (state) {
    case State::fresh:
    case State::idle:
    case State::looking:
    case State::arming:
    case State::emitting:
    case State::emitting_listed:
    case State::receiving:
    case State::measuring:
    case State::measuring_listed:
    case State::matching:
    case State::over:
      return Patience::endless;
    case State::rig_wait:
    case State::ready_wait:
    case State::list_wait:
    case State::closed_wait:
    case State::pairs_wait:
    case State::bases_wait:
      return Patience::light;
    case State::paused:
    case State::resume_wait:
    case State::resuming:
      return Patience::pause;
    default:
      return Patience::reply;
  }
}

}  // namespace nicol::session
