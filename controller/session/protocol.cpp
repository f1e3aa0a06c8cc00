// SPDX-License-Identifier: Apache-2.0
// Names of states, and proofs at compile time that the table says one thing only.
#include "controller/session/protocol.hpp"

namespace nicol::session {
namespace {

constexpr bool every_row_is_unique() {
  for (std::size_t i = 0; i < kTransitions.size(); ++i)
    for (std::size_t j = i + 1; j < kTransitions.size(); ++j) {
      const Transition &a = kTransitions[i], &b = kTransitions[j];
      if (a.side == b.side && a.state == b.state && a.frame == b.frame) return false;
    }
  return true;
}
static_assert(every_row_is_unique(), "one frame in one state must lead to one place");

constexpr bool every_type_has_a_rule() {
  for (std::size_t i = 0; i < kFrameRules.size(); ++i)
    if (static_cast<std::size_t>(kFrameRules[i].type) != i + 1) return false;
  return true;
}
static_assert(every_type_has_a_rule(), "kFrameRules follows the order of FrameType");

constexpr std::array<std::string_view, 36> kStateNames{"not started",
                                                       "waiting for hello",
                                                       "waiting for marks",
                                                       "waiting for a settlement query",
                                                       "settling a key",
                                                       "waiting for settlement",
                                                       "idle",
                                                       "asking for the receiver",
                                                       "looking after the receiver",
                                                       "waiting for the receiver",
                                                       "arming the receiver",
                                                       "emitting",
                                                       "emitting, list received",
                                                       "waiting for detections",
                                                       "receiving",
                                                       "measuring",
                                                       "measuring, her list received",
                                                       "waiting for her list",
                                                       "looking for pairs",
                                                       "waiting for pairs",
                                                       "waiting for bases",
                                                       "waiting for samples",
                                                       "answering parities",
                                                       "asking for parities",
                                                       "waiting for the hash",
                                                       "waiting for agreement",
                                                       "waiting for amplification",
                                                       "waiting for her tag",
                                                       "waiting for his tag",
                                                       "waiting for the verdict",
                                                       "waiting for confirmation",
                                                       "paused",
                                                       "waiting for the receiver to go on",
                                                       "getting ready to go on",
                                                       "ending a block early",
                                                       "closed"};
static_assert(kStateNames.size() == static_cast<std::size_t>(State::over) + 1);

}  // namespace

std::string_view to_string(State s) noexcept { return kStateNames[static_cast<std::size_t>(s)]; }

std::string_view to_string(FrameType t) noexcept {
  const FrameRule* rule = find_rule(t);
  return rule == nullptr ? "unknown frame" : rule->name;
}

}  // namespace nicol::session
