// SPDX-License-Identifier: Apache-2.0
#include "controller/calibration/compensation.hpp"

#include <Eigen/Dense>
#include <cmath>
#include <numbers>

namespace nicol::calibration {
namespace {

constexpr double kStep = 1e-6;       // rad, of the numerical derivative
constexpr double kDamping = 1e-6;    // keeps a step finite where two plates turn about the same axis
constexpr double kEnough = 1e-12;    // rad^2 of a step
constexpr double kAsGood = 1e-7;     // of contrast: then the way to go decides
constexpr double kSameAxis = 1e-12;  // sine of the middle Euler angle
constexpr int kMostSteps = 40;

/// From a state turned by the channel to what a rotation leaves of its own direction: the contrast of the two bases.
std::array<double, 2> contrast_of(const Rotation& whole) { return {whole(0, 0), whole(1, 1)}; }

/// The rotation vector of the whole, zero where the plates undo the channel.
Eigen::Vector3d residual(const PlateStack& stack, const Rotation& channel, const PlateAngles& angles) {
  const Eigen::AngleAxisd left(rotation(stack, angles) * channel);
  return left.angle() * left.axis();
}

double cost(const PlateStack& stack, const Rotation& channel, const PlateAngles& angles) {
  const auto c = contrast_of(rotation(stack, angles) * channel);
  return 2 - c[0] - c[1];
}

Eigen::Matrix3d slope(const PlateStack& stack, const Rotation& channel, const PlateAngles& angles) {
  const Eigen::Vector3d here = residual(stack, channel, angles);
  Eigen::Matrix3d j;
  for (std::size_t i = 0; i < 3; ++i) {
    PlateAngles there = angles;
    there[i] = there[i] + Angle::radians(kStep);
    j.col(static_cast<Eigen::Index>(i)) = (residual(stack, channel, there) - here) / kStep;
  }
  return j;
}

/// Levenberg-Marquardt on three angles.
PlateAngles polished(const PlateStack& stack, const Rotation& channel, PlateAngles angles) {
  double damping = kDamping, best = residual(stack, channel, angles).squaredNorm();
  for (int i = 0; i < kMostSteps; ++i) {
    const Eigen::Matrix3d j = slope(stack, channel, angles);
    const Eigen::Matrix3d normal = j.transpose() * j + damping * Eigen::Matrix3d::Identity();
    const Eigen::Vector3d step = normal.ldlt().solve(-(j.transpose() * residual(stack, channel, angles)));
    PlateAngles next = angles;
    for (std::size_t k = 0; k < 3; ++k) next[k] = next[k] + Angle::radians(step[static_cast<Eigen::Index>(k)]);
    const double there = residual(stack, channel, next).squaredNorm();
    if (there < best) {
      angles = next, best = there, damping = std::max(damping / 10, kDamping);
      if (step.squaredNorm() < kEnough) break;
    } else {
      damping *= 10;
    }
  }
  return angles;
}

/// A plate that turns by half a turn is the same plate.
Angle nearest(Angle wanted, Angle now) {
  const double miss = wanted.radians() - now.radians();
  return now + Angle::radians(std::remainder(miss, std::numbers::pi));
}

double way(const PlateAngles& from, const PlateAngles& to) {
  double most = 0;
  for (std::size_t i = 0; i < 3; ++i) most = std::max(most, std::abs((to[i] - from[i]).radians()));
  return most;
}

}  // namespace

std::array<PlateAngles, 2> plates_for(const Rotation& wanted) {
  const double sine = std::hypot(wanted(0, 2), wanted(1, 2));
  double alpha = std::atan2(wanted(1, 2), wanted(0, 2)), gamma = std::atan2(wanted(2, 1), -wanted(2, 0));
  double beta = std::atan2(sine, wanted(2, 2));
  if (sine < kSameAxis) {  // only the sum (or the difference) of the outer angles counts
    gamma = 0;
    alpha = std::atan2(wanted(1, 0), wanted(0, 0));
    if (wanted(2, 2) < 0) alpha = std::atan2(-wanted(1, 0), -wanted(0, 0));
  }
  const auto settings = [](double a, double b, double g) {
    return PlateAngles{Angle::radians(-g / 2), Angle::radians((a - g - b) / 4), Angle::radians(a / 2)};
  };
  return {settings(alpha, beta, gamma), settings(alpha + std::numbers::pi, -beta, gamma + std::numbers::pi)};
}

Compensation compensate(const PlateStack& stack, const Rotation& channel, const PlateAngles& now) {
  PlateAngles best{};
  double lost = 0;
  bool first = true;
  for (PlateAngles angles : plates_for(channel.transpose())) {
    angles = polished(stack, channel, angles);
    for (std::size_t i = 0; i < 3; ++i) angles[i] = nearest(angles[i], now[i]);
    const double here = cost(stack, channel, angles);
    const bool better = here < lost - kAsGood, equal = std::abs(here - lost) <= kAsGood;
    if (first || better || (equal && way(now, angles) < way(now, best))) best = angles, lost = here;
    first = false;
  }
  return {best, contrast_of(rotation(stack, best) * channel)};
}

}  // namespace nicol::calibration
