// SPDX-License-Identifier: Apache-2.0
#include "controller/calibration/analyser_curve.hpp"

#include <cmath>
#include <vector>

#include "controller/calibration/poisson_fit.hpp"

namespace nicol::calibration {
namespace {

constexpr double kStart = 0.9;  // the search begins with no more visibility: every rate is above zero there

/// Rate, cosine and sine by their first moments.
Eigen::Vector3d moments(std::span<const CurvePoint> points) {
  double counts = 0, exposure = 0, cosine = 0, sine = 0;
  for (const CurvePoint& p : points) counts += p.counts, exposure += p.exposure;
  for (const CurvePoint& p : points) {
    const double ratio = p.counts / p.exposure / (counts / exposure) - 1;
    cosine += 2 * ratio * std::cos(p.phase) / static_cast<double>(points.size());
    sine += 2 * ratio * std::sin(p.phase) / static_cast<double>(points.size());
  }
  const double shrink = std::min(1.0, kStart / std::max(std::hypot(cosine, sine), 1e-9));
  return {counts / exposure, shrink * cosine, shrink * sine};
}

}  // namespace

std::optional<AnalyserCurve> fit_analyser(std::span<const CurvePoint> points) {
  constexpr std::size_t kLeastPoints = 5;
  std::vector<CurveBin> bins;
  double counts = 0;
  for (const CurvePoint& p : points) {
    bins.push_back({static_cast<double>(bins.size()), p.counts});
    counts += p.counts;
  }
  if (points.size() < kLeastPoints || counts == 0) return std::nullopt;
  const Curve curve = [&](double x, const Eigen::VectorXd& n) {
    const CurvePoint& p = points[static_cast<std::size_t>(x)];
    return p.exposure * n[0] * (1 + n[1] * std::cos(p.phase) + n[2] * std::sin(p.phase));
  };
  const Eigen::Vector3d start = moments(points);
  const auto fit = fit_curve(bins, curve, start, Eigen::Vector3d(1e-6 * start[0], 1e-6, 1e-6));
  if (!fit) return std::nullopt;
  const Eigen::Vector2d both = fit->numbers.tail<2>();
  const Eigen::Matrix2d covariance = fit->covariance.bottomRightCorner<2, 2>();
  const double size = std::max(both.norm(), 1e-12);
  const Eigen::Vector2d along = both / size, across(-along[1], along[0]);
  AnalyserCurve found;
  found.visibility = {size, std::sqrt(along.dot(covariance * along))};
  found.phase = {std::atan2(both[1], both[0]), std::sqrt(across.dot(covariance * across)) / size};
  found.chi_squared = fit->chi_squared, found.degrees = fit->degrees;
  return found;
}

}  // namespace nicol::calibration
