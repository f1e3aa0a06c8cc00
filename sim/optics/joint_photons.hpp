// SPDX-License-Identifier: Apache-2.0
// Several photons of one mode: their polarisations are one joint state, and measuring one changes the others.
#pragma once

#include <array>
#include <complex>
#include <cstddef>
#include <span>

#include "sim/optics/polarisation.hpp"

namespace nicol::sim {

/// No pulse of a simulated pair source has more pairs.
inline constexpr std::size_t kJointPhotons = 16;

/// n indistinguishable photons, created by n operators along n points of the sphere (Majorana's stars):
/// prod_i (u_i . b^dagger)|0>, normalised. A polynomial of degree n in the two creation operators.
class JointPhotons {
 public:
  /// At most kJointPhotons. Turning all stars turns the light.
  explicit JointPhotons(std::span<const Eigen::Vector3d> stars);
  std::size_t photons() const { return count_; }
  /// Takes one photon out along +axis or -axis; true: along +axis. `u` is uniform in [0,1). photons() > 0.
  /// A photon that is lost is one measured along any axis, its answer not looked at.
  bool measure(const Eigen::Vector3d& axis, double u);

 private:
  using Coefficients = std::array<std::complex<double>, kJointPhotons + 1>;
  double norm(const Coefficients& c, std::size_t photons) const;
  Coefficients without(const Eigen::Vector3d& star) const;
  Coefficients c_{};  // of x^(n-k) y^k
  std::size_t count_ = 0;
};

}  // namespace nicol::sim
