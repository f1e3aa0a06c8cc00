// SPDX-License-Identifier: Apache-2.0
#include "controller/calibration/channel_fit.hpp"

#include <Eigen/Dense>
#include <cmath>

namespace nicol::calibration {
namespace {

constexpr double kRarest = 1e-9;        // a probability is nowhere nearer to 0 or 1
constexpr double kBlind = 1e-9;         // eigenvalue, of the largest one
constexpr double kRidge = 1e-9;         // of the linear estimate: keeps what is not seen at zero
constexpr double kEnough = 1e-9;        // of a step, radians or visibility
constexpr double kLeastVisible = 1e-3;  // where a search may begin
constexpr int kMostSteps = 60, kMostHalvings = 20;
using Gradient = Eigen::Vector4d;

double counts(const Observation& o) { return static_cast<double>(o.plus) + static_cast<double>(o.minus); }

/// analysed . compensator R sent.
double overlap(const Observation& o, const Rotation& channel) {
  return o.analysed.dot(o.compensator * (channel * o.sent));
}

double probability(const Observation& o, const Rotation& channel, double v) {
  return std::clamp((1 + v * overlap(o, channel)) / 2, kRarest, 1 - kRarest);
}

/// Of the probability, by the rotation vector on the left of the channel, and by v.
Gradient gradient(const Observation& o, const Rotation& channel, double v) {
  const Stokes arrived = channel * o.sent, seen = o.compensator.transpose() * o.analysed;
  Gradient g;
  g.head<3>() = v / 2 * arrived.cross(seen);
  g[3] = seen.dot(arrived) / 2;
  return g;
}

double log_likelihood(std::span<const Observation> seen, const Rotation& channel, double v) {
  double sum = 0;
  for (const Observation& o : seen) {
    const double p = probability(o, channel, v);
    sum += static_cast<double>(o.plus) * std::log(p) + static_cast<double>(o.minus) * std::log1p(-p);
  }
  return sum;
}

/// All directions lie in one plane through the origin.
bool flat(const Eigen::Matrix3d& moments) {
  const Eigen::SelfAdjointEigenSolver<Eigen::Matrix3d> solver(moments, Eigen::EigenvaluesOnly);
  return solver.eigenvalues()[0] <= kBlind * solver.eigenvalues()[2];
}

bool mirrored(std::span<const Observation> plan) {
  Eigen::Matrix3d sent = Eigen::Matrix3d::Zero(), seen = Eigen::Matrix3d::Zero();
  for (const Observation& o : plan) {
    const Stokes direction = o.compensator.transpose() * o.analysed;
    sent += o.sent * o.sent.transpose();
    seen += direction * direction.transpose();
  }
  return flat(sent) && flat(seen);
}

struct Score {
  Eigen::Matrix4d information = Eigen::Matrix4d::Zero();
  Gradient slope = Gradient::Zero();
};
Score score(std::span<const Observation> seen, const Rotation& channel, double v) {
  Score s;
  for (const Observation& o : seen) {
    const double p = probability(o, channel, v), n = counts(o), weight = 1 / (p * (1 - p));
    const Gradient g = gradient(o, channel, v);
    s.information += n * weight * g * g.transpose();
    s.slope += (static_cast<double>(o.plus) - n * p) * weight * g;
  }
  return s;
}

Rotation nearest_rotation(const Eigen::Matrix3d& m) {
  const Eigen::JacobiSVD<Eigen::Matrix3d> svd(m, Eigen::ComputeFullU | Eigen::ComputeFullV);
  Eigen::Vector3d sign(1, 1, 1);
  sign[2] = (svd.matrixU() * svd.matrixV().transpose()).determinant() < 0 ? -1 : 1;
  return svd.matrixU() * sign.asDiagonal() * svd.matrixV().transpose();
}

/// The asymmetries are linear in T = v R: least squares on its nine numbers. What a sent plane leaves open of the third
/// column follows from the other two.
Eigen::Matrix3d linear_estimate(std::span<const Observation> seen) {
  using Row = Eigen::Matrix<double, 9, 1>;
  Eigen::Matrix<double, 9, 9> normal = Eigen::Matrix<double, 9, 9>::Zero();
  Row right = Row::Zero();
  double all = 0;
  for (const Observation& o : seen) {
    const double n = counts(o);
    if (n == 0) continue;
    const Eigen::Matrix3d outer = (o.compensator.transpose() * o.analysed) * o.sent.transpose();
    const Row row = outer.reshaped();
    normal += n * row * row.transpose();
    right += (static_cast<double>(o.plus) - static_cast<double>(o.minus)) * row;
    all += n;
  }
  normal.diagonal().array() += kRidge * all;
  Eigen::Matrix3d t = Row(normal.ldlt().solve(right)).reshaped(3, 3);
  for (int i = 0; i < 3; ++i)
    if (t.col(i).norm() < kLeastVisible) t.col(i) = t.col((i + 1) % 3).cross(t.col((i + 2) % 3));
  return t;
}

/// One step of Fisher scoring, halved until the likelihood grows. False: it grows no more.
bool improve(std::span<const Observation> seen, ChannelFit& fit) {
  const Score s = score(seen, fit.channel, fit.visibility);
  Gradient step = s.information.ldlt().solve(s.slope);
  const double before = log_likelihood(seen, fit.channel, fit.visibility);
  for (int i = 0; i < kMostHalvings; ++i, step /= 2) {
    const Rotation channel = turn(step.head<3>()) * fit.channel;
    const double v = std::clamp(fit.visibility + step[3], kLeastVisible, 1.0);
    if (log_likelihood(seen, channel, v) < before) continue;
    fit.channel = channel, fit.visibility = v;
    return step.norm() > kEnough;
  }
  return false;
}

}  // namespace

Blind blind_to(std::span<const Observation> plan, const Rotation& channel) {
  Eigen::Matrix4d information = Eigen::Matrix4d::Zero();
  for (const Observation& o : plan) {
    const Gradient g = gradient(o, channel, 1);
    information += g * g.transpose();
  }
  const Eigen::SelfAdjointEigenSolver<Eigen::Matrix4d> solver(information);
  Blind blind;
  blind.mirrored = mirrored(plan);
  const double most = solver.eigenvalues()[3];
  for (int i = 0; i < 4; ++i)
    if (solver.eigenvalues()[i] <= kBlind * most) blind.directions.col(blind.count++) = solver.eigenvectors().col(i);
  return blind;
}

std::optional<ChannelFit> fit_channel(std::span<const Observation> seen) {
  if (mirrored(seen)) return std::nullopt;
  const Eigen::Matrix3d t = linear_estimate(seen);
  ChannelFit fit;
  fit.channel = nearest_rotation(t);
  fit.visibility = std::clamp((fit.channel.transpose() * t).trace() / 3, kLeastVisible, 1.0);
  for (int i = 0; i < kMostSteps && improve(seen, fit); ++i) continue;
  const Score s = score(seen, fit.channel, fit.visibility);
  const Eigen::SelfAdjointEigenSolver<Eigen::Matrix4d> solver(s.information);
  if (!(solver.eigenvalues()[0] > kBlind * solver.eigenvalues()[3])) return std::nullopt;
  fit.covariance = s.information.inverse();
  return fit;
}

}  // namespace nicol::calibration
