// SPDX-License-Identifier: Apache-2.0
// How many photons a pulse holds, given its mean and g2(0): the one family that loss leaves in itself.
#pragma once

#include <vector>

#include "drivers/hal/result.hpp"

namespace nicol::sim {

/// g2 < 1: none, one or two photons (the fewest multi-photon pulses that give this g2); g2 = 1: Poisson; g2 > 1:
/// thermal in 1/(g2-1) modes (negative binomial). Loss scales the mean and keeps g2, so the family is closed under it.
class PhotonNumber {
 public:
  /// bad_input where no distribution on {0, 1, 2} has this mean and g2.
  static Result<PhotonNumber> make(double mean, double g2);

  double mean() const { return mean_; }
  double g2() const { return g2_; }
  PhotonNumber after_loss(double transmittance) const { return {mean_ * transmittance, g2_}; }
  /// E[x^n], 0 <= x <= 1.
  double generating(double x) const;
  double probability(unsigned photons) const;
  double at_least_two() const { return 1 - probability(0) - probability(1); }
  /// P(n <= 1), P(n <= 2), ... given n >= 1, up to `largest`, where the rest of the tail is added.
  std::vector<double> cumulative_given_some(unsigned largest) const;

 private:
  PhotonNumber(double mean, double g2) : mean_(mean), g2_(g2) {}
  double mean_, g2_;
};

}  // namespace nicol::sim
