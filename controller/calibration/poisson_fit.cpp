// SPDX-License-Identifier: Apache-2.0
#include "controller/calibration/poisson_fit.hpp"

#include <Eigen/Dense>
#include <cmath>
#include <limits>

namespace nicol::calibration {
namespace {

constexpr int kMostSteps = 100;
constexpr double kEnough = 1e-9;     // of log-likelihood
constexpr double kSingular = 1e-10;  // eigenvalue, in units of the diagonal
constexpr double kExpected = 5;
constexpr double kOutside = -std::numeric_limits<double>::infinity();

double log_likelihood(std::span<const CurveBin> bins, const Curve& curve, const Eigen::VectorXd& numbers) {
  double sum = 0;
  for (const CurveBin& b : bins) {
    const double expected = curve(b.x, numbers);
    if (!(expected > 0)) return kOutside;
    sum += b.counts * std::log(expected) - expected;
  }
  return sum;
}

struct Score {
  Eigen::MatrixXd information;
  Eigen::VectorXd slope;
};
Score score(std::span<const CurveBin> bins, const Curve& curve, const Eigen::VectorXd& numbers,
            const Eigen::VectorXd& steps) {
  const Eigen::Index n = numbers.size();
  Score s{Eigen::MatrixXd::Zero(n, n), Eigen::VectorXd::Zero(n)};
  Eigen::VectorXd gradient(n), there = numbers;
  for (const CurveBin& b : bins) {
    const double expected = curve(b.x, numbers);
    for (Eigen::Index i = 0; i < n; ++i) {
      there[i] = numbers[i] + steps[i];
      gradient[i] = (curve(b.x, there) - expected) / steps[i];
      there[i] = numbers[i];
    }
    s.information += gradient * gradient.transpose() / expected;
    s.slope += (b.counts / expected - 1) * gradient;
  }
  return s;
}

bool determined(const Eigen::MatrixXd& information) {
  if (!information.allFinite() || !(information.diagonal().minCoeff() > 0)) return false;
  const Eigen::VectorXd scale = information.diagonal().cwiseSqrt().cwiseInverse();
  const Eigen::MatrixXd scaled = scale.asDiagonal() * information * scale.asDiagonal();
  return Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(scaled, Eigen::EigenvaluesOnly).eigenvalues()[0] > kSingular;
}

void judge(std::span<const CurveBin> bins, const Curve& curve, CurveFit& fit) {
  double expected = 0, seen = 0;
  for (const CurveBin& b : bins) {
    expected += curve(b.x, fit.numbers), seen += b.counts;
    if (expected < kExpected) continue;
    fit.chi_squared += (seen - expected) * (seen - expected) / expected;
    ++fit.degrees;
    expected = seen = 0;
  }
  fit.degrees = std::max(0, fit.degrees - static_cast<int>(fit.numbers.size()));
}

}  // namespace

std::optional<CurveFit> fit_curve(std::span<const CurveBin> bins, const Curve& curve, const Eigen::VectorXd& start,
                                  const Eigen::VectorXd& steps) {
  CurveFit fit;
  fit.numbers = start;
  fit.log_likelihood = log_likelihood(bins, curve, start);
  if (fit.log_likelihood == kOutside) return std::nullopt;
  double damping = 1e-3, gained = 1;
  for (int i = 0; i < kMostSteps && gained > kEnough; ++i) {
    const Score s = score(bins, curve, fit.numbers, steps);
    gained = 0;
    while (gained <= 0 && damping < 1e8) {
      Eigen::MatrixXd m = s.information;
      m.diagonal() *= 1 + damping;
      damping *= 10;
      const Eigen::VectorXd next = fit.numbers + m.ldlt().solve(s.slope);
      const double there = next.allFinite() ? log_likelihood(bins, curve, next) : kOutside;
      if (!(there > fit.log_likelihood)) continue;
      gained = there - fit.log_likelihood;
      fit.numbers = next, fit.log_likelihood = there;
    }
    damping = std::max(damping / 100, 1e-9);
  }
  const Score s = score(bins, curve, fit.numbers, steps);
  if (!determined(s.information)) return std::nullopt;
  fit.covariance = s.information.inverse();
  judge(bins, curve, fit);
  return fit;
}

}  // namespace nicol::calibration
