// SPDX-License-Identifier: Apache-2.0
// Peaks of drawn arrival times, anywhere in the slot; and which peaks are alike.
#include "controller/calibration/peak_fit.hpp"

#include <gtest/gtest.h>

#include "tests/unit/calibration/coverage.hpp"
#include "tests/unit/calibration/drawn_arrivals.hpp"

namespace nicol::calibration {
namespace {

constexpr Picoseconds kPeriod{50'000};

CounterStream draws(std::uint64_t index) { return CounterStream({41, NodeId::bob, Purpose::test, index}); }

struct Coverages {
  test::Coverage centre, width, share, tail, background;
};
Coverages coverage(int fits) {
  Coverages c;
  for (int i = 0; i < fits; ++i) {
    CounterStream random = draws(1'000 + static_cast<std::uint64_t>(i));
    const test::DrawnPeak truth{50e3 * random.uniform(),
                                120 + 80 * random.uniform(),
                                0.1 + 0.2 * random.uniform(),
                                250 + 250 * random.uniform(),
                                0.02,
                                50e3};
    constexpr int kClicks = 10'000;
    const auto fit = fit_peak(test::draw_arrivals(truth, kClicks, random), kPeriod);
    if (!fit || !fit->has_tail) continue;
    c.centre.add(std::remainder(fit->centre_ps.value - truth.centre_ps, 50e3), fit->centre_ps.error);
    c.width.add(fit->width_ps.value - std::hypot(truth.width_ps, 25 / std::sqrt(12)), fit->width_ps.error);
    c.share.add(fit->tail_share.value - truth.tail_share, fit->tail_share.error);
    c.tail.add(fit->tail_ps.value - truth.tail_ps, fit->tail_ps.error);
    c.background.add(fit->background.value - kClicks * truth.background_share / 50, fit->background.error);
  }
  return c;
}

TEST(PeakFit, FindsAPeakAnywhereInTheSlot) {
  for (const double centre : {0.0, 24'900.0, -25'000.0, 13'333.0}) {
    CounterStream random = draws(0);
    const test::DrawnPeak truth{centre, 150, 0.2, 300, 0.3, 50e3};
    const auto fit = fit_peak(test::draw_arrivals(truth, 20'000, random), kPeriod);
    ASSERT_TRUE(fit) << centre;
    EXPECT_NEAR(std::remainder(fit->centre_ps.value - centre, 50e3), 0, 4.5 * fit->centre_ps.error) << centre;
    EXPECT_LT(fit->centre_ps.error, 10);
    EXPECT_LT(fit->chi_squared, fit->degrees + 5 * std::sqrt(2.0 * fit->degrees));
  }
}

TEST(PeakFit, GivesNoTailToAPeakWithoutOne) {
  CounterStream random = draws(1);
  const auto fit = fit_peak(test::draw_arrivals({0, 150, 0, 300, 0.05, 50e3}, 20'000, random), kPeriod);
  ASSERT_TRUE(fit);
  EXPECT_FALSE(fit->has_tail);
  EXPECT_NEAR(fit->width_ps.value, 150, 4.5 * fit->width_ps.error);
}

TEST(PeakFit, SeesNoPeakInDarkCounts) {
  CounterStream random = draws(2);
  EXPECT_FALSE(fit_peak(test::draw_arrivals({0, 150, 0.2, 300, 1, 50e3}, 5'000, random), kPeriod));
  EXPECT_FALSE(fit_peak({}, kPeriod));
}

TEST(PeakFit, CoversTheTruthWithItsErrorBars) {
  const Coverages c = coverage(150);
  for (const auto& number : {c.centre, c.width, c.share, c.tail, c.background}) test::expect_covers(number, 150);
}

TEST(LongPeakFit, CoversTheTruthInNineteenOfTwentyFits) {
  const Coverages c = coverage(1'000);
  test::expect_honest("delay", c.centre);
  test::expect_honest("jitter", c.width);
  test::expect_honest("tail's share", c.share);
  test::expect_honest("tail", c.tail);
  test::expect_honest("background", c.background);
}

double chance(const test::DrawnPeak& one, const test::DrawnPeak& other, CounterStream& random) {
  return alike(test::draw_arrivals(one, 20'000, random), one.centre_ps, test::draw_arrivals(other, 20'000, random),
               other.centre_ps, {1'000}, kPeriod);
}

TEST(ArrivalTimes, ThatAreAlikeAreSaidToBe) {
  CounterStream random = draws(3);
  int small = 0;
  for (int i = 0; i < 200; ++i) small += chance({100}, {-4'000}, random) < 0.05 ? 1 : 0;
  EXPECT_LE(small, 24);  // of 10 expected
  EXPECT_GE(small, 1);
}

TEST(ArrivalTimes, ThatTellTheBitAreFound) {
  CounterStream random = draws(4);
  EXPECT_LT(chance({0, 150}, {0, 190}, random), 1e-6);
}

}  // namespace
}  // namespace nicol::calibration
