// SPDX-License-Identifier: Apache-2.0
#include "controller/service/control_chart.hpp"

#include <algorithm>
#include <cmath>

namespace nicol::service {
namespace {

constexpr double kD2 = 1.128;  // mean range of two normal draws, in standard deviations (2/sqrt(pi))
constexpr double kSigmas = 3, kDay = 86'400, kWeek = 7 * kDay;

double mean(std::span<const ChartPoint> points) {
  double sum = 0;
  for (const ChartPoint& p : points) sum += p.value;
  return sum / static_cast<double>(points.size());
}

double mean_step(std::span<const ChartPoint> points) {
  double sum = 0;
  for (std::size_t i = 1; i < points.size(); ++i) sum += std::abs(points[i].value - points[i - 1].value);
  return sum / static_cast<double>(points.size() - 1);
}

double weeks_between(const ChartPoint& a, const ChartPoint& b) { return static_cast<double>(b.when - a.when) / kWeek; }

/// Slope of the least-squares line, and its error from how the points scatter about it.
void fit_drift(std::span<const ChartPoint> points, ControlChart& chart) {
  const auto n = static_cast<double>(points.size());
  double middle = 0, xx = 0, xy = 0, rest = 0;
  for (const ChartPoint& p : points) middle += weeks_between(points[0], p) / n;
  for (const ChartPoint& p : points) {
    const double x = weeks_between(points[0], p) - middle;
    xx += x * x, xy += x * (p.value - chart.centre);
  }
  if (!(weeks_between(points.front(), points.back()) >= kDay / kWeek)) return;
  chart.drift = xy / xx;
  if (points.size() < 3) return;
  for (const ChartPoint& p : points)
    rest += std::pow(p.value - chart.centre - *chart.drift * (weeks_between(points[0], p) - middle), 2);
  chart.drift_error = std::sqrt(rest / (n - 2) / xx);
}

}  // namespace

ControlChart control_chart(std::span<const ChartPoint> points) {
  ControlChart chart;
  chart.centre = chart.lower = chart.upper = mean(points);
  chart.outside.assign(points.size(), false);
  if (points.size() < 2) return chart;
  chart.limits = true;
  chart.sigma = mean_step(points) / kD2;
  chart.lower = chart.centre - kSigmas * chart.sigma;
  chart.upper = chart.centre + kSigmas * chart.sigma;
  const double rounding = 1e-12 * std::abs(chart.centre);
  for (std::size_t i = 0; i < points.size(); ++i)
    chart.outside[i] = points[i].value < chart.lower - rounding || points[i].value > chart.upper + rounding;
  fit_drift(points, chart);
  return chart;
}

}  // namespace nicol::service
