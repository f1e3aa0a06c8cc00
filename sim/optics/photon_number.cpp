// SPDX-License-Identifier: Apache-2.0
// Probabilities of the three photon-number families.
#include "sim/optics/photon_number.hpp"

#include <fmt/core.h>

#include <cmath>

namespace nicol::sim {
namespace {

double pairs(double mean, double g2) { return mean * mean * g2 / 2; }

/// Negative binomial with `modes` modes: Mandel and Wolf, "Optical Coherence and Quantum Optics", 14.8.
double thermal(unsigned photons, double mean, double modes) {
  const double n = photons;
  return std::exp(std::lgamma(n + modes) - std::lgamma(modes) - std::lgamma(n + 1) - n * std::log1p(modes / mean) -
                  modes * std::log1p(mean / modes));
}

}  // namespace

Result<PhotonNumber> PhotonNumber::make(double mean, double g2) {
  if (!(mean >= 0) || !(g2 >= 0))
    return Error{Code::bad_input, fmt::format("mean {} and g2 {} must not be negative", mean, g2), {}, 0, {}};
  if (g2 < 1 && (mean * g2 > 1 || mean - pairs(mean, g2) > 1))
    return Error{Code::bad_input,
                 fmt::format("no pulse of at most two photons has mean {} and g2 {}: expected mean*g2 <= 1 and "
                             "mean - mean^2*g2/2 <= 1",
                             mean, g2),
                 {},
                 0,
                 {}};
  return PhotonNumber(mean, g2);
}

double PhotonNumber::generating(double x) const {
  if (g2_ < 1) return probability(0) + x * (probability(1) + x * probability(2));
  if (g2_ == 1) return std::exp(-mean_ * (1 - x));
  const double modes = 1 / (g2_ - 1);
  return std::pow(1 + mean_ * (1 - x) / modes, -modes);
}

double PhotonNumber::probability(unsigned photons) const {
  if (mean_ == 0) return photons == 0 ? 1 : 0;
  if (g2_ < 1) {
    const double two = pairs(mean_, g2_);
    return photons == 0 ? 1 - mean_ + two : photons == 1 ? mean_ - 2 * two : photons == 2 ? two : 0;
  }
  if (g2_ == 1) return std::exp(photons * std::log(mean_) - mean_ - std::lgamma(photons + 1.0));
  return thermal(photons, mean_, 1 / (g2_ - 1));
}

std::vector<double> PhotonNumber::cumulative_given_some(unsigned largest) const {
  std::vector<double> cumulative(largest, 1.0);
  const double some = 1 - generating(0);
  double sum = 0;
  for (unsigned n = 1; n < largest && some > 0; ++n) cumulative[n - 1] = (sum += probability(n)) / some;
  return cumulative;
}

}  // namespace nicol::sim
