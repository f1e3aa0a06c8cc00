// SPDX-License-Identifier: Apache-2.0
// Annihilation is differentiation: a_H = d/dx, a_V = d/dy on polynomials in x = a_H^dagger, y = a_V^dagger
// (Bargmann). Symmetric states as constellations: Majorana, Nuovo Cimento 9, 43 (1932).
#include "sim/optics/joint_photons.hpp"

#include <algorithm>
#include <cmath>

namespace nicol::sim {
namespace {

struct Spinor {
  std::complex<double> h, v;
};
/// s1 = |h|^2 - |v|^2, s2 + i s3 = 2 conj(h) v.
Spinor spinor_of(const Eigen::Vector3d& star) {
  const double h = std::sqrt(std::max(0.0, (1 + star[0]) / 2));
  if (h < 1e-9) return {0, 1};
  return {h, std::complex<double>(star[1], star[2]) / (2 * h)};
}

}  // namespace

JointPhotons::JointPhotons(std::span<const Eigen::Vector3d> stars) : count_(std::min(stars.size(), kJointPhotons)) {
  c_[0] = 1;
  for (std::size_t n = 0; n < count_; ++n) {
    const Spinor s = spinor_of(stars[n].normalized());
    for (std::size_t k = n + 1; k > 0; --k) c_[k] = c_[k] * s.h + c_[k - 1] * s.v;
    c_[0] *= s.h;
  }
}

/// <c|c> = sum |c_k|^2 (n-k)! k!
double JointPhotons::norm(const Coefficients& c, std::size_t photons) const {
  double sum = 0;
  for (std::size_t k = 0; k <= photons; ++k)
    sum +=
        std::norm(c[k]) * std::tgamma(static_cast<double>(photons - k) + 1) * std::tgamma(static_cast<double>(k) + 1);
  return sum;
}

JointPhotons::Coefficients JointPhotons::without(const Eigen::Vector3d& star) const {
  const Spinor s = spinor_of(star);
  Coefficients left{};
  for (std::size_t k = 0; k < count_; ++k)
    left[k] = std::conj(s.h) * static_cast<double>(count_ - k) * c_[k] +
              std::conj(s.v) * static_cast<double>(k + 1) * c_[k + 1];
  return left;
}

bool JointPhotons::measure(const Eigen::Vector3d& axis, double u) {
  const Coefficients along = without(axis), against = without(-axis);
  const double plus = norm(along, count_ - 1), minus = norm(against, count_ - 1);
  const bool is_along = u * (plus + minus) < plus;
  const double scale = 1 / std::sqrt(is_along ? plus : minus);
  c_ = is_along ? along : against;
  for (auto& c : c_) c *= scale;
  --count_;
  return is_along;
}

}  // namespace nicol::sim
