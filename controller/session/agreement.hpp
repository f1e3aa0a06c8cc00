// SPDX-License-Identifier: Apache-2.0
// Who may talk to whom: a peer whose HELLO or BLOCK_OPEN is weaker than this side's config is refused, by name of the
// field and with both values.
#pragma once

#include <optional>
#include <string>

#include "controller/session/messages.hpp"

namespace nicol::session {

/// The first field in which `theirs` is weaker than `mine` (or differs where there is no weaker), with both values.
std::optional<std::string> weaker(const Agreement& theirs, const Agreement& mine);
/// As weaker(), for everything a HELLO says.
std::optional<std::string> refusal(const Hello& theirs, const Hello& mine);
/// The config cannot work at all (tag length not 32..128 in whole bytes, pools of another class, …).
std::optional<std::string> unusable(const SessionConfig& config, distillation::Origin pool_class);

/// Ticks of CLOSED that a block of pairs can touch (it need not begin on one); 0 where that is no sensible number
/// (nothing, or longer than 2^62 ps).
std::uint64_t closed_ticks(const Agreement& agreement);

/// What the length of a block is computed from: Alice's word on the source, Bob's on the receiver.
distillation::LengthInputs length_inputs(const Agreement& agreement, const Hello& alice, const Hello& bob);

}  // namespace nicol::session
