// SPDX-License-Identifier: Apache-2.0
#include "controller/calibration/statistics.hpp"

#include <cmath>
#include <limits>

namespace nicol::calibration {
namespace {

constexpr double kEnough = 1e-15;
constexpr int kMostTerms = 100'000, kBisections = 200;

double front(double a, double x) { return std::exp(a * std::log(x) - x - std::lgamma(a)); }

/// DLMF 8.11.4.
double series(double a, double x) {
  double term = 1 / a, sum = term;
  for (int n = 1; n < kMostTerms && term > kEnough * sum; ++n) {
    term *= x / (a + n);
    sum += term;
  }
  return sum * front(a, x);
}

/// DLMF 8.9.2, by Lentz's method.
double fraction(double a, double x) {
  constexpr double kTiny = std::numeric_limits<double>::min() / kEnough;
  double b = x + 1 - a, c = 1 / kTiny, d = 1 / b, product = d;
  for (int n = 1; n < kMostTerms; ++n) {
    const double an = -n * (n - a);
    b += 2;
    d = an * d + b;
    c = b + an / c;
    if (std::abs(d) < kTiny) d = kTiny;
    if (std::abs(c) < kTiny) c = kTiny;
    d = 1 / d;
    product *= c * d;
    if (std::abs(c * d - 1) < kEnough) break;
  }
  return product * front(a, x);
}

/// Where a falling function of the mean passes `risk`.
template <class F>
double where(double high, double risk, F&& tail) {
  while (tail(high) > risk) high *= 2;
  double low = 0;
  for (int i = 0; i < kBisections && high - low > 1e-12 * high; ++i) {
    const double middle = (low + high) / 2;
    (tail(middle) > risk ? low : high) = middle;
  }
  return high;
}

}  // namespace

double gamma_p(double a, double x) {
  if (x <= 0) return 0;
  return x < a + 1 ? series(a, x) : 1 - fraction(a, x);
}

double gamma_q(double a, double x) {
  if (x <= 0) return 1;
  return x < a + 1 ? 1 - series(a, x) : fraction(a, x);
}

double chi_squared_tail(double chi_squared, int degrees) {
  return degrees > 0 ? gamma_q(static_cast<double>(degrees) / 2, chi_squared / 2) : 1;
}

double poisson_upper(std::uint64_t count, double risk) {
  const double n = static_cast<double>(count) + 1;
  return where(n, risk, [&](double mean) { return gamma_q(n, mean); });
}

double poisson_lower(std::uint64_t count, double risk) {
  if (count == 0) return 0;
  const auto n = static_cast<double>(count);
  return where(n, 1 - risk, [&](double mean) { return gamma_q(n, mean); });
}

double rate_difference_sigmas(std::uint64_t count, std::uint64_t other, double times) {
  const double here = std::sqrt(static_cast<double>(count) + 0.375);
  const double there = std::sqrt(static_cast<double>(other) + 0.375);
  return 2 * (here - there / std::sqrt(times)) / std::sqrt(1 + 1 / times);
}

}  // namespace nicol::calibration
