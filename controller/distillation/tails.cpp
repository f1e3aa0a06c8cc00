// SPDX-License-Identifier: Apache-2.0
// Saddle-point probabilities (Loader 2000, "Fast and accurate computation of binomial probabilities") and sums of their
// term ratios from the largest term outwards.
#include "controller/distillation/tails.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

namespace nicol::distillation {
namespace {

// kTailMargin counts on a 64-bit mantissa: 5e6 products of ratios stay below it.
static_assert(std::numeric_limits<long double>::digits >= 64);

long double real(std::uint64_t x) { return static_cast<long double>(x); }

/// ln x! minus Stirling's ln(sqrt(2 pi x) (x/e)^x), x >= 1.
long double stirling_error(long double x) noexcept {
  if (x < 16) {
    long double factorial = 1;
    for (long double i = 2; i <= x; i += 1) factorial *= i;
    return std::log(factorial / std::sqrt(2 * std::numbers::pi_v<long double> * x)) - x * std::log(x) + x;
  }
  // Stirling's series, Abramowitz & Stegun 6.1.41; the first term left out is below 1e-19 here.
  constexpr std::array<long double, 8> kSeries = {1.0L / 12,   -1.0L / 360,      1.0L / 1260, -1.0L / 1680,
                                                  1.0L / 1188, -691.0L / 360360, 1.0L / 156,  -3617.0L / 122400};
  const long double inverse_square = 1 / (x * x);
  long double sum = 0;
  for (auto term = kSeries.rbegin(); term != kSeries.rend(); ++term) sum = sum * inverse_square + *term;
  return sum / x;
}

/// ln of the binomial probability of x among trials with means trials*p and trials*q (Loader 2000, eq. 4).
long double log_binomial(std::uint64_t x, std::uint64_t trials, long double mean, long double mean_rest) noexcept {
  const std::uint64_t rest = trials - x;
  const long double exponent = -deviance(real(x), mean) - deviance(real(rest), mean_rest);
  if (x == 0 || rest == 0) return exponent;
  const long double spread =
      0.5L * std::log(real(trials) / (2 * std::numbers::pi_v<long double> * real(x) * real(rest)));
  return stirling_error(real(trials)) - stirling_error(real(x)) - stirling_error(real(rest)) + exponent + spread;
}

struct Binomial {
  std::uint64_t trials;
  long double p, q;

  std::uint64_t lowest() const { return 0; }
  std::uint64_t highest() const { return trials; }
  std::uint64_t mode() const { return std::min(trials, static_cast<std::uint64_t>((real(trials) + 1) * p)); }
  long double log_probability(std::uint64_t x) const {
    return log_binomial(x, trials, real(trials) * p, real(trials) * q);
  }
  /// Pr[x-1] / Pr[x]
  long double step_down(std::uint64_t x) const { return real(x) * q / (real(trials - x + 1) * p); }
};

struct Hypergeometric {
  std::uint64_t n, k, errors;

  std::uint64_t total() const { return n + k; }
  std::uint64_t lowest() const { return errors > n ? errors - n : 0; }
  std::uint64_t highest() const { return std::min(errors, k); }
  std::uint64_t mode() const {
    const auto near = static_cast<std::uint64_t>((real(k) + 1) * (real(errors) + 1) / (real(total()) + 2));
    return std::clamp(near, lowest(), highest());
  }
  /// As three binomials of one rate k/(n+k) (Loader 2000, section 4).
  long double log_probability(std::uint64_t x) const {
    const long double p = real(k) / real(total()), q = real(n) / real(total());
    const std::uint64_t correct = total() - errors;
    return log_binomial(x, errors, real(errors) * p, real(errors) * q) +
           log_binomial(k - x, correct, real(correct) * p, real(correct) * q) -
           log_binomial(k, total(), real(k), real(n));
  }
  /// Pr[x-1] / Pr[x]
  long double step_down(std::uint64_t x) const {
    return real(x) * real(n + x - errors) / (real(errors - x + 1) * real(k - x + 1));
  }
};

/// Pr[X <= c]: from the largest term in reach outwards, until nothing more can matter.
template <class Law>
long double lower_tail(const Law& law, std::uint64_t c) noexcept {
  constexpr long double kNegligible = 1e-22L;
  const std::uint64_t last = std::min(c, law.highest());
  const std::uint64_t start = std::min(last, law.mode());
  long double sum = 1, term = 1;
  for (std::uint64_t x = start; x > law.lowest() && term > sum * kNegligible; --x) sum += term *= law.step_down(x);
  term = 1;
  for (std::uint64_t x = start; x < last && term > sum * kNegligible; ++x) sum += term /= law.step_down(x + 1);
  return std::min(1.0L, sum * std::exp(law.log_probability(start)));
}

}  // namespace

long double deviance(long double x, long double mean) noexcept {
  if (x <= 0) return mean;
  const long double difference = x - mean, ratio = difference / (x + mean);
  if (std::abs(ratio) >= 0.1L) return x * std::log(x / mean) + mean - x;
  long double sum = difference * ratio, power = 2 * x * ratio;
  for (long double odd = 3;; odd += 2) {
    power *= ratio * ratio;
    const long double next = sum + power / odd;
    if (next == sum) return sum;
    sum = next;
  }
}

long double hypergeometric_cdf(std::uint64_t c, std::uint64_t n, std::uint64_t k, std::uint64_t errors) noexcept {
  const Hypergeometric law{n, k, errors};
  if (c >= law.highest()) return 1;
  if (c < law.lowest()) return 0;
  return lower_tail(law, c);
}

long double binomial_cdf(std::uint64_t c, std::uint64_t trials, long double p, long double q) noexcept {
  return c >= trials ? 1 : lower_tail(Binomial{trials, p, q}, c);
}

}  // namespace nicol::distillation
