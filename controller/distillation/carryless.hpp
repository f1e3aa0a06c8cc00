// SPDX-License-Identifier: Apache-2.0
// Carry-less multiplication for Toeplitz hashing and verification: one word product in constant time, and per machine
// the square Toeplitz block on which privacy amplification spends its time.
#pragma once

#include <cstddef>
#include <cstdint>

namespace nicol::distillation::detail {

struct WordProduct {
  std::uint64_t low = 0, high = 0;
};

/// GF(2)[x] product of two words by integer multiplication with holes: no branch and no table depends on the operands
/// (constant time wherever 64-bit multiplication is, which includes every x86-64 and ARMv8 core).
constexpr WordProduct carryless_product(std::uint64_t a, std::uint64_t b) noexcept {
  // Every fifth bit: at most 13 partial products meet in a position, so no carry reaches the next occupied one.
  constexpr std::uint64_t kEveryFifth = 0x1084210842108421;
  constexpr int kClasses = 5;
  __extension__ using Wide = unsigned __int128;
  constexpr Wide kEveryFifthWide = (static_cast<Wide>(kEveryFifth) << 65) | kEveryFifth;
  Wide result = 0;
#pragma GCC unroll 5
  for (int r = 0; r < kClasses; ++r) {
    Wide sum = 0;
#pragma GCC unroll 5
    for (int i = 0; i < kClasses; ++i) {
      const std::uint64_t left = a & (kEveryFifth << i);
      const std::uint64_t right = b & (kEveryFifth << ((r - i + kClasses) % kClasses));
      sum ^= static_cast<Wide>(left) * right;
    }
    result ^= sum & (kEveryFifthWide << r);
  }
  return {static_cast<std::uint64_t>(result), static_cast<std::uint64_t>(result >> 64)};
}

/// One way to compute: the same bits from each. A square Toeplitz block of w words has 64w rows and columns; its
/// diagonals are 2w words s, out bit i = XOR_j s[64w + i - j] v[j].
struct ToeplitzKernel {
  /// Blocks of more words are split: in scratch that the caller gives, so that nothing of the input touches the stack.
  std::size_t largest_block = 0;
  /// w = 16, 24 or 32 words, halved until it is at most largest_block. May read 8 words past the end of s.
  void (*block)(std::uint64_t* out, const std::uint64_t* s, const std::uint64_t* v, std::size_t words);
  /// out = a XOR b; out ^= a.
  void (*combine)(std::uint64_t* out, const std::uint64_t* a, const std::uint64_t* b, std::size_t words);
  void (*accumulate)(std::uint64_t* out, const std::uint64_t* a, std::size_t words);
};
inline constexpr std::size_t kBaseWords[] = {16, 24, 32};
inline constexpr std::size_t kReadPast = 8;

extern const ToeplitzKernel kPortableKernel;
#if defined(__x86_64__)
extern const ToeplitzKernel kPclmulKernel;
extern const ToeplitzKernel kVpclmulKernel;
#endif

}  // namespace nicol::distillation::detail
