// SPDX-License-Identifier: Apache-2.0
// Arrival times as angles on the slot period: what their mean direction and its second harmonic say.
#pragma once

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <numbers>

namespace nicol::detection {

/// Sums of exp(i theta) and exp(2 i theta). For n independent angles around a direction mu:
/// R = |sum1| / n, mean direction with variance (1 - rho2) / (2 n R^2), rho2 the second moment about mu
/// (Fisher, Statistical Analysis of Circular Data, section 4.4). Uniform background lowers both and is thus allowed
/// for.
struct ArrivalPhase {
  std::complex<double> first, second;
  std::size_t count = 0;

  /// turns: angle as a part of the period.
  void add(double turns) noexcept {
    const double a = 2 * std::numbers::pi * turns, c = std::cos(a), s = std::sin(a);
    first += std::complex<double>{c, s};
    second += std::complex<double>{c * c - s * s, 2 * c * s};
    ++count;
  }
  double coherence() const noexcept { return count == 0 ? 0 : std::abs(first) / static_cast<double>(count); }
  /// -ln of the probability that uniform angles are as coherent (Rayleigh).
  double evidence() const noexcept { return count == 0 ? 0 : std::norm(first) / static_cast<double>(count); }
  double mean_turns() const noexcept { return std::arg(first) / (2 * std::numbers::pi); }
  /// Second moment about the mean direction.
  double second_moment() const noexcept {
    if (count == 0) return 0;
    const double mu = std::arg(first);
    return (second * std::polar(1.0, -2 * mu)).real() / static_cast<double>(count);
  }
  double mean_variance_turns() const noexcept {
    const double r = coherence(), n = static_cast<double>(count);
    const double radians = (1 - second_moment()) / (2 * n * r * r);
    return radians / (4 * std::numbers::pi * std::numbers::pi);
  }
};

/// Width of the light and the part of the clicks that is not light.
struct ArrivalShape {
  double jitter_turns = 0, jitter_sigma = 0, background = 0;
};
/// Moments of a Gaussian over a uniform background b are (1-b) q and (1-b) q^4, q = exp(-2 pi^2 jitter^2): both follow
/// from one sum without any gate. Where the second is lost in noise (jitter of a quarter period), b is taken for 0.
inline ArrivalShape shape_of(const ArrivalPhase& a) noexcept {
  constexpr double pi = std::numbers::pi;
  if (a.count == 0) return {};
  const auto n = static_cast<double>(a.count);
  const double r = a.coherence(), r2 = a.second_moment();
  const bool both = r2 * std::sqrt(2 * n) > 5;
  const double q = std::min(both ? std::cbrt(r2 / r) : r, 1.0), light = both ? std::min(r / q, 1.0) : 1;
  const double r4 = light * std::pow(q, 16);
  // The scatter of cos(2 a), or of cos(a), as a part of q.
  const double part = both ? std::sqrt(((1 + r4) / 2 - r2 * r2) / n) / (3 * r2) : std::sqrt((1 + r2) / 2 / n) / r;
  const double jitter = std::sqrt(-2 * std::log(q)) / (2 * pi);
  return {jitter, part / (4 * pi * pi * std::max(jitter, 1e-3)), 1 - light};
}

}  // namespace nicol::detection
