// SPDX-License-Identifier: Apache-2.0
#include "controller/detection/pairs/peak.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "controller/detection/pairs/clock_filter.hpp"
#include "drivers/hal/random.hpp"

namespace nicol::detection::pairs {
namespace {

class Draw {
 public:
  explicit Draw(std::uint64_t index) : random_({1, NodeId::world, Purpose::test, index}) {}
  double gauss() {
    return std::sqrt(-2 * std::log(random_.uniform_positive())) * std::cos(2 * std::numbers::pi * random_.uniform());
  }
  double flat(double half) { return half * (2 * random_.uniform() - 1); }
  unsigned below(unsigned n) { return static_cast<unsigned>(random_.below(n)); }

 private:
  CounterStream random_;
};

TEST(PeakHistogram, FindsPlaceAndWidthOfAPeakOnABackground) {
  Draw draw(1);
  PeakHistogram h;
  for (int k = 0; k < 20'000; ++k) h.add(std::llround(250 + 500 * draw.gauss()));
  for (int k = 0; k < 10'000; ++k) h.add(std::llround(draw.flat(PeakHistogram::kWide)));
  const auto fit = h.fit();
  EXPECT_NEAR(fit.pairs, 20'000, 600);
  EXPECT_NEAR(fit.centre, 250, 30);
  EXPECT_NEAR(fit.sigma, 500, 25);
  EXPECT_NEAR(fit.background, 20, 1.5);
}

/// The best S^2/(S+B) of a Gauss without background has no end; with much of it, it is 2.8 sigma wide in all.
TEST(PeakHistogram, MakesTheWindowNarrowerTheMoreChanceThereIs) {
  const auto window = [](int chance) {
    Draw draw(2);
    PeakHistogram h;
    for (int k = 0; k < 40'000; ++k) h.add(std::llround(500 * draw.gauss()));
    for (int k = 0; k < chance; ++k) h.add(std::llround(draw.flat(PeakHistogram::kWide)));
    return h.fit().window;
  };
  EXPECT_GT(window(100), 2500);
  EXPECT_LT(window(100), 5000);
  EXPECT_NEAR(window(4'000'000), 1400, 350);
}

TEST(PeakHistogram, SeesNothingInNothing) { EXPECT_EQ(PeakHistogram().fit().pairs, 0); }

TEST(DelayFit, FindsEachDetectorsDelayUpToWhatAllHaveInCommon) {
  const Delays alice{-500, 300, 0, 200}, bob{100, -700, 600, 0};
  Draw draw(3);
  DelayFit f;
  for (int k = 0; k < 40'000; ++k) {
    const unsigned i = draw.below(4), j = draw.below(4);
    f.add(static_cast<Pattern>(1U << i), static_cast<Pattern>(1U << j),
          std::llround(1000 + bob[j] - alice[i] + 300 * draw.gauss()));
  }
  const auto fit = f.fit(1);
  for (std::size_t d = 0; d < 4; ++d) {
    EXPECT_NEAR(fit.alice[d], alice[d], 15);
    EXPECT_NEAR(fit.bob[d], bob[d], 15);
  }
}

TEST(DelayFit, UndoesTheDrawOfChancePairs) {
  Draw draw(4);
  DelayFit f;
  for (int k = 0; k < 100'000; ++k) {
    const unsigned i = draw.below(2);
    const double r = k % 2 == 0 ? (i == 0 ? 400.0 : -400.0) : draw.flat(2000);
    f.add(static_cast<Pattern>(1U << i), 1, std::llround(r));
  }
  EXPECT_NEAR(f.fit(0.5).alice[0], -400, 20);
}

TEST(DelayFit, LeavesDetectorsAloneThatHardlyFired) {
  DelayFit f;
  for (int k = 0; k < 1000; ++k) f.add(1, 1, 0);
  f.add(2, 1, 5000);
  EXPECT_EQ(f.fit(1).alice[1], 0);
}

TEST(DelayFit, IgnoresMultiClicks) {
  DelayFit f;
  f.add(3, 1, 500);
  EXPECT_EQ(f.pairs(), 0U);
}

TEST(ClockFilter, FollowsADriftingClock) {
  ClockFilter filter({0, 500, 1e-6}, 1000, 1e-8);
  Draw draw(5);
  double last_error = 0;
  for (int k = 1; k <= 300; ++k) {
    const std::int64_t t = std::int64_t{k} * 100'000'000'000;
    const double s = 0.1 * k, truth = 1e6 * s + 0.5 * 1000 * s * s;  // drift 1e-9 a second
    filter.predict(t);
    filter.correct(truth + 60 * draw.gauss() - filter.line().offset, 3600);
    last_error = filter.line().offset - truth;
  }
  EXPECT_LT(std::abs(last_error), 150);
  EXPECT_NEAR(filter.line().frequency, 1e-6 + 30e-9, 2e-9);
}

TEST(FitAnchors, ReadsAParabolaBackToAnEarlierInstant) {
  std::vector<Anchor> anchors;
  for (int k = 0; k <= 100; ++k) {
    const double s = 1 + 0.1 * k;
    anchors.push_back({std::llround(s * 1e12), 7e11 + 100e6 * s + 400 * s * s, 1});
  }
  const ClockLine line = fit_anchors(anchors, 0, 90e-6);
  EXPECT_NEAR(line.offset, 7e11, 0.1);
  EXPECT_NEAR(line.frequency, 100e-6, 1e-13);
}

TEST(FitAnchors, TakesOneAnchorAtItsWord) {
  const ClockLine line = fit_anchors({{1'000'000'000'000, 5000, 1}}, 0, 1e-6);
  EXPECT_NEAR(line.offset, 5000 - 1e6, 1e-3);
  EXPECT_EQ(line.frequency, 1e-6);
}

}  // namespace
}  // namespace nicol::detection::pairs
