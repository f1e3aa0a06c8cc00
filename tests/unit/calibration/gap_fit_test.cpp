// SPDX-License-Identifier: Apache-2.0
// Dead time and afterpulses from drawn gaps; exact limits of counts.
#include "controller/calibration/gap_fit.hpp"

#include <gtest/gtest.h>

#include "controller/calibration/statistics.hpp"
#include "tests/unit/calibration/coverage.hpp"
#include "tests/unit/calibration/drawn_clicks.hpp"

namespace nicol::calibration {
namespace {

constexpr LightComb kComb{{50'000}, {2'000}};
constexpr int kGaps = 20'000;

CounterStream draws(std::uint64_t index) { return CounterStream({31, NodeId::bob, Purpose::test, index}); }

struct Coverages {
  test::Coverage dead, probability, decay, background;
};
Coverages coverage(int fits) {
  Coverages c;
  for (int i = 0; i < fits; ++i) {
    CounterStream random = draws(1'000 + static_cast<std::uint64_t>(i));
    const test::DrawnDetector truth{30e3 + 12e3 * random.uniform(),
                                    150,
                                    0.01 + 0.03 * random.uniform(),
                                    30e3 + 60e3 * random.uniform(),
                                    20e3,
                                    50e3,
                                    1e-3};
    const auto gaps = test::draw_gaps(truth, kGaps, random);
    const double resolution = gap_resolution(gaps, kComb);
    const auto dead = fit_dead_time(gaps, resolution, kComb);
    if (!dead || dead->at_a_pulse) continue;
    c.dead.add(dead->dead_ps.value - truth.dead_ps, dead->dead_ps.error);
    const auto fit = fit_afterpulses(gaps, dead->dead_ps.value, resolution, kComb);
    if (!fit) continue;
    c.probability.add(fit->probability.value - truth.probability, fit->probability.error);
    c.decay.add(fit->decay_ps.value - truth.decay_ps, fit->decay_ps.error);
    c.background.add(fit->background_hz.value - truth.background_hz, fit->background_hz.error);
  }
  return c;
}

TEST(GapFit, FindsDeadTimeAndAfterpulsesBetweenThePulsesOfLight) {
  CounterStream random = draws(0);
  const test::DrawnDetector truth;
  const auto gaps = test::draw_gaps(truth, 200'000, random);
  EXPECT_NEAR(gap_resolution(gaps, kComb), 150 * std::numbers::sqrt2, 15);
  const auto dead = fit_dead_time(gaps, gap_resolution(gaps, kComb), kComb);
  ASSERT_TRUE(dead);
  EXPECT_NEAR(dead->dead_ps.value, truth.dead_ps, 4.5 * dead->dead_ps.error);
  EXPECT_LT(dead->dead_ps.error, 100);
  const auto fit = fit_afterpulses(gaps, dead->dead_ps.value, 212, kComb);
  ASSERT_TRUE(fit);
  EXPECT_NEAR(fit->probability.value, truth.probability, 4.5 * fit->probability.error);
  EXPECT_NEAR(fit->decay_ps.value, truth.decay_ps, 4.5 * fit->decay_ps.error);
  EXPECT_LT(fit->probability.error, 0.1 * truth.probability);
  EXPECT_LT(fit->chi_squared, fit->degrees + 5 * std::sqrt(2.0 * fit->degrees));
}

TEST(GapFit, FindsASharpDeadTimeWithoutAnyLight) {
  CounterStream random = draws(1);
  const test::DrawnDetector dark{45e3, 0, 0.3, 60e3, 300, 50e3, 0};
  const auto dead = fit_dead_time(test::draw_gaps(dark, 2'000, random), 1, {});
  ASSERT_TRUE(dead);
  EXPECT_NEAR(dead->dead_ps.value, 45e3, 5 * dead->dead_ps.error);
}

TEST(GapFit, SaysThatADeadTimeHidesInAPulse) {
  CounterStream random = draws(2);
  const test::DrawnDetector truth{49.5e3, 150, 0.01, 50e3, 300, 50e3, 1e-2};
  const auto dead = fit_dead_time(test::draw_gaps(truth, kGaps, random), 212, kComb);
  ASSERT_TRUE(dead);
  EXPECT_TRUE(dead->at_a_pulse);
  EXPECT_NEAR(dead->dead_ps.value, truth.dead_ps, 2 * dead->dead_ps.error);
}

TEST(GapFit, FindsNoAfterpulsesWhereThereAreNone) {
  CounterStream random = draws(3);
  const test::DrawnDetector clean{37e3, 150, 0, 60e3, 20e3, 50e3, 1e-3};
  const auto fit = fit_afterpulses(test::draw_gaps(clean, kGaps, random), 37e3, 212, kComb);
  EXPECT_LT(fit ? fit->significance : 0, 12);
}

TEST(GapFit, SaysNothingOfAHandfulOfGaps) {
  EXPECT_FALSE(fit_dead_time({}, 1, kComb));
  EXPECT_FALSE(fit_afterpulses(std::vector<std::int64_t>{70'000, 80'000}, 50e3, 100, kComb));
}

TEST(GapFit, CoversTheTruthWithItsErrorBars) {
  const Coverages c = coverage(150);
  for (const auto& number : {c.dead, c.probability, c.decay, c.background}) test::expect_covers(number, 150);
}

TEST(LongGapFit, CoversTheTruthInNineteenOfTwentyFits) {
  const Coverages c = coverage(1'000);
  test::expect_honest("dead time", c.dead);
  test::expect_honest("afterpulse probability", c.probability);
  test::expect_honest("afterpulse decay", c.decay);
  test::expect_honest("background", c.background);
}

/// Garwood's table: 95 % limits of 0, 5 and 100.
TEST(PoissonLimits, AreTheExactOnes) {
  EXPECT_EQ(poisson_lower(0, 0.025), 0);
  EXPECT_NEAR(poisson_upper(0, 0.025), 3.688879, 1e-5);
  EXPECT_NEAR(poisson_lower(5, 0.025), 1.623486, 1e-5);
  EXPECT_NEAR(poisson_upper(5, 0.025), 11.668332, 1e-5);
  EXPECT_NEAR(poisson_lower(100, 0.025), 81.363960, 1e-4);
  EXPECT_NEAR(poisson_upper(100, 0.025), 121.626794, 1e-4);
}

TEST(ChiSquaredTail, AgreesWithTables) {
  EXPECT_NEAR(chi_squared_tail(3.841459, 1), 0.05, 1e-6);
  EXPECT_NEAR(chi_squared_tail(18.307038, 10), 0.05, 1e-6);
  EXPECT_NEAR(chi_squared_tail(149.449253, 100), 0.001, 1e-7);
}

}  // namespace
}  // namespace nicol::calibration
