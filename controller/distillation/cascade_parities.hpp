// SPDX-License-Identifier: Apache-2.0
// One side's bits as Cascade's passes see them, in locked memory, and the parities of their ranges.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "controller/distillation/cascade.hpp"
#include "controller/distillation/cascade_orders.hpp"

namespace nicol::distillation::detail {

/// Holds the raw key and a packed copy for each shuffled pass in use (n/8 bytes each, made when it is first asked). A
/// parity is the XOR of its words: no time depends on the bits.
class ParityTables {
 public:
  explicit ParityTables(BitString raw) { copies_[0] = std::move(raw); }
  /// Ranges must lie inside their passes; best sorted by pass.
  PublicBits parities(std::span<const ParityRange> ranges, PassOrders& orders);
  /// Inverts these positions in every copy.
  void invert(std::span<const std::uint32_t> positions, PassOrders& orders);
  BitString take() && { return std::move(copies_[0]); }

 private:
  const BitString& source(std::uint32_t pass, PassOrders& orders);
  std::array<BitString, kShuffledPasses> copies_;  // [0] is the raw key itself
};

}  // namespace nicol::distillation::detail
