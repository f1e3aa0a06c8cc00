// SPDX-License-Identifier: Apache-2.0
// When a click comes: a Gaussian with, for some clicks, an exponential tail.
#pragma once

namespace nicol::sim {

/// No simulated Gaussian is larger (in standard deviations), no simulated exponential (in means): what bounds how late
/// or early a tag can come. Beyond lie 1e-16 of the one and of the other.
inline constexpr double kLargestNormal = 8.3, kLargestExponential = 36.8;

/// Arrival times about a centre, all in picoseconds.
struct ArrivalShape {
  double sigma = 0, tail = 0, tail_fraction = 0;
};
/// P(low < t - centre < high).
double arrival_probability(const ArrivalShape& shape, double low, double high);

}  // namespace nicol::sim
