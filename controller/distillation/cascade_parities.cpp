// SPDX-License-Identifier: Apache-2.0
// Parities of ranges of packed words. The range is public, the words are not.
#include "controller/distillation/cascade_parities.hpp"

#include <algorithm>

#include "controller/secret/bit_ops.hpp"

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

ParityTables::ParityTables(BitString raw)
    : bits_(raw.size()), stride_(secret::words_for(raw.size())), region_(kShuffledPasses * stride_ * 8) {
  region_.with_write([&](std::span<std::byte> memory) {
    raw.with_read(
        [&](std::span<const std::uint64_t> words) { std::copy(words.begin(), words.end(), words_of(memory).begin()); });
  });
}

BitString ParityTables::take() && {
  BitString raw(bits_);
  region_.with_write([&](std::span<std::byte> memory) {
    raw.with_write(
        [&](std::span<std::uint64_t> words) { std::copy_n(words_of(memory).begin(), words.size(), words.begin()); });
  });
  region_.wipe();
  return raw;
}

void ParityTables::prepare(std::span<std::uint64_t> region, std::uint32_t pass, PassOrders& orders) {
  if (pass >= kShuffledPasses || made_[pass]) return;
  prepare(region, pass - 1, orders);
  secret::bits::gather(copy(region, pass - 1), orders.shuffle().positions(), copy(region, pass), 0);
  made_[pass] = true;
}

PublicBits ParityTables::parities(std::span<std::uint64_t> region, std::span<const ParityRange> ranges,
                                  PassOrders& orders) {
  PublicBits result(ranges.size());
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    const std::uint32_t pass = ranges[i].pass;
    prepare(region, pass, orders);
    result.set(i, parity_of(copy(region, pass < kShuffledPasses ? pass : 0), ranges[i], orders));
  }
  return result;
}

PublicBits ParityTables::parities(std::span<const ParityRange> ranges, PassOrders& orders) {
  PublicBits result;
  round(ranges, orders, [&](PublicBits parities) {
    result = std::move(parities);
    return std::span<const std::uint32_t>();
  });
  if (made_.back()) orders.forget_shuffle();
  return result;
}

void ParityTables::invert(std::span<std::uint64_t> region, std::span<const std::uint32_t> positions,
                          PassOrders& orders) {
  for (std::uint32_t pass = 0; pass < kShuffledPasses; ++pass) {
    if (!made_[pass]) continue;
    const auto words = copy(region, pass);
    for (const std::uint32_t position : positions) {
      const std::uint32_t place = *orders.place(pass, position);
      words[place / 64] ^= std::uint64_t{1} << (place % 64);
    }
  }
}

}  // namespace nicol::distillation::detail
