// SPDX-License-Identifier: Apache-2.0
#include "controller/detection/pairs/clock_filter.hpp"

#include <Eigen/Dense>
#include <cmath>

namespace nicol::detection::pairs {
namespace {

/// Random walk of the frequency: 1e-9 after a second, as free-running quartz does at worst; per ps.
constexpr double kWalk = 1e-9 * 1e-9 / 1e12;

}  // namespace

ClockFilter::ClockFilter(const ClockLine& line, double offset_error, double frequency_error)
    : line_(line), oo_(offset_error * offset_error), ff_(frequency_error * frequency_error) {}

double ClockFilter::offset_error() const { return std::sqrt(oo_); }

void ClockFilter::predict(std::int64_t instant) {
  const auto dt = static_cast<double>(instant - line_.at);
  line_ = line_.moved_to(instant);
  const double t = std::abs(dt);
  oo_ += 2 * dt * of_ + dt * dt * ff_ + kWalk * t * t * t / 3;
  of_ += dt * ff_ + kWalk * t * dt / 2;
  ff_ += kWalk * t;
}

void ClockFilter::correct(double residual, double variance) {
  const double gain_o = oo_ / (oo_ + variance), gain_f = of_ / (oo_ + variance);
  line_.offset += gain_o * residual;
  line_.frequency += gain_f * residual;
  ff_ -= gain_f * of_;
  of_ -= gain_o * of_;
  oo_ -= gain_o * oo_;
}

ClockLine fit_anchors(const std::vector<Anchor>& anchors, std::int64_t instant, double frequency_guess) {
  const Anchor& first = anchors.front();
  const auto span = static_cast<double>(anchors.back().at - first.at);
  const int terms = anchors.size() < 3 || span <= 0 ? 1 : anchors.size() < 8 || span < 1e12 ? 2 : 3;
  Eigen::MatrixXd normal = Eigen::MatrixXd::Zero(terms, terms);
  Eigen::VectorXd right = Eigen::VectorXd::Zero(terms), powers(terms);
  const double unit = span > 0 ? span : 1;
  const auto fill = [&](double x) {
    for (int k = 0; k < terms; ++k) powers[k] = k == 0 ? 1 : powers[k - 1] * x;
  };
  for (const Anchor& a : anchors) {
    const auto t = static_cast<double>(a.at - first.at);
    fill(t / unit);
    normal += powers * powers.transpose() / a.variance;
    right += powers * (a.offset - first.offset - frequency_guess * t) / a.variance;
  }
  const Eigen::VectorXd fit = normal.ldlt().solve(right);
  const auto t = static_cast<double>(instant - first.at);
  fill(t / unit);
  double slope = 0;
  for (int k = 1; k < terms; ++k) slope += k * fit[k] * powers[k - 1] / unit;
  return {instant, first.offset + frequency_guess * t + fit.dot(powers), frequency_guess + slope};
}

}  // namespace nicol::detection::pairs
