// SPDX-License-Identifier: Apache-2.0
#include "controller/calibration/track_choice.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace nicol::calibration {
namespace {

constexpr std::size_t kTruths = 16;         // hypotheses that the next block is imagined for
constexpr std::size_t kWitnesses = 256;     // hypotheses that its counts are weighed against
constexpr std::size_t kGuesses = 4;         // single hypotheses whose best settings are candidates
constexpr double kDithers[] = {0.1, 0.25};  // rad

/// Every so many-th of them: they come ordered by where they came from.
std::vector<Hypothesis> some_of(std::span<const Hypothesis> all, std::size_t count) {
  std::vector<Hypothesis> some;
  for (std::size_t i = 0; i < count; ++i) some.push_back(all[(2 * i + 1) * all.size() / (2 * count)]);
  return some;
}

/// Of the best setting for a mean of arrived states: (2 - sum of its singular values) / 4.
double least_qber(const Arrived& mean) {
  const Eigen::Matrix2d square = mean.transpose() * mean;
  return (2 - std::sqrt(square.trace() + 2 * std::sqrt(std::max(square.determinant(), 0.0)))) / 4;
}

Arrived mean_arrived(std::span<const Hypothesis> all) {
  Arrived sum = Arrived::Zero();
  for (const Hypothesis& h : all) sum += arrived(h);
  return sum / static_cast<double>(all.size());
}

std::vector<Rotation> candidates(std::span<const Hypothesis> all, const Rotation& now, const Rotation& best) {
  std::vector<Rotation> list{best, now};
  const double diagonal = std::sqrt(0.5);
  for (const Stokes& axis :
       {Stokes(1, 0, 0), Stokes(0, 1, 0), Stokes(diagonal, diagonal, 0), Stokes(diagonal, -diagonal, 0)})
    for (const double by : kDithers)
      for (const double sign : {1.0, -1.0}) list.push_back(turn(sign * by * axis) * best);
  const std::vector<Hypothesis> guesses = some_of(all, kGuesses);
  for (const Hypothesis& h : guesses) list.push_back(best_compensator({&h, 1}));
  return list;
}

/// What the next block may look like, and what would be left to pay after it.
class Lookahead {
 public:
  Lookahead(std::span<const Hypothesis> all, const Outlook& outlook)
      : truths_(some_of(all, kTruths)), witnesses_(some_of(all, kWitnesses)), outlook_(outlook), seen_(kWitnesses) {
    for (const Hypothesis& h : witnesses_) arrived_.push_back(arrived(h));
  }
  double qber_after(const Rotation& compensator) {
    for (std::size_t i = 0; i < kWitnesses; ++i) seen_[i] = correlators_of(arrived_[i], compensator);
    double sum = 0;
    for (const Hypothesis& truth : truths_) sum += qber_if(truth, compensator);
    return sum / static_cast<double>(kTruths);
  }

 private:
  double qber_if(const Hypothesis& truth, const Rotation& compensator) const {
    const Correlators shown = correlators_of(arrived(truth), compensator);
    const Eigen::Matrix<double, 4, 3> slope = slopes(truth, compensator).leftCols<3>();
    Eigen::Matrix4d covariance = truth.walk * truth.walk * outlook_.hours * slope * slope.transpose();
    covariance.diagonal() += outlook_.variance;
    const Eigen::Matrix4d precision = covariance.inverse();
    Arrived sum = Arrived::Zero();
    double all = 0;
    for (std::size_t i = 0; i < kWitnesses; ++i) {
      const Correlators off = seen_[i] - shown;
      const double weight = std::exp(-off.dot(precision * off) / 4);  // the counts' own noise spreads it once more
      sum += weight * arrived_[i], all += weight;
    }
    return all > 0 ? least_qber(sum / all) : 0.5;
  }

  std::vector<Hypothesis> truths_, witnesses_;
  std::vector<Arrived> arrived_;
  Outlook outlook_;
  std::vector<Correlators> seen_;
};

}  // namespace

double expected_qber(std::span<const Hypothesis> all, const Rotation& compensator) {
  return qber_of(correlators_of(mean_arrived(all), compensator));
}

Rotation best_compensator(std::span<const Hypothesis> all) {
  Eigen::Matrix3d wide = Eigen::Matrix3d::Zero();
  wide.leftCols<2>() = mean_arrived(all);
  const Eigen::JacobiSVD<Eigen::Matrix3d> svd(wide, Eigen::ComputeFullU | Eigen::ComputeFullV);
  const double hand = (svd.matrixU() * svd.matrixV().transpose()).determinant() < 0 ? -1 : 1;
  return svd.matrixV() * Eigen::Vector3d(1, 1, hand).asDiagonal() * svd.matrixU().transpose();
}

Rotation within_step(const Rotation& now, const Rotation& wanted, double largest_step) {
  const Eigen::AngleAxisd way(Rotation(wanted * now.transpose()));
  return turn(std::min(way.angle(), largest_step) * way.axis()) * now;
}

Choice choose_compensator(std::span<const Hypothesis> all, const Rotation& now, double largest_step,
                          const Outlook& outlook) {
  Lookahead ahead(all, outlook);
  Choice choice;
  double cheapest = 1, best_cost = std::numeric_limits<double>::infinity();
  for (const Rotation& wanted : candidates(all, now, within_step(now, best_compensator(all), largest_step))) {
    const Rotation there = within_step(now, wanted, largest_step);
    const double qber = expected_qber(all, there), cost = qber + outlook.blocks_ahead * ahead.qber_after(there);
    cheapest = std::min(cheapest, qber);
    if (cost < best_cost) best_cost = cost, choice.compensator = there, choice.qber = qber;
  }
  double known = 0;
  for (const Hypothesis& h : all) known += least_qber(arrived(h)) / static_cast<double>(all.size());
  choice.dither = choice.qber - cheapest, choice.doubt = cheapest - known;
  return choice;
}

}  // namespace nicol::calibration
