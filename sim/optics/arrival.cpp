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

double tail_quantile(double r) noexcept {
  if (r <= 5) {
    r -= 1.6;
    return (((0.17023821103 * r + 1.3067284816) * r + 2.7568153900) * r + 1.4234372777) /
           ((0.12021132975 * r + 0.73700164250) * r + 1);
  }
  r -= 5;
  return (((0.017337203997 * r + 0.42868294337) * r + 3.0812263860) * r + 6.6579051150) /
         ((0.012258202635 * r + 0.24197894225) * r + 1);
}

}  // namespace

double normal_quantile(double p) noexcept {
  const double q = p - 0.5;
  if (std::abs(q) <= 0.425) {
    const double r = 0.180625 - q * q;
    return q * (((59.109374720 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179) /
           (((67.187563600 * r + 78.757757664) * r + 17.895169469) * r + 1);
  }
  const double value = tail_quantile(std::sqrt(-std::log(q < 0 ? p : 1 - p)));
  return q < 0 ? -value : value;
}

double arrival_probability(const ArrivalShape& shape, double low, double high) {
  return arrival_cdf(shape, high) - arrival_cdf(shape, low);
}

}  // namespace nicol::sim
