// SPDX-License-Identifier: Apache-2.0
// GF(2^128) modulo x^128 + x^7 + x^2 + x + 1 with bit k the coefficient of x^k: the field of the verification hash.
// (The session's GHASH counts its bits from the other end.)
#pragma once

#include <cstdint>
#include <span>

#include "controller/distillation/carryless.hpp"

namespace nicol::distillation::detail {

struct Gf128 {
  std::uint64_t low = 0, high = 0;
  bool operator==(const Gf128&) const = default;
};

constexpr Gf128 operator^(Gf128 a, Gf128 b) noexcept { return {a.low ^ b.low, a.high ^ b.high}; }

/// Constant time.
constexpr Gf128 multiply(Gf128 a, Gf128 b) noexcept {
  const WordProduct ll = carryless_product(a.low, b.low), hh = carryless_product(a.high, b.high);
  const WordProduct mid = carryless_product(a.low ^ a.high, b.low ^ b.high);
  std::uint64_t w1 = ll.high ^ mid.low ^ ll.low ^ hh.low;
  std::uint64_t w2 = hh.low ^ mid.high ^ ll.high ^ hh.high;
  // x^128 = x^7 + x^2 + x + 1, once for the upper word, then for what it folded into the third.
  const auto spill = [](std::uint64_t w) { return (w >> 63) ^ (w >> 62) ^ (w >> 57); };
  const auto fold = [](std::uint64_t w) { return w ^ (w << 1) ^ (w << 2) ^ (w << 7); };
  w1 ^= fold(hh.high);
  w2 ^= spill(hh.high);
  w1 ^= spill(w2);
  return {ll.low ^ fold(w2), w1};
}

/// sum_i m_i h^(L+2-i) + bits h over the L = ceil(bits/128) blocks of a string of bits (the last one zero-padded):
/// a polynomial in h of degree L+1 without constant term, so two different strings of one length agree, or differ by
/// any one value, for at most L+1 of the 2^128 keys.
Gf128 polynomial_hash(std::span<const std::uint64_t> words, std::uint64_t bits, Gf128 key);
/// As above without processor instructions, for machines that lack them and for tests.
Gf128 polynomial_hash_portable(std::span<const std::uint64_t> words, std::uint64_t bits, Gf128 key);

}  // namespace nicol::distillation::detail
