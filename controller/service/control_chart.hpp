// SPDX-License-Identifier: Apache-2.0
// Whether a quantity that is measured again and again stays what it was: Shewhart's chart of single measurements.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace nicol::service {

struct ChartPoint {
  std::int64_t when = 0;        // Unix seconds
  double value = 0, error = 0;  // standard error, as it was measured
};

/// Individuals and moving ranges (Montgomery, Introduction to Statistical Quality Control, section 6.4): the centre is
/// the mean, sigma the mean of the steps from each point to the next over 1.128, the limits lie 3 sigma off. So sigma
/// is what neighbours differ by; a slow drift widens it little and shows as points outside.
struct ControlChart {
  double centre = 0, sigma = 0, lower = 0, upper = 0;
  bool limits = false;        // two points or more
  std::vector<bool> outside;  // of each point
  // Per week, by least squares, over a day or more; error: of three points or more.
  std::optional<double> drift, drift_error;
};

/// Fewer points than this make limits that may still move much.
inline constexpr std::size_t kSettledPoints = 20;

/// Points in the order they were made, all finite; at least one.
ControlChart control_chart(std::span<const ChartPoint> points);

}  // namespace nicol::service
