// SPDX-License-Identifier: Apache-2.0
// The three-state clock model (Zucca, Tavella, "The clock model and its relationship with the Allan variance", IEEE
// UFFC 52, 289 (2005)): random walks of frequency and of drift.
#include "controller/detection/clock/phase_filter.hpp"

#include <cmath>

namespace nicol::detection {

void PhaseFilter::start(double phase_sigma, double frequency, double frequency_sigma, double drift) {
  state_ << 0, frequency, drift;
  covariance_.setZero();
  covariance_.diagonal() << phase_sigma * phase_sigma, frequency_sigma * frequency_sigma, noise_.drift * noise_.drift;
}

double PhaseFilter::predict(double t) {
  Eigen::Matrix3d step;
  step << 1, t, t * t / 2, 0, 1, t, 0, 0, 1;
  const double f = noise_.frequency_walk * noise_.frequency_walk, d = noise_.drift_walk * noise_.drift_walk;
  Eigen::Matrix3d walk;
  walk << f * t * t * t / 3 + d * std::pow(t, 5) / 20, f * t * t / 2 + d * std::pow(t, 4) / 8, d * t * t * t / 6,
      f * t * t / 2 + d * std::pow(t, 4) / 8, f * t + d * t * t * t / 3, d * t * t / 2,  //
      d * t * t * t / 6, d * t * t / 2, d * t;
  covariance_ = step * covariance_ * step.transpose() + walk;
  const double beyond = state_(2) * t * t / 2;
  state_(1) += state_(2) * t;
  return beyond;
}

double PhaseFilter::update(double error, double sigma) {
  const Eigen::Vector3d gain = covariance_.col(0) / (covariance_(0, 0) + sigma * sigma);
  state_ += gain * error;
  covariance_ -= gain * covariance_.row(0);
  covariance_ = (covariance_ + covariance_.transpose()).eval() / 2;
  const double moved = state_(0);
  state_(0) = 0;
  return moved;
}

double PhaseFilter::expected(double sigma) const { return std::sqrt(covariance_(0, 0) + sigma * sigma); }
double PhaseFilter::phase_sigma() const { return std::sqrt(covariance_(0, 0)); }
double PhaseFilter::frequency_sigma() const { return std::sqrt(covariance_(1, 1)); }
double PhaseFilter::drift_sigma() const { return std::sqrt(covariance_(2, 2)); }

}  // namespace nicol::detection
