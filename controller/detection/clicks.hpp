// SPDX-License-Identifier: Apache-2.0
// Clicks: tags that have been given a slot, a basis and a bit. Structure of arrays; slot numbers are public, bases and
// bits are key material.
#pragma once

#include <cstdint>
#include <vector>

#include "controller/secret/bit_string.hpp"

namespace nicol::detection {

enum class Basis : std::uint8_t { rectilinear = 0, diagonal = 1 };
inline constexpr Basis kBases[] = {Basis::rectilinear, Basis::diagonal};
constexpr Basis other(Basis b) { return b == Basis::rectilinear ? Basis::diagonal : Basis::rectilinear; }
constexpr std::size_t index(Basis b) { return static_cast<std::size_t>(b); }

/// Half-open range of slots.
struct SlotRange {
  std::uint64_t begin = 0, end = 0;
  bool operator==(const SlotRange&) const = default;
};

/// Bob's: one entry a slot that clicked (after liveness and multi-click rules). Alice's (`Prepared`): one entry a slot
/// she kept. Move-only. slots strictly increasing; bases (1 = diagonal) and bits have slots.size() bits.
struct Clicks {
  std::vector<std::uint64_t> slots;
  secret::BitString bases, bits;
  std::vector<SlotRange> dropped;  // sorted, disjoint; slots in here hold no click
};

}  // namespace nicol::detection
