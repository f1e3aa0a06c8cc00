// SPDX-License-Identifier: Apache-2.0
#include "controller/service/control_chart.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace nicol::service {
namespace {

constexpr std::int64_t kWeek = 7 * 86'400;

std::vector<ChartPoint> weekly(std::initializer_list<double> values) {
  std::vector<ChartPoint> points;
  for (const double v : values) points.push_back({kWeek * static_cast<std::int64_t>(points.size()), v, 0});
  return points;
}

/// Costs of processing loan applications, 20 weeks: Montgomery's example of individuals charts, with the numbers he
/// prints: mean 300.5, mean moving range 7.79, limits 321.22 and 279.78.
const std::vector<ChartPoint> kTextbook =
    weekly({310, 288, 297, 298, 307, 303, 294, 297, 308, 306, 294, 299, 297, 299, 314, 295, 293, 306, 301, 304});

TEST(ControlChart, GivesTheLimitsOfATextbookSeries) {
  const ControlChart chart = control_chart(kTextbook);
  EXPECT_NEAR(chart.centre, 300.5, 1e-9);
  EXPECT_NEAR(chart.sigma * 1.128, 7.79, 0.005);
  EXPECT_NEAR(chart.upper, 321.22, 0.01);
  EXPECT_NEAR(chart.lower, 279.78, 0.01);
}

TEST(ControlChart, FindsTheTextbookSeriesInControl) {
  const auto out = control_chart(kTextbook).outside;
  EXPECT_EQ(std::count(out.begin(), out.end(), true), 0);
}

TEST(ControlChart, FlagsThePointThatIsOutsideAndNoOther) {
  auto points = kTextbook;
  points.push_back({20 * kWeek, 345, 0});
  const auto out = control_chart(points).outside;
  EXPECT_TRUE(out.back());
  EXPECT_EQ(std::count(out.begin(), out.end(), true), 1);
}

TEST(ControlChart, HasNoLimitsFromOnePoint) {
  const ControlChart chart = control_chart(weekly({5}));
  EXPECT_FALSE(chart.limits);
  EXPECT_FALSE(chart.drift.has_value());
  EXPECT_EQ(chart.centre, 5);
}

TEST(ControlChart, TakesEqualPointsAsInControl) {
  const auto out = control_chart(weekly({0.1, 0.1, 0.1, 0.1})).outside;
  EXPECT_EQ(std::count(out.begin(), out.end(), true), 0);
}

TEST(ControlChart, TellsAStraightDriftPerWeekWithoutError) {
  const ControlChart chart = control_chart(weekly({1, 3, 5, 7, 9}));
  EXPECT_NEAR(chart.drift.value(), 2, 1e-12);
  EXPECT_NEAR(chart.drift_error.value(), 0, 1e-9);
}

TEST(ControlChart, MeasuresDriftInWeeksWhateverTheSpacing) {
  const std::vector<ChartPoint> points{{0, 10, 0}, {kWeek / 7, 11, 0}, {kWeek / 2, 13.5, 0}, {2 * kWeek, 24, 0}};
  EXPECT_NEAR(control_chart(points).drift.value(), 7, 1e-9);
}

TEST(ControlChart, HasNoDriftWithinADay) {
  EXPECT_FALSE(control_chart(std::vector<ChartPoint>{{7, 1, 0}, {7, 2, 0}}).drift.has_value());
  EXPECT_FALSE(control_chart(std::vector<ChartPoint>{{0, 1, 0}, {86'399, 2, 0}}).drift.has_value());
  EXPECT_TRUE(control_chart(std::vector<ChartPoint>{{0, 1, 0}, {86'400, 2, 0}}).drift.has_value());
}

TEST(ControlChart, CoversTheTrueDriftAsOftenAsItsErrorSays) {
  std::mt19937_64 draws(3);
  std::normal_distribution<double> noise(0, 2);
  int covered = 0;
  for (int trial = 0; trial < 1000; ++trial) {
    std::vector<ChartPoint> points;
    for (int i = 0; i < 30; ++i) points.push_back({i * kWeek / 5, 40 + 0.7 * i / 5 + noise(draws), 2});
    const ControlChart chart = control_chart(points);
    covered += std::abs(*chart.drift - 0.7) < 2.048 * *chart.drift_error ? 1 : 0;  // Student t, 28 degrees, 95 %
  }
  EXPECT_NEAR(covered, 950, 30);
}

TEST(ControlChart, SaysSigmaOfWhatScattersByIt) {
  std::mt19937_64 draws(4);
  std::normal_distribution<double> noise(0, 2);
  std::vector<ChartPoint> points;
  for (int i = 0; i < 20'000; ++i) points.push_back({i, noise(draws), 2});
  EXPECT_NEAR(control_chart(points).sigma, 2, 0.05);
}

}  // namespace
}  // namespace nicol::service
