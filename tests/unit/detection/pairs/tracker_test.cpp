// SPDX-License-Identifier: Apache-2.0
#include "controller/detection/pairs/pair_tracker.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/detection/pairs/drawn.hpp"

namespace nicol::detection::pairs {
namespace {

using test::PairSpec;

/// Poisson in both directions.
void expect_within(double counted, double expected, double sigmas) {
  EXPECT_NEAR(counted, expected, sigmas * std::sqrt(expected + 1));
}

/// Seconds of Alice's that both sides recorded.
double overlap(const PairSpec& spec) { return spec.seconds - std::abs(spec.offset) * 1e-12; }

TEST(PairTracker, TellsOffsetAndFrequencyAtAlicesFirstTag) {
  for (std::uint64_t seed = 1; seed < 5; ++seed) {
    const auto s = test::draw_pairs(anywhere(bright(4), seed));
    const auto t = track(s);
    ASSERT_EQ(t.report.locks, 1U) << seed;
    EXPECT_NEAR(t.report.at_first_tag.offset, s.offset_at_first(), 60);
    EXPECT_NEAR(t.report.at_first_tag.frequency, s.frequency_at_first(), 2e-10);
    EXPECT_GT(t.report.sigma, kLeastSigma);
  }
}

TEST(PairTracker, FindsAlmostEveryPair) {
  const auto s = test::draw_pairs(anywhere(bright(4), 5));
  const auto t = track(s);
  EXPECT_GT(static_cast<double>(true_pairs(s, t.pairs)), 0.985 * static_cast<double>(s.pairs.size()));
  EXPECT_EQ(t.pairs.size(), t.report.coincidences);
}

TEST(PairTracker, CountsChanceAsTheRatesSay) {
  PairSpec spec = anywhere(bright(6), 6);
  spec.background_alice = 150'000, spec.background_bob = 100'000;
  const auto s = test::draw_pairs(spec);
  TrackerOptions options;
  options.window = Picoseconds{2000};
  const auto t = track(s, options);
  const double expected = 155e3 * 105e3 * 2e-9 * overlap(spec);
  expect_within(static_cast<double>(t.report.accidentals), expected, 4.5);
  const auto chance = static_cast<double>(t.pairs.size() - true_pairs(s, t.pairs));
  expect_within(chance, expected, 4.5);
}

TEST(PairTracker, SeesTheWidthOfThePeak) {
  PairSpec spec = anywhere(bright(4), 7);
  spec.jitter = 600;
  const auto t = track(test::draw_pairs(spec));
  EXPECT_NEAR(t.report.jitter_sigma, 600 * std::sqrt(2), 60);
  EXPECT_GT(t.report.window.count, 4 * 600);
}

TEST(PairTracker, WidensTheWindowForTails) {
  PairSpec narrow = anywhere(bright(4), 8), tailed = narrow;
  tailed.tail = 1000, tailed.tail_share = 0.3;
  const auto x = track(test::draw_pairs(narrow)), y = track(test::draw_pairs(tailed));
  EXPECT_GT(y.report.window.count, x.report.window.count);
}

TEST(PairTracker, TakesEachDetectorsDelayOff) {
  PairSpec spec = anywhere(bright(6), 9);
  spec.delay_alice = {0, 900, -500, 300};
  spec.delay_bob = {-1200, 0, 400, 700};
  const auto t = track(test::draw_pairs(spec));
  for (std::size_t d = 0; d < 4; ++d) {
    EXPECT_NEAR(t.report.delays.alice[d], spec.delay_alice[d] - 175, 50) << d;
    EXPECT_NEAR(t.report.delays.bob[d], spec.delay_bob[d] + 25, 50) << d;
  }
  EXPECT_NEAR(t.report.jitter_sigma, 350 * std::sqrt(2), 50);
}

TEST(PairTracker, GivesTheSamePairsHoweverItIsFed) {
  const auto s = test::draw_pairs(anywhere(bright(3), 10));
  const auto whole = track(s, {}, 1'000'000);
  ASSERT_GT(whole.pairs.size(), 1000U);
  for (const std::size_t piece : {777U, 10'000U}) {
    const auto t = track(s, {}, piece);
    ASSERT_EQ(t.pairs.size(), whole.pairs.size());
    for (std::size_t k = 0; k < t.pairs.size(); ++k) {
      ASSERT_EQ(t.pairs[k].alice_index, whole.pairs[k].alice_index);
      ASSERT_EQ(t.pairs[k].bob_index, whole.pairs[k].bob_index);
      ASSERT_EQ(t.pairs[k].residual, whole.pairs[k].residual);
    }
    EXPECT_EQ(t.report.accidentals, whole.report.accidentals);
  }
}

/// Every event of Alice against every one of Bob, on the true line. What lies within a few ps of the window's edge may
/// go either way, since the tracker's line is a fitted one.
TEST(PairTracker, EqualsEveryEventAgainstEveryEvent) {
  PairSpec spec = bright(0.4);
  spec.jitter = 0, spec.offset = 3'000'000, spec.frequency = 20e-6;
  const auto s = test::draw_pairs(spec);
  TrackerOptions options;
  options.window = Picoseconds{4000};
  options.start = ClockLine{0, spec.offset, spec.frequency};
  const auto t = track(s, options);
  std::vector<std::pair<std::uint64_t, std::uint64_t>> expected;
  std::vector<bool> taken(s.bob.ticks.size());
  std::size_t doubtful = 0;
  for (std::size_t i = 0; i < s.alice.ticks.size(); ++i) {
    const std::int64_t at = options.start->to_bob(s.alice.ticks[i]);
    for (std::size_t j = 0; j < s.bob.ticks.size(); ++j) {
      const std::int64_t off = std::abs(s.bob.ticks[j] - at);
      if (off > 1990 && off < 2010) ++doubtful;
      if (off > 2000 || taken[j]) continue;
      taken[j] = true;
      expected.emplace_back(i, j);
      break;
    }
  }
  std::size_t agreeing = 0;
  for (const Coincidence& c : t.pairs)
    agreeing += static_cast<std::size_t>(
        std::binary_search(expected.begin(), expected.end(), std::pair{c.alice_index, c.bob_index}));
  EXPECT_GE(agreeing + 2 * doubtful, expected.size());
  EXPECT_GE(agreeing + 2 * doubtful, t.pairs.size());
  EXPECT_LT(doubtful, 10U);
}

TEST(PairTracker, ReadsAnyTickLength) {
  PairSpec spec = anywhere(bright(3), 11);
  spec.tick_alice = {1000, 256};
  spec.tick_bob = {1000, 256};
  const auto s = test::draw_pairs(spec);
  const auto t = track(s);
  ASSERT_EQ(t.report.locks, 1U);
  EXPECT_NEAR(t.report.at_first_tag.offset, s.offset_at_first(), 60);
}

TEST(PairTracker, JoinsTagsWithinTheWindowOfOnePartnerIntoAMultiClick) {
  PairSpec spec = bright(0.4);
  spec.background_alice = spec.background_bob = 0;
  spec.jitter = 0;
  auto s = test::draw_pairs(spec);
  test::PairSide doubled;
  for (std::size_t k = 0; k < s.bob.ticks.size(); ++k) {
    doubled.ticks.push_back(s.bob.ticks[k]), doubled.patterns.push_back(1);
    doubled.ticks.push_back(s.bob.ticks[k] + 200), doubled.patterns.push_back(4);
  }
  s.bob = doubled;
  TrackerOptions options;
  options.window = Picoseconds{2000};
  options.start = ClockLine{0, 0, 0};
  const auto t = track(s, options);
  ASSERT_GT(t.pairs.size(), 1000U);
  for (const Coincidence& c : t.pairs) ASSERT_EQ(c.bob, 5);
}

TEST(PairTracker, FindsNothingInNoise) {
  PairSpec spec = bright(6);
  spec.pairs = 0;
  const auto t = track(test::draw_pairs(spec));
  EXPECT_EQ(t.report.locks, 0U);
  EXPECT_TRUE(t.pairs.empty());
  EXPECT_LT(t.report.sigma, kLeastSigma);
}

TEST(PairTracker, SaysWhenOneSideIsTooFarAhead) {
  TrackerOptions options;
  options.capacity = 1000;
  PairTracker tracker({1, 1}, {1, 1}, options);
  const std::vector<std::int64_t> ticks(1500, 5);
  ASSERT_TRUE(tracker.feed(Side::alice, ticks, {}).ok());
  EXPECT_EQ(tracker.behind(), Side::bob);
  const auto second = tracker.feed(Side::alice, ticks, {});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, Code::exhausted);
}

/// 1 kpairs/s in 100 kcps a side, ten seconds by each side's clock, anywhere in +-1 s and +-120 ppm.
TEST(LongPairTracker, FindsAThousandPairsASecondAndTellsTheOffsetToAHundredPicoseconds) {
  int right = 0;
  double least_sigma = 1e9, worst = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const auto s = test::draw_pairs(anywhere({}, seed));
    const auto t = track(s);
    const double error = std::abs(t.report.at_first_tag.offset - s.offset_at_first());
    if (t.report.locks != 1 || error >= 100) continue;
    ++right;
    least_sigma = std::min(least_sigma, t.report.sigma);
    worst = std::max(worst, error);
  }
  RecordProperty("right", right);
  RecordProperty("least_sigma", static_cast<int>(least_sigma));
  RecordProperty("worst_offset_error_ps", static_cast<int>(worst));
  EXPECT_GE(right, 99);
}

}  // namespace
}  // namespace nicol::detection::pairs
