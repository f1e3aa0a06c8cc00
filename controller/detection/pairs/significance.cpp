// SPDX-License-Identifier: Apache-2.0
#include "controller/detection/pairs/significance.hpp"

#include <cmath>
#include <numbers>

namespace nicol::detection::pairs {

double log_poisson_tail(double count, double mean) {
  if (count <= mean || count <= 0) return 0;
  if (mean <= 0) return -HUGE_VAL;
  double sum = 1, term = 1, k = count;
  while (term > 1e-17 * sum) sum += term *= mean / (k += 1);
  return std::fmin(0, count * std::log(mean) - mean - std::lgamma(count + 1) + std::log(sum));
}

double log_normal_tail(double z) {
  if (z < 20) return std::log(0.5 * std::erfc(z / std::numbers::sqrt2));
  const double y = 1 / (z * z);  // Abramowitz and Stegun 26.2.12
  return -0.5 * z * z - std::log(z * std::sqrt(2 * std::numbers::pi)) + std::log1p(-y * (1 - y * (3 - 15 * y)));
}

double normal_equivalent(double log_p) {
  if (!(log_p < -std::numbers::ln2)) return 0;
  double low = 0, high = 1 + std::sqrt(-2 * log_p);
  for (int k = 0; k < 80; ++k) {
    const double middle = 0.5 * (low + high);
    (log_normal_tail(middle) > log_p ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

}  // namespace nicol::detection::pairs
