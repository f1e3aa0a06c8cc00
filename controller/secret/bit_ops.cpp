// SPDX-License-Identifier: Apache-2.0
// Shifts, copies, parities and gathers of bit strings.
#include "controller/secret/bit_ops.hpp"

#include <algorithm>
#include <bit>

namespace nicol::secret::bits {
namespace {

// 64 bits from any bit offset; what lies beyond the end reads as zero.
std::uint64_t load(ConstWords from, std::size_t bit) noexcept {
  const std::size_t word = bit / 64, shift = bit % 64;
  const std::uint64_t low = from[word] >> shift;
  if (shift == 0 || word + 1 >= from.size()) return low;
  return low | from[word + 1] << (64 - shift);
}

void merge(std::uint64_t& word, std::uint64_t value, std::uint64_t mask) noexcept {
  word = (word & ~mask) | (value & mask);
}

}  // namespace

void clear_tail(Words words, std::size_t size) noexcept {
  if (size % 64 != 0) words[size / 64] &= low_mask(size % 64);
}

std::uint64_t parity(ConstWords words) noexcept {
  std::uint64_t all = 0;
  for (const std::uint64_t w : words) all ^= w;
  for (unsigned shift = 32; shift > 0; shift /= 2) all ^= all >> shift;
  return all & 1;
}

void copy(ConstWords from, std::size_t from_bit, Words to, std::size_t to_bit, std::size_t count) noexcept {
  if (count == 0) return;
  std::size_t word = to_bit / 64;
  if (const std::size_t offset = to_bit % 64; offset != 0) {
    const std::size_t head = std::min(count, 64 - offset);
    merge(to[word++], load(from, from_bit) << offset, low_mask(head) << offset);
    from_bit += head;
    count -= head;
  }
  for (; count >= 64; count -= 64, from_bit += 64) to[word++] = load(from, from_bit);
  if (count > 0) merge(to[word], load(from, from_bit), low_mask(count));
}

void gather(ConstWords source, std::span<const std::uint32_t> positions, Words to, std::size_t to_bit) noexcept {
  while (!positions.empty()) {
    const std::size_t offset = to_bit % 64, batch = std::min(positions.size(), 64 - offset);
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < batch; ++i)
      bits |= (source[positions[i] / 64] >> (positions[i] % 64) & 1) << (offset + i);
    merge(to[to_bit / 64], bits, low_mask(batch) << offset);
    positions = positions.subspan(batch);
    to_bit += batch;
  }
}

void prefix_parities(ConstWords source, Words out) noexcept {
  std::uint64_t carry = 0;  // all ones when the parity of everything before is odd
  for (std::size_t i = 0; i < source.size(); ++i) {
    std::uint64_t w = source[i];
    for (unsigned shift = 1; shift < 64; shift *= 2) w ^= w << shift;
    w ^= carry;
    out[i] = w;
    carry = ~(w >> 63) + 1;
  }
}

}  // namespace nicol::secret::bits
