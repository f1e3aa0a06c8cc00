// SPDX-License-Identifier: Apache-2.0
// Selecting bits by a public mask: BMI2 PEXT and PDEP where the processor has them, shifts where it has not.
#include <bit>

#include "controller/secret/bit_ops.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace nicol::secret::bits {
namespace {

// Packs words of varying width one behind the other.
struct Packer {
  Words out;
  std::size_t word = 0, filled = 0;
  std::uint64_t pending = 0;

  [[gnu::always_inline]] inline void push(std::uint64_t value, std::size_t width) noexcept {
    pending |= value << filled;
    filled += width;
    if (filled < 64) return;
    out[word++] = pending;
    filled -= 64;
    const std::size_t taken = width - filled;
    pending = taken < 64 ? value >> taken : 0;
  }
  [[gnu::always_inline]] inline void finish() noexcept {
    if (filled > 0) out[word] = pending;
  }
};

// Hands out the next `width` bits of a string.
struct Unpacker {
  ConstWords from;
  std::size_t bit = 0;

  [[gnu::always_inline]] inline std::uint64_t pull(std::size_t width) noexcept {
    if (width == 0) return 0;
    const std::size_t word = bit / 64, shift = bit % 64;
    std::uint64_t value = from[word] >> shift;
    if (shift + width > 64) value |= from[word + 1] << (64 - shift);
    bit += width;
    return value & low_mask(width);
  }
};

std::size_t swar_popcount(std::uint64_t w) noexcept {
  w -= w >> 1 & 0x5555555555555555ULL;
  w = (w & 0x3333333333333333ULL) + (w >> 2 & 0x3333333333333333ULL);
  w = (w + (w >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
  return static_cast<std::size_t>(w * 0x0101010101010101ULL >> 56);
}

void extract_portable(ConstWords source, ConstWords mask, Words out) noexcept {
  Packer packer{out};
  for (std::size_t i = 0; i < source.size(); ++i)
    packer.push(pext_portable(source[i], mask[i]), swar_popcount(mask[i]));
  packer.finish();
}

void deposit_portable(ConstWords source, ConstWords mask, Words out) noexcept {
  Unpacker unpacker{source};
  for (std::size_t i = 0; i < mask.size(); ++i) out[i] = pdep_portable(unpacker.pull(swar_popcount(mask[i])), mask[i]);
}

std::size_t popcount_portable(ConstWords words) noexcept {
  std::size_t sum = 0;
  for (const std::uint64_t w : words) sum += swar_popcount(w);
  return sum;
}

#if defined(__x86_64__)
[[gnu::target("bmi2,popcnt")]] void extract_native(ConstWords source, ConstWords mask, Words out) noexcept {
  Packer packer{out};
  for (std::size_t i = 0; i < source.size(); ++i)
    packer.push(_pext_u64(source[i], mask[i]), static_cast<std::size_t>(_mm_popcnt_u64(mask[i])));
  packer.finish();
}

[[gnu::target("bmi2,popcnt")]] void deposit_native(ConstWords source, ConstWords mask, Words out) noexcept {
  Unpacker unpacker{source};
  for (std::size_t i = 0; i < mask.size(); ++i)
    out[i] = _pdep_u64(unpacker.pull(static_cast<std::size_t>(_mm_popcnt_u64(mask[i]))), mask[i]);
}

[[gnu::target("popcnt")]] std::size_t popcount_native(ConstWords words) noexcept {
  std::size_t sum = 0;
  for (const std::uint64_t w : words) sum += static_cast<std::size_t>(_mm_popcnt_u64(w));
  return sum;
}

bool has_bmi2() noexcept { return __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt"); }
bool has_popcnt() noexcept { return __builtin_cpu_supports("popcnt"); }
#else
void extract_native(ConstWords source, ConstWords mask, Words out) noexcept { extract_portable(source, mask, out); }
void deposit_native(ConstWords source, ConstWords mask, Words out) noexcept { deposit_portable(source, mask, out); }
std::size_t popcount_native(ConstWords words) noexcept { return popcount_portable(words); }
bool has_bmi2() noexcept { return false; }
bool has_popcnt() noexcept { return false; }
#endif

// Which way each bit of a word has to move to close the gaps of `mask`: step k says who moves by 2^k
// (parallel suffix, Steele; Warren, Hacker's Delight, section 7-4). Depends on the mask alone.
struct Moves {
  std::uint64_t step[6];
};
Moves moves_for(std::uint64_t mask) noexcept {
  Moves moves{};
  std::uint64_t zeros_right = ~mask << 1;
  for (unsigned k = 0; k < 6; ++k) {
    std::uint64_t odd = zeros_right;
    for (unsigned shift = 1; shift < 64; shift *= 2) odd ^= odd << shift;
    const std::uint64_t move = odd & mask;
    moves.step[k] = move;
    mask = (mask ^ move) | move >> (1U << k);
    zeros_right &= ~odd;
  }
  return moves;
}

}  // namespace

std::uint64_t pext_portable(std::uint64_t value, std::uint64_t mask) noexcept {
  const Moves moves = moves_for(mask);
  value &= mask;
  for (unsigned k = 0; k < 6; ++k) {
    const std::uint64_t moving = value & moves.step[k];
    value = (value ^ moving) | moving >> (1U << k);
  }
  return value;
}

std::uint64_t pdep_portable(std::uint64_t value, std::uint64_t mask) noexcept {
  const Moves moves = moves_for(mask);
  for (unsigned k = 6; k-- > 0;) {
    const std::uint64_t moved = value << (1U << k);
    value = (value & ~moves.step[k]) | (moved & moves.step[k]);
  }
  return value & mask;
}

void extract(ConstWords source, ConstWords mask, Words out, Path path) noexcept {
  path == Path::native&& has_bmi2() ? extract_native(source, mask, out) : extract_portable(source, mask, out);
}

void deposit(ConstWords source, ConstWords mask, Words out, Path path) noexcept {
  path == Path::native&& has_bmi2() ? deposit_native(source, mask, out) : deposit_portable(source, mask, out);
}

std::size_t popcount(ConstWords words, Path path) noexcept {
  return path == Path::native && has_popcnt() ? popcount_native(words) : popcount_portable(words);
}

}  // namespace nicol::secret::bits
