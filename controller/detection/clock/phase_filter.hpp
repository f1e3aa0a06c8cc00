// SPDX-License-Identifier: Apache-2.0
// One clock against another: phase, frequency and drift followed by a Kalman filter, with their error bars.
#pragma once

#include <Eigen/Core>

namespace nicol::detection {

/// How unsteady the two clocks are against each other, and how far a drift may be from none at the start.
struct ClockNoise {
  double frequency_walk = 3e-10;  // of the relative frequency, per square root of a second
  double drift_walk = 1e-10;      // of the drift (1/s), per square root of a second
  double drift = 1e-9;            // 1/s, one sigma
};

/// State: phase error in seconds against the line that its user keeps, relative frequency, drift per second. The user
/// moves its line by what predict() and update() return, so the phase error is zero on average at all times.
class PhaseFilter {
 public:
  explicit PhaseFilter(ClockNoise noise) : noise_(noise) {}
  /// drift: as known from before, or none.
  void start(double phase_sigma, double frequency, double frequency_sigma, double drift);
  /// The later the less is known. Returns by how much the phase has run beyond (1 + frequency) * seconds: drift.
  double predict(double seconds);
  /// A measured phase error with its standard deviation (both seconds). Returns what the line must move by.
  double update(double error, double sigma);
  /// Standard deviation of what update() would be given.
  double expected(double sigma) const;

  double frequency() const { return state_(1); }
  double drift() const { return state_(2); }
  double phase_sigma() const;
  double frequency_sigma() const;
  double drift_sigma() const;

 private:
  ClockNoise noise_;
  Eigen::Vector3d state_ = Eigen::Vector3d::Zero();
  Eigen::Matrix3d covariance_ = Eigen::Matrix3d::Zero();
};

}  // namespace nicol::detection
