// SPDX-License-Identifier: Apache-2.0
// Word-wise work on bit strings, shared by the secret and the public kind. Bit k = word k/64, bit k%64. Time depends on
// lengths, masks and positions (public), never on the bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace nicol::secret::bits {

using Words = std::span<std::uint64_t>;
using ConstWords = std::span<const std::uint64_t>;

/// portable: shifts only. native: BMI2 and POPCNT where this processor has them, else portable.
enum class Path : std::uint8_t { portable, native };

/// The low `count` bits set, 0 <= count <= 64.
constexpr std::uint64_t low_mask(std::size_t count) {
  return count >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
}
/// Zeroes what lies beyond `size` in the last word of a string of `size` bits.
void clear_tail(Words words, std::size_t size) noexcept;

std::uint64_t pext_portable(std::uint64_t value, std::uint64_t mask) noexcept;
std::uint64_t pdep_portable(std::uint64_t value, std::uint64_t mask) noexcept;

/// Bits of `source` where `mask` is 1, in order, to the front of `out`; whole words are written up to the last used
/// one. out must hold popcount(mask) bits.
void extract(ConstWords source, ConstWords mask, Words out, Path path = Path::native) noexcept;
/// The inverse: the bits of `source` in order to where `mask` is 1, zero elsewhere. Sizes of mask and out agree.
void deposit(ConstWords source, ConstWords mask, Words out, Path path = Path::native) noexcept;

std::size_t popcount(ConstWords words, Path path = Path::native) noexcept;
std::uint64_t parity(ConstWords words) noexcept;

/// Copies `count` bits between any bit offsets; other bits of `to` stay. The two must not overlap.
void copy(ConstWords from, std::size_t from_bit, Words to, std::size_t to_bit, std::size_t count) noexcept;

/// Writes source[positions[i]] to bit to_bit + i. Positions must be inside the source.
void gather(ConstWords source, std::span<const std::uint32_t> positions, Words to, std::size_t to_bit) noexcept;

/// out bit i = XOR of bits 0..i. out may be the source.
void prefix_parities(ConstWords source, Words out) noexcept;

}  // namespace nicol::secret::bits
