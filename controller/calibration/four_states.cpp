// SPDX-License-Identifier: Apache-2.0
#include "controller/calibration/four_states.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

#include "controller/calibration/ratio_fit.hpp"
#include "controller/calibration/statistics.hpp"

namespace nicol::calibration {
namespace {

Stokes ideal(std::size_t state) { return {kStates[state][0], kStates[state][1], 0}; }

/// Of the states to the ideal ones (Kabsch, Acta Cryst. A 32, 922 (1976)). Four states in a plane have no handedness.
Rotation best_turn(const Optics& o) {
  Eigen::Matrix3d sum = Eigen::Matrix3d::Zero();
  for (std::size_t i = 0; i < 4; ++i) sum += ideal(i) * o.sent[i].transpose();
  const Eigen::JacobiSVD<Eigen::Matrix3d> svd(sum, Eigen::ComputeFullU | Eigen::ComputeFullV);
  return svd.matrixU() * svd.matrixV().transpose();
}

double overlap(const Optics& o, std::size_t rectilinear, std::size_t diagonal) {
  return o.sent[rectilinear].normalized().dot(o.sent[2 + diagonal].normalized());
}

/// Half the sum of one basis's states less that of the other's.
Stokes apart(const Optics& o) { return o.most_contrast() / 2 * (o.sent[0] + o.sent[1] - o.sent[2] - o.sent[3]); }

}  // namespace

std::array<double, 4> fidelities(const Optics& o) {
  const Rotation turned = best_turn(o);
  std::array<double, 4> all{};
  for (std::size_t i = 0; i < 4; ++i) all[i] = (1 + o.most_contrast() * ideal(i).dot(turned * o.sent[i])) / 2;
  return all;
}

Preparation prepared(const OpticsFit& fit) {
  Preparation p;
  for (std::size_t i = 0; i < 4; ++i) {
    p.fidelity[i] = fit.estimate([i](const Optics& o) { return fidelities(o)[i]; });
    p.overlap[i] = fit.estimate([i](const Optics& o) { return overlap(o, i / 2, i % 2); });
  }
  p.mean_fidelity = fit.estimate([](const Optics& o) {
    const auto f = fidelities(o);
    return (f[0] + f[1] + f[2] + f[3]) / 4;
  });
  const Stokes between = apart(fit.optics);
  const Eigen::Matrix3d covariance = fit.covariance_of(apart);
  p.average_apart = between.norm();
  p.average_chi_squared = between.dot(covariance.ldlt().solve(between));
  return p;
}

double preparation_error(const Preparation& preparation, double risk) {
  double most = 0;
  for (const Estimate& e : preparation.overlap)
    most = std::max(most, std::abs(e.value) + normal_quantile(risk / 4) * e.error);
  return std::asin(std::min(1.0, most)) / 2;
}

bool averages_differ(const Preparation& preparation, double risk) {
  return chi_squared_tail(preparation.average_chi_squared, 3) < risk;
}

}  // namespace nicol::calibration
