// SPDX-License-Identifier: Apache-2.0
#include "controller/calibration/plate_fit.hpp"

#include <Eigen/Dense>
#include <cmath>
#include <numbers>

namespace nicol::calibration {
namespace {

constexpr int kNumbers = 7, kMostSteps = 100;
constexpr double kDarkest = 1e-6;    // of the mean: the least that is expected anywhere
constexpr double kEnough = 1e-10;    // of a step, relative to the mean
constexpr double kSingular = 1e-12;  // eigenvalue, of the largest one
using Row = Eigen::Matrix<double, kNumbers, 1>;
using Square = Eigen::Matrix<double, kNumbers, kNumbers>;

/// Numbers: mean; cosine and sine of once a turn, of twice, of four times; all but the mean relative to it.
struct Model {
  Row row = Row::Zero();
  double darkest = 0;

  struct At {
    double expected = 0;
    Row slope;
  };
  At at(Angle stage) const {
    const double t = stage.radians();
    const double c1 = std::cos(t), s1 = std::sin(t), c2 = std::cos(2 * t), s2 = std::sin(2 * t);
    const double c4 = std::cos(4 * t), s4 = std::sin(4 * t);
    const double wedge = 1 + row[1] * c1 + row[2] * s1;
    const double light = 1 + row[3] * c2 + row[4] * s2 + row[5] * c4 + row[6] * s4;
    At here{std::max(row[0] * wedge * light, darkest), {}};
    const double a = row[0] * light, b = row[0] * wedge;
    here.slope << wedge * light, a * c1, a * s1, b * c2, b * s2, b * c4, b * s4;
    return here;
  }
};

double log_likelihood(std::span<const PlateCount> counts, const Model& model) {
  double sum = 0;
  for (const PlateCount& c : counts) {
    const double expected = model.at(c.stage).expected;
    sum += static_cast<double>(c.counts) * std::log(expected) - expected;
  }
  return sum;
}

Square information(std::span<const PlateCount> counts, const Model& model) {
  Square sum = Square::Zero();
  for (const PlateCount& c : counts) {
    const Model::At here = model.at(c.stage);
    sum += here.slope * here.slope.transpose() / here.expected;
  }
  return sum;
}

bool improve(std::span<const PlateCount> counts, Model& model) {
  Row slope = Row::Zero();
  for (const PlateCount& c : counts) {
    const Model::At here = model.at(c.stage);
    slope += (static_cast<double>(c.counts) / here.expected - 1) * here.slope;
  }
  Row step = information(counts, model).ldlt().solve(slope);
  const auto small = [&] { return std::abs(step[0]) < kEnough * model.row[0] && step.tail<6>().norm() < kEnough; };
  const double before = log_likelihood(counts, model);
  for (; !small(); step /= 2) {
    const Model next{model.row + step, model.darkest};
    if (log_likelihood(counts, next) <= before) continue;
    model = next;
    return true;
  }
  return false;
}

bool singular(const Square& m) {
  const Eigen::SelfAdjointEigenSolver<Square> solver(m, Eigen::EigenvaluesOnly);
  return !(solver.eigenvalues()[0] > kSingular * solver.eigenvalues()[kNumbers - 1]);
}

/// Of f(model), by the chain rule.
Estimate estimate(double value, const Row& gradient, const Square& covariance) {
  return {value, std::sqrt(gradient.dot(covariance * gradient))};
}

/// Of one harmonic. Of noise alone it is never zero; its error then says so.
Estimate amplitude(const Row& row, int cosine, const Square& covariance) {
  const double c = row[cosine], s = row[cosine + 1], size = std::hypot(c, s);
  Row g = Row::Zero();
  if (size > 0) g[cosine] = c / size, g[cosine + 1] = s / size;
  return estimate(size, g, covariance);
}

Estimate axis(const Row& row, const Square& covariance) {
  const double c = row[5], s = row[6], power = c * c + s * s, quarter = 180 / std::numbers::pi / 4;
  Row g = Row::Zero();
  g[5] = -s / power * quarter, g[6] = c / power * quarter;
  return estimate(std::atan2(s, c) * quarter, g, covariance);
}

/// From the ratio r of the fourfold to the mean: s = 2r/(1+r), d = 2 asin sqrt(s).
Estimate retardance(const Estimate& ratio) {
  const double r = std::clamp(ratio.value, 0.0, 1.0), s = 2 * r / (1 + r);
  const double slope = 2 / ((1 + r) * (1 + r)) / std::sqrt(std::max(s * (1 - s), 1e-12));
  return {2 * std::asin(std::sqrt(s)), ratio.error * slope};
}

}  // namespace

std::optional<PlateFit> fit_plate(std::span<const PlateCount> counts) {
  Model model;
  for (const PlateCount& c : counts) model.row[0] += static_cast<double>(c.counts) / static_cast<double>(counts.size());
  model.darkest = kDarkest * model.row[0];
  if (counts.size() < kNumbers + 2 || model.row[0] == 0 || singular(information(counts, model))) return std::nullopt;
  for (int i = 0; i < kMostSteps && improve(counts, model); ++i) continue;
  const Square covariance = information(counts, model).inverse();
  PlateFit fit;
  fit.axis_degrees = axis(model.row, covariance);
  fit.retardance = retardance(amplitude(model.row, 5, covariance));
  fit.wedge = amplitude(model.row, 1, covariance);
  fit.ellipticity = amplitude(model.row, 3, covariance);
  for (const PlateCount& c : counts) {
    const double expected = model.at(c.stage).expected, miss = static_cast<double>(c.counts) - expected;
    fit.chi_squared += miss * miss / expected;
  }
  fit.degrees = static_cast<int>(counts.size()) - kNumbers;
  return fit;
}

}  // namespace nicol::calibration
