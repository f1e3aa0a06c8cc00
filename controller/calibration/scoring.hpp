// SPDX-License-Identifier: Apache-2.0
// Maximum likelihood by Fisher scoring: what the fits of counts share.
#pragma once

#include <Eigen/Dense>
#include <algorithm>

namespace nicol::calibration {

/// Of one likelihood at one model.
struct Score {
  Eigen::MatrixXd information;
  Eigen::VectorXd slope;
};

template <class Model>
struct Found {
  Model model;
  double likelihood = 0;
};

/// Fisher scoring with Levenberg's damping, at most so many steps. `Data` and `Model` give log_likelihood(data, model),
/// score(data, model) and model.moved(step).
template <class Data, class Model>
Found<Model> climbed(const Data& data, Model model, int most) {
  constexpr double kEnough = 1e-8;  // of log-likelihood that a step is to gain
  double best = log_likelihood(data, model), damping = 1e-6;
  for (int i = 0; i < most; ++i) {
    const Score s = score(data, model);
    const Eigen::MatrixXd scale = s.information.diagonal().asDiagonal();
    bool better = false;
    while (!better && damping < 1e3) {
      const Eigen::VectorXd step = (s.information + damping * scale).ldlt().solve(s.slope);
      damping *= 10;
      if (step.dot(s.slope) < kEnough) return {model, best};
      const Model next = model.moved(step);
      const double there = log_likelihood(data, next);
      if (!(there > best)) continue;
      model = next, best = there, better = true;
    }
    if (!better) break;
    damping = std::max(damping / 100, 1e-9);
  }
  return {model, best};
}

/// In units of its own diagonal: numbers of unlike sizes stand side by side.
inline bool singular(const Eigen::MatrixXd& information) {
  constexpr double kSingular = 1e-9;  // eigenvalue, of the largest one
  if (!(information.diagonal().minCoeff() > 0)) return true;
  const Eigen::VectorXd scale = information.diagonal().cwiseSqrt().cwiseInverse();
  const Eigen::MatrixXd scaled = scale.asDiagonal() * information * scale.asDiagonal();
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(scaled, Eigen::EigenvaluesOnly);
  return !(solver.eigenvalues()[0] > kSingular);
}

}  // namespace nicol::calibration
