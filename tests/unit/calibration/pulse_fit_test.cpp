// SPDX-License-Identifier: Apache-2.0
// Pulses and noise of drawn counts at many thresholds.
#include "controller/calibration/pulse_fit.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "tests/unit/calibration/coverage.hpp"
#include "tests/unit/calibration/drawn_counts.hpp"

namespace nicol::calibration {
namespace {

struct Line {
  double height = 1, spread = 0.08, noise = 0.05, noise_clicks = 1e6, light = 5'000, dark = 100;
};

std::vector<ThresholdCounts> drawn(const Line& line, const std::vector<double>& volts, CounterStream& draws) {
  std::vector<ThresholdCounts> all;
  for (const double v : volts) {
    const double seen = 0.5 * std::erfc((v - line.height) / (line.spread * std::numbers::sqrt2));
    const double noise = line.noise_clicks * std::exp(-0.5 * std::pow(v / line.noise, 2));
    all.push_back({v, test::draw_poisson((line.light + line.dark) * seen + noise, draws),
                   test::draw_poisson(line.dark * seen + noise, draws)});
  }
  return all;
}

std::vector<double> steps(double from, double to, int n) {
  std::vector<double> all;
  for (int i = 0; i < n; ++i) all.push_back(from + (to - from) * i / (n - 1));
  return all;
}

CounterStream draws(std::uint64_t index) { return CounterStream({17, NodeId::bob, Purpose::test, index}); }

TEST(PulseFit, PutsTheThresholdBetweenNoiseAndPulses) {
  CounterStream random = draws(0);
  const auto fit = fit_pulses(drawn({}, steps(0.1, 1.4, 27), random));
  ASSERT_TRUE(fit);
  EXPECT_NEAR(fit->height_v, 1, 4.5 * fit->height_error);
  EXPECT_NEAR(fit->spread_v, 0.08, 4.5 * fit->spread_error);
  EXPECT_TRUE(fit->apart);
  EXPECT_GT(fit->noise_ends_v, 0.15);
  EXPECT_LT(fit->noise_ends_v, 0.35);
  EXPECT_NEAR(fit->threshold_v, (fit->noise_ends_v + fit->height_v - 4 * fit->spread_v) / 2, 1e-9);
}

TEST(PulseFit, SaysWhereNoiseReachesIntoThePulses) {
  CounterStream random = draws(1);
  Line line;
  line.noise = 0.2;
  const auto fit = fit_pulses(drawn(line, steps(0.3, 1.4, 23), random));
  ASSERT_TRUE(fit);
  EXPECT_FALSE(fit->apart);
  EXPECT_GT(fit->threshold_v, 0.6);
  EXPECT_LT(fit->threshold_v, 1);
}

TEST(PulseFit, NeedsAThresholdAboveThePulses) {
  CounterStream random = draws(2);
  EXPECT_FALSE(fit_pulses(drawn({}, steps(0.1, 0.8, 15), random)));
}

TEST(PulseFit, NeedsLight) {
  CounterStream random = draws(3);
  Line line;
  line.light = 0, line.dark = 20;
  EXPECT_FALSE(fit_pulses(drawn(line, steps(0.3, 1.4, 23), random)));
}

TEST(PulseFit, OfTooFewThresholdsIsNothing) {
  EXPECT_FALSE(fit_pulses({}));
  const std::vector<ThresholdCounts> two{{0.2, 1'000, 10}, {0.4, 0, 0}};
  EXPECT_FALSE(fit_pulses(two));
}

struct Coverages {
  test::Coverage height, spread;
};
Coverages coverage(int fits) {
  Coverages c;
  for (int i = 0; i < fits; ++i) {
    CounterStream random = draws(100 + static_cast<std::uint64_t>(i));
    Line line;
    line.height = 0.5 + random.uniform();
    line.spread = line.height * (0.05 + 0.1 * random.uniform());
    const auto fit = fit_pulses(drawn(line, steps(0.3 * line.height, 1.6 * line.height, 24), random));
    if (!fit) continue;
    c.height.add(fit->height_v - line.height, fit->height_error);
    c.spread.add(fit->spread_v - line.spread, fit->spread_error);
  }
  return c;
}

TEST(PulseFit, HasErrorBarsThatCoverTheTruth) {
  const Coverages c = coverage(100);
  test::expect_covers(c.height, 100);
  test::expect_covers(c.spread, 100);
}

TEST(LongPulseFit, CoversTheTruthAsItsErrorBarsSay) {
  const Coverages c = coverage(1000);
  test::expect_honest("pulse height", c.height);
  test::expect_honest("pulse spread", c.spread);
}

}  // namespace
}  // namespace nicol::calibration
