// SPDX-License-Identifier: Apache-2.0
// What one pump pulse of a pair source can hold, with all loss up to the best detector of either side already taken: so
// that only pulses of which something is left are ever visited.
#pragma once

#include <array>
#include <vector>

#include "drivers/hal/random.hpp"
#include "sim/optics/joint_photons.hpp"

namespace nicol::sim {

/// Photons of a pulse's pairs that reach each side.
struct Survivors {
  std::size_t alice = 0, bob = 0;
};

/// Probabilities for one photon to arrive.
struct ArmLosses {
  double alice = 0, bob = 0;
  double neither() const { return (1 - alice) * (1 - bob); }
  double any() const { return 1 - neither(); }
};

class PairTables {
 public:
  PairTables() = default;
  /// Mean pairs a pulse; g2 1.5: two polarisations of one mode (Ma, Fung, Lo 2007, equation 3); 1: Poisson.
  PairTables(double mean_pairs, double g2, const ArmLosses& arrive);
  /// -1 / log(1 - P(something arrives)), pulses; infinite when nothing ever does.
  double mean_gap() const { return mean_gap_; }
  /// Given that something arrives:
  std::size_t draw_pairs(CounterStream& stream) const;
  Survivors draw_survivors(std::size_t pairs, CounterStream& stream) const;

 private:
  ArmLosses arrive_;
  double mean_gap_ = 0;
  std::vector<double> at_most_;  // P(at most 1, 2, ... pairs | something arrives)
};

}  // namespace nicol::sim
