// SPDX-License-Identifier: Apache-2.0
// Parities of ranges of packed words. The range is public, the words are not.
#include "controller/distillation/cascade_parities.hpp"

#include <algorithm>

namespace nicol::distillation::detail {

namespace {

using Words = std::span<const std::uint64_t>;

/// By folding: popcount without its instruction is a table indexed by key bits.
bool parity(std::uint64_t word) {
  for (const unsigned shift : {32u, 16u, 8u, 4u, 2u, 1u}) word ^= word >> shift;
  return (word & 1) != 0;
}

/// Positions begin..end-1, of those the ones where the mask (all of them where empty) is 1.
bool range_parity(Words words, Words mask, std::uint32_t begin, std::uint32_t end) {
  const std::size_t first = begin / 64, last = (end - 1) / 64;
  const auto word = [&](std::size_t i) { return mask.empty() ? words[i] : words[i] & mask[i]; };
  const std::uint64_t from = ~std::uint64_t{0} << (begin % 64), to = ~std::uint64_t{0} >> (63 - (end - 1) % 64);
  if (first == last) return parity(word(first) & from & to);
  std::uint64_t sum = (word(first) & from) ^ (word(last) & to);
  const std::uint64_t* w = words.data();
  if (mask.empty()) {
    for (std::size_t i = first + 1; i < last; ++i) sum ^= w[i];
  } else {
    const std::uint64_t* m = mask.data();
    for (std::size_t i = first + 1; i < last; ++i) sum ^= w[i] & m[i];
  }
  return parity(sum);
}

bool parity_of(Words words, const ParityRange& range, PassOrders& orders) {
  if (range.pass < kShuffledPasses) return range_parity(words, {}, range.begin, range.end);
  const Subset& subset = orders.subset(range.pass);
  return range_parity(words, subset.mask(), subset.position(range.begin), subset.position(range.end - 1) + 1);
}

}  // namespace

const BitString& ParityTables::source(std::uint32_t pass, PassOrders& orders) {
  if (pass == 0 || pass >= kShuffledPasses) return copies_[0];
  if (copies_[pass].empty()) copies_[pass] = copies_[0].permuted(orders.shuffled(pass));
  return copies_[pass];
}

PublicBits ParityTables::parities(std::span<const ParityRange> ranges, PassOrders& orders) {
  PublicBits result(ranges.size());
  for (std::size_t begin = 0; begin < ranges.size();) {
    const std::uint32_t pass = ranges[begin].pass;
    std::size_t end = begin;
    while (end < ranges.size() && ranges[end].pass == pass) ++end;
    source(pass, orders).with_read([&](Words words) {
      for (std::size_t i = begin; i < end; ++i) result.set(i, parity_of(words, ranges[i], orders));
    });
    begin = end;
  }
  return result;
}

void ParityTables::invert(std::span<const std::uint32_t> positions, PassOrders& orders) {
  if (positions.empty()) return;
  for (std::uint32_t pass = 0; pass < kShuffledPasses; ++pass) {
    if (copies_[pass].empty()) continue;
    copies_[pass].with_write([&](std::span<std::uint64_t> words) {
      for (const std::uint32_t position : positions) {
        const std::uint32_t place = *orders.place(pass, position);
        words[place / 64] ^= std::uint64_t{1} << (place % 64);
      }
    });
  }
}

}  // namespace nicol::distillation::detail
