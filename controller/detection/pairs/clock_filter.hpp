// SPDX-License-Identifier: Apache-2.0
// Follows the two clocks: a Kalman filter of offset and frequency, fed with the mean residual of each batch of pairs.
#pragma once

#include <cstdint>
#include <vector>

#include "controller/detection/pairs/clock_line.hpp"

namespace nicol::detection::pairs {

class ClockFilter {
 public:
  ClockFilter() = default;
  /// Errors: one standard deviation, ps and without unit.
  ClockFilter(const ClockLine& line, double offset_error, double frequency_error);
  const ClockLine& line() const { return line_; }
  double offset_error() const;
  /// To this instant; the frequency may have wandered.
  void predict(std::int64_t instant);
  /// The pairs about now lay `residual` ps off the line; variance in ps^2.
  void correct(double residual, double variance);

 private:
  ClockLine line_;
  double oo_ = 0, of_ = 0, ff_ = 0;  // covariance; time in ps
};

/// A measured offset: the line it was measured from and how far off the pairs lay.
struct Anchor {
  std::int64_t at = 0;
  double offset = 0, variance = 1;
};
/// A parabola through the anchors (a line where they are few or close together): its value and slope at an instant.
/// At least one anchor. Weighted least squares.
ClockLine fit_anchors(const std::vector<Anchor>& anchors, std::int64_t instant, double frequency_guess);

}  // namespace nicol::detection::pairs
