// SPDX-License-Identifier: Apache-2.0
// Counts in bins against a curve of a few numbers: Poisson maximum likelihood, with error bars.
#pragma once

#include <Eigen/Core>
#include <functional>
#include <optional>
#include <span>

namespace nicol::calibration {

struct CurveBin {
  double x = 0, counts = 0;
};

struct CurveFit {
  Eigen::VectorXd numbers;
  Eigen::MatrixXd covariance;
  double log_likelihood = 0, chi_squared = 0;  // of neighbouring bins that expect five and more
  int degrees = 0;

  double error(Eigen::Index i) const { return std::sqrt(covariance(i, i)); }
};

/// Expected counts at x; not above 0: the numbers are outside what they may be.
using Curve = std::function<double(double x, const Eigen::VectorXd& numbers)>;

/// Fisher scoring with Levenberg's damping from `start`; `steps`: of the numerical derivatives, one a number. Empty
/// where the start is outside, or the bins leave a number undetermined.
std::optional<CurveFit> fit_curve(std::span<const CurveBin> bins, const Curve& curve, const Eigen::VectorXd& start,
                                  const Eigen::VectorXd& steps);

}  // namespace nicol::calibration
