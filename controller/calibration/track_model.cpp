// SPDX-License-Identifier: Apache-2.0
#include "controller/calibration/track_model.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

namespace nicol::calibration {
namespace {

constexpr double kRarest = 1e-6;    // a probability is nowhere nearer to 0 or 1
constexpr double kFaintest = 0.01;  // of a shrinking

/// s1 and s2 of Bob's splitter, as directions in front of the compensator.
Eigen::Matrix<double, 2, 3> analysed(const Rotation& compensator) { return compensator.topRows<2>(); }

}  // namespace

Arrived arrived(const Hypothesis& h) {
  const Shrinking& s = h.shrinking;
  Eigen::Matrix2d plane;
  plane << s.mean + s.skew, s.shear, s.shear, s.mean - s.skew;
  return h.fibre.leftCols<2>() * plane;
}

bool physical(const Shrinking& s) {
  const double spread = std::hypot(s.skew, s.shear);
  return s.mean + spread <= 1 && s.mean - spread >= kFaintest;
}

Hypothesis changed(const Hypothesis& h, const Change& by) {
  const Shrinking& s = h.shrinking;
  return {turn(by.head<3>()) * h.fibre, {s.mean + by[3], s.skew + by[4], s.shear + by[5]}, h.walk};
}

Correlators correlators_of(const Arrived& where, const Rotation& compensator) {
  const Eigen::Matrix2d corner = analysed(compensator) * where;
  return {corner(0, 0), corner(0, 1), corner(1, 0), corner(1, 1)};
}

Eigen::Matrix<double, 4, 6> slopes(const Hypothesis& h, const Rotation& compensator) {
  const Arrived where = arrived(h);
  const Eigen::Matrix2d plain = analysed(compensator) * h.fibre.leftCols<2>();
  Eigen::Matrix<double, 4, 6> slope;
  for (Eigen::Index bob = 0; bob < 2; ++bob)
    for (Eigen::Index alice = 0; alice < 2; ++alice) {
      const Stokes seen = compensator.row(bob).transpose(), there = where.col(alice);
      auto row = slope.row(2 * bob + alice);
      row.head<3>() = there.cross(seen).transpose();
      row[3] = plain(bob, alice);
      row[4] = alice == 0 ? plain(bob, 0) : -plain(bob, 1);
      row[5] = plain(bob, 1 - alice);
    }
  return slope;
}

double log_likelihood(const Agreements& seen, const Correlators& expected) {
  double sum = 0;
  for (std::size_t bob = 0; bob < 2; ++bob)
    for (std::size_t alice = 0; alice < 2; ++alice) {
      const double e = expected[static_cast<Eigen::Index>(2 * bob + alice)];
      const double p = std::clamp((1 + e) / 2, kRarest, 1 - kRarest);
      sum += static_cast<double>(seen.same[bob][alice]) * std::log(p) +
             static_cast<double>(seen.different[bob][alice]) * std::log1p(-p);
    }
  return sum;
}

Observed observed(const Agreements& seen) {
  Observed o;
  for (std::size_t bob = 0; bob < 2; ++bob)
    for (std::size_t alice = 0; alice < 2; ++alice) {
      const auto same = static_cast<double>(seen.same[bob][alice]);
      const auto different = static_cast<double>(seen.different[bob][alice]);
      const double all = same + different;
      const auto at = static_cast<Eigen::Index>(2 * bob + alice);
      const double p = (same + 1) / (all + 2);
      if (all > 0) o.value[at] = (same - different) / all, o.variance[at] = 4 * p * (1 - p) / all;
    }
  return o;
}

std::array<Rotation, 2> rotations_behind(const Correlators& seen, const Rotation& compensator, double mean) {
  Eigen::Matrix2d corner;
  corner << seen[0], seen[1], seen[2], seen[3];
  const Eigen::JacobiSVD<Eigen::Matrix2d> svd(corner / mean, Eigen::ComputeFullU | Eigen::ComputeFullV);
  const auto widened = [](const Eigen::Matrix2d& m) {
    Rotation r = Rotation::Identity();
    r.topLeftCorner<2, 2>() = m;
    r(2, 2) = m.determinant();
    return r;
  };
  const Rotation left = widened(svd.matrixU()), right = widened(svd.matrixV()).transpose();
  const double tilt = std::acos(std::min(svd.singularValues()[1], 1.0));
  const auto behind = [&](double by) { return Rotation(compensator.transpose() * left * turn({by, 0, 0}) * right); };
  return {behind(tilt), behind(-tilt)};
}

double qber_of(const Correlators& c) { return (2 - c[0] - c[3]) / 4; }

}  // namespace nicol::calibration
