// SPDX-License-Identifier: Apache-2.0
// When a click comes: a Gaussian with, for some clicks, an exponential tail; and the quantile that draws Gaussians.
#pragma once

namespace nicol::sim {

/// Standard normal quantile, relative error below 1e-6 (Wichura, Applied Statistics 37 (1988) 477, algorithm AS 241,
/// routine PPND7). Needs 0 < p < 1.
double normal_quantile(double p) noexcept;
/// Largest |quantile| of a 53-bit uniform: what bounds every simulated Gaussian.
inline constexpr double kLargestNormal = 8.3;
/// Largest -log of a 53-bit uniform: what bounds every simulated exponential.
inline constexpr double kLargestExponential = 36.8;

/// Arrival times about a centre, all in picoseconds.
struct ArrivalShape {
  double sigma = 0, tail = 0, tail_fraction = 0;
};
/// P(low < t - centre < high).
double arrival_probability(const ArrivalShape& shape, double low, double high);

}  // namespace nicol::sim
