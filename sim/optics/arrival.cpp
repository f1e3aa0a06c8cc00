// SPDX-License-Identifier: Apache-2.0
#include "sim/optics/arrival.hpp"

#include <cmath>
#include <numbers>

namespace nicol::sim {
namespace {

double normal_cdf(double x) { return std::erfc(-x / std::numbers::sqrt2) / 2; }

double gauss_cdf(double sigma, double t) { return sigma > 0 ? normal_cdf(t / sigma) : (t >= 0 ? 1 : 0); }

/// Gaussian plus exponential (the "exponentially modified Gaussian").
double tailed_cdf(double sigma, double tail, double t) {
  if (sigma == 0) return t > 0 ? -std::expm1(-t / tail) : 0;
  const double shift = sigma / tail;
  if (shift > 20) return normal_cdf((t - tail) / sigma);  // a tail this short only shifts; exp() below would overflow
  return normal_cdf(t / sigma) - std::exp(shift * shift / 2 - t / tail) * normal_cdf(t / sigma - shift);
}

double arrival_cdf(const ArrivalShape& shape, double t) {
  if (shape.tail_fraction == 0 || shape.tail == 0) return gauss_cdf(shape.sigma, t);
  return (1 - shape.tail_fraction) * gauss_cdf(shape.sigma, t) +
         shape.tail_fraction * tailed_cdf(shape.sigma, shape.tail, t);
}

}  // namespace

double arrival_probability(const ArrivalShape& shape, double low, double high) {
  return arrival_cdf(shape, high) - arrival_cdf(shape, low);
}

}  // namespace nicol::sim
