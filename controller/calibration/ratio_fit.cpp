// SPDX-License-Identifier: Apache-2.0
#include "controller/calibration/ratio_fit.hpp"

#include <Eigen/Dense>
#include <cmath>
#include <numbers>

namespace nicol::calibration {
namespace {

constexpr double kLeast = 100;      // clicks of a state in a basis
constexpr double kSingular = 1e-3;  // eigenvalue, in units of the diagonal
constexpr double kEnough = 1e-10;
constexpr int kMostSteps = 50;

struct Basis {
  double ones = 0, zeros = 0;          // that light brought
  double all_ones = 0, all_zeros = 0;  // as counted
};

/// What a basis counted of a state if both its detectors saw as well as that of 0: its logarithm, how that changes with
/// ln(eta1/eta0), and its variance.
struct Whole {
  double log = 0, slope = 0, variance = 0;
};
Whole whole(const Basis& n, double log_ratio) {
  const double inverse = std::exp(-log_ratio), sum = n.ones * inverse + n.zeros;
  return {std::log(sum), -n.ones * inverse / sum, (n.all_ones * inverse * inverse + n.all_zeros) / (sum * sum)};
}

using Table = std::array<std::array<Basis, 2>, 4>;
std::optional<Table> table(const StateTable& seen, const std::array<double, 4>& background) {
  Table all;
  for (std::size_t s = 0; s < 4; ++s)
    for (std::size_t b = 0; b < 2; ++b) {
      const auto zeros = static_cast<double>(seen[s][2 * b]), ones = static_cast<double>(seen[s][2 * b + 1]);
      all[s][b] = {ones - background[2 * b + 1] / 4, zeros - background[2 * b] / 4, ones, zeros};
      if (all[s][b].ones + all[s][b].zeros < kLeast) return std::nullopt;
    }
  return all;
}

struct Normal {
  Eigen::Matrix3d information = Eigen::Matrix3d::Zero();
  Eigen::Vector3d slope = Eigen::Vector3d::Zero();
  double chi_squared = 0;
};
/// Numbers: ln eta1/eta0 of both bases, logarithm of the bases' shares.
Normal normal(const Table& counts, const Eigen::Vector3d& m) {
  Normal n;
  for (const auto& state : counts) {
    const Whole r = whole(state[0], m[0]), d = whole(state[1], m[1]);
    const double miss = r.log - d.log - m[2], weight = 1 / (r.variance + d.variance);
    const Eigen::Vector3d g(r.slope, -d.slope, -1);
    n.information += weight * g * g.transpose();
    n.slope -= weight * miss * g;
    n.chi_squared += weight * miss * miss;
  }
  return n;
}

bool determined(const Eigen::Matrix3d& information) {
  const Eigen::Vector3d scale = information.diagonal().cwiseSqrt().cwiseInverse();
  const Eigen::Matrix3d scaled = scale.asDiagonal() * information * scale.asDiagonal();
  return Eigen::SelfAdjointEigenSolver<Eigen::Matrix3d>(scaled, Eigen::EigenvaluesOnly).eigenvalues()[0] > kSingular;
}

}  // namespace

double normal_quantile(double risk) {
  double low = 0, high = 40;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (std::erfc(middle / std::numbers::sqrt2) > risk ? low : high) = middle;
  }
  return high;
}

std::array<double, 2> Mismatch::interval(double risk) const {
  const double z = normal_quantile(risk) * log_ratio.error;
  return {std::tanh((log_ratio.value - z) / 2), std::tanh((log_ratio.value + z) / 2)};
}

std::optional<MismatchFit> fit_mismatch(const StateTable& seen, const std::array<double, 4>& background) {
  const auto counts = table(seen, background);
  if (!counts) return std::nullopt;
  Eigen::Vector3d numbers = Eigen::Vector3d::Zero();
  for (int i = 0; i < kMostSteps; ++i) {
    const Normal n = normal(*counts, numbers);
    if (!n.information.allFinite() || !determined(n.information)) return std::nullopt;
    const Eigen::Vector3d step = n.information.ldlt().solve(n.slope);
    numbers += step;
    if (step.norm() < kEnough) break;
  }
  const Normal end = normal(*counts, numbers);
  const Eigen::Matrix3d covariance = end.information.inverse();
  MismatchFit fit;
  fit.chi_squared = end.chi_squared;
  for (int b = 0; b < 2; ++b) {
    const double d = std::tanh(numbers[b] / 2), error = std::sqrt(covariance(b, b));
    fit.bases[static_cast<std::size_t>(b)] = {{numbers[b], error}, {d, (1 - d * d) / 2 * error}};
  }
  return fit;
}

}  // namespace nicol::calibration
