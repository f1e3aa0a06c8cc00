// SPDX-License-Identifier: Apache-2.0
#include "controller/service/settings.hpp"

#include <algorithm>
#include <cmath>

namespace nicol::service {
namespace {

constexpr int kResolution = 16;

/// One step of the binary expansion of p, least significant digit first: digit 1 halves towards 1, digit 0 towards 0.
void fold(secret::BitString& acc, const secret::BitString& fresh, unsigned digit) {
  acc.with_write([&](std::span<std::uint64_t> a) {
    fresh.with_read([&](std::span<const std::uint64_t> f) {
      for (std::size_t i = 0; i < a.size(); ++i) a[i] = digit != 0 ? (a[i] | f[i]) : (a[i] & f[i]);
    });
  });
}

}  // namespace

secret::BitString draw_bits(std::size_t bits, double probability, Random& random, Purpose purpose,
                            std::uint64_t index) {
  const std::uint64_t base = index << 4;
  if (probability == 0.5) return secret::BitString::random(bits, random, purpose, base);
  const auto digits =
      static_cast<unsigned>(std::clamp(std::lround(probability * (1 << kResolution)), 1L, (1L << kResolution) - 1));
  secret::BitString acc(bits);
  for (int d = 0; d < kResolution; ++d)
    fold(acc, secret::BitString::random(bits, random, purpose, base + static_cast<unsigned>(d)), (digits >> d) & 1);
  return acc;
}

secret::BitString draw_setting_bases(std::size_t slots, double p_diagonal, Random& random, std::uint64_t block,
                                     std::uint64_t first_slot) {
  return draw_bits(slots, p_diagonal, random, Purpose::settings, (block << 40) + first_slot * 2);
}

secret::BitString draw_setting_bits(std::size_t slots, Random& random, std::uint64_t block, std::uint64_t first_slot) {
  return draw_bits(slots, 0.5, random, Purpose::settings, (block << 40) + first_slot * 2 + 1);
}

bool bit_at(const secret::BitString& bits, std::size_t i) {
  return bits.with_read([i](std::span<const std::uint64_t> w) { return ((w[i / 64] >> (i % 64)) & 1) != 0; });
}

}  // namespace nicol::service
