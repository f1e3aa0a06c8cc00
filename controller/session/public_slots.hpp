// SPDX-License-Identifier: Apache-2.0
// The slots whose states everybody knows: agreed like every parameter of a block, and no key on either side, by rule.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "controller/detection/clock/public_pattern.hpp"

namespace nicol::session {

/// What of a detection::PatternLayout the two nodes agree on; the block gives the rest (its length, and its number as
/// the seed: public, and never that of a block before).
struct PublicSlots {
  std::uint64_t preamble = 0, repeat = 0, tail = 0;
  std::uint32_t spacing = 32;
  detection::Basis basis = detection::Basis::rectilinear;
  bool operator==(const PublicSlots&) const = default;
};

/// out_of_range: the block cannot hold them.
Result<detection::PublicPattern> pattern_for(const PublicSlots& slots, std::uint64_t block, std::uint64_t block_slots);
/// For refusals: every field by name, or "none".
std::string to_string(const std::optional<PublicSlots>& slots);

}  // namespace nicol::session
