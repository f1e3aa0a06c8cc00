// SPDX-License-Identifier: Apache-2.0
// Statistics of disclosed bits.
#include "controller/sifting/monitors.hpp"

#include <bit>
#include <cmath>
#include <limits>
#include <numbers>

namespace nicol::sifting {
namespace {

double two_sided(double z) { return std::erfc(std::abs(z) / std::numbers::sqrt2); }

Correlator correlator(std::uint64_t same, std::uint64_t different) {
  const auto n = static_cast<double>(same + different);
  if (n == 0) return {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::quiet_NaN(), 0};
  const double e = (static_cast<double>(same) - static_cast<double>(different)) / n;
  return {e, std::sqrt((1 - e * e) / n), same + different};
}

/// Places i where bit i and bit i + 1 differ.
std::uint64_t changes(const PublicBits& bits) {
  std::uint64_t sum = 0;
  const auto& words = bits.words();
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::uint64_t next = i + 1 < words.size() ? words[i + 1] : 0;
    std::uint64_t differ = words[i] ^ (words[i] >> 1 | next << 63);
    const std::size_t pairs = bits.size() - 1 - i * 64;
    if (pairs < 64) differ &= (std::uint64_t{1} << pairs) - 1;
    sum += static_cast<std::uint64_t>(std::popcount(differ));
  }
  return sum;
}

}  // namespace

std::array<Correlator, 2> correlators(const Mismatched& counts) {
  return {correlator(counts.same[0], counts.different[0]), correlator(counts.same[1], counts.different[1])};
}

/// Q(k/2, x/2) by the recurrence Q(a+1, y) = Q(a, y) + y^a e^-y / Gamma(a+1).
double chi_square_tail(double x, unsigned k) {
  if (k == 0 || !(x > 0)) return 1;
  const double y = x / 2;
  double a = k % 2 == 0 ? 1.0 : 0.5;
  double q = k % 2 == 0 ? std::exp(-y) : std::erfc(std::sqrt(y));
  for (; 2 * a < k; a += 1) q += std::exp(a * std::log(y) - y - std::lgamma(a + 1));
  return std::min(q, 1.0);
}

Monitor state_balance(const std::array<PublicBits, 2>& disclosed) {
  Monitor m;
  unsigned freedom = 0;
  for (const PublicBits& bits : disclosed) {
    if (bits.empty()) continue;
    const auto n = static_cast<double>(bits.size());
    const double excess = 2 * static_cast<double>(bits.popcount()) - n;
    m.statistic += excess * excess / n;
    m.counts += bits.size();
    ++freedom;
  }
  m.p_value = chi_square_tail(m.statistic, freedom);
  return m;
}

Monitor lag_one(const PublicBits& disclosed) {
  const auto n = static_cast<double>(disclosed.size());
  const auto ones = static_cast<double>(disclosed.popcount());
  const double twice = 2 * ones * (n - ones);
  if (disclosed.size() < 2 || twice == 0) return {0, 1, disclosed.size()};
  const double mean = twice / n + 1, variance = twice * (twice - n) / (n * n * (n - 1));
  if (variance <= 0) return {0, 1, disclosed.size()};
  const double z = (static_cast<double>(changes(disclosed)) + 1 - mean) / std::sqrt(variance);
  return {z, two_sided(z), disclosed.size()};
}

Monitor basis_balance(const PublicBits& bases, double diagonal_share) {
  const auto n = static_cast<double>(bases.size());
  const double variance = n * diagonal_share * (1 - diagonal_share);
  if (variance <= 0) return {0, 1, bases.size()};
  const double z = (static_cast<double>(bases.popcount()) - n * diagonal_share) / std::sqrt(variance);
  return {z, two_sided(z), bases.size()};
}

}  // namespace nicol::sifting
