// SPDX-License-Identifier: Apache-2.0
// One side's bits as Cascade's passes see them, in locked memory, and the parities of their ranges.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "controller/distillation/cascade.hpp"
#include "controller/distillation/cascade_orders.hpp"

namespace nicol::distillation::detail {

/// Holds the raw key and a packed copy for each shuffled pass in one locked region, opened once a round; a copy is made
/// when its pass is first asked. A parity is the XOR of its words: no time depends on the bits.
class ParityTables {
 public:
  explicit ParityTables(BitString raw);

  /// Ranges must lie inside their passes. f(parities) returns the positions to invert in every copy.
  template <class F>
  void round(std::span<const ParityRange> ranges, PassOrders& orders, F&& f) {
    region_.with_write([&](std::span<std::byte> memory) {
      const Words words = words_of(memory);
      invert(words, std::forward<F>(f)(parities(words, ranges, orders)), orders);
    });
  }
  /// For the side that corrects nothing: the shuffle is forgotten once all copies are made.
  PublicBits parities(std::span<const ParityRange> ranges, PassOrders& orders);
  BitString take() &&;

 private:
  using Words = std::span<std::uint64_t>;
  static Words words_of(std::span<std::byte> memory) {
    return {reinterpret_cast<std::uint64_t*>(memory.data()), memory.size() / sizeof(std::uint64_t)};
  }
  Words copy(Words region, std::uint32_t pass) const { return region.subspan(pass * stride_, stride_); }
  void prepare(Words region, std::uint32_t pass, PassOrders& orders);
  PublicBits parities(Words region, std::span<const ParityRange> ranges, PassOrders& orders);
  void invert(Words region, std::span<const std::uint32_t> positions, PassOrders& orders);

  std::size_t bits_, stride_;  // words of one copy
  secret::LockedKey region_;   // kShuffledPasses copies, [0] is the raw key itself
  std::array<bool, kShuffledPasses> made_{true, false, false};
};

}  // namespace nicol::distillation::detail
