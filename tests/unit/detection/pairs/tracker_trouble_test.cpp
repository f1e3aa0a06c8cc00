// SPDX-License-Identifier: Apache-2.0
// Darkness, jumping clocks and odd entries.
#include <gtest/gtest.h>

#include <cmath>

#include "controller/detection/pairs/pair_tracker.hpp"
#include "tests/unit/detection/pairs/drawn.hpp"

namespace nicol::detection::pairs {
namespace {

using test::PairSpec;

/// Seconds of Alice's first coincidence after `from`, less `from`.
double back_after(const Tracked& t, double from) {
  for (const Coincidence& c : t.pairs)
    if (static_cast<double>(c.alice_time) > from * 1e12) return static_cast<double>(c.alice_time) * 1e-12 - from;
  return 1e9;
}

PairSpec modest(double seconds, std::uint64_t seed) {
  PairSpec spec = anywhere(bright(seconds), seed);
  spec.offset *= 0.1;
  return spec;
}

TEST(PairTrackerInTrouble, ComesBackAfterDarkness) {
  PairSpec spec = modest(9, 1);
  spec.dark_from = 3, spec.dark_to = 6;
  const auto s = test::draw_pairs(spec);
  const auto t = track(s);
  EXPECT_EQ(t.report.losses, 1U);
  EXPECT_EQ(t.report.locks, 2U);
  EXPECT_LT(back_after(t, 6), 1);
  EXPECT_GT(static_cast<double>(true_pairs(s, t.pairs)), 0.9 * static_cast<double>(s.pairs.size()));
}

TEST(PairTrackerInTrouble, FollowsAClockThatJumps) {
  auto s = test::draw_pairs(modest(8, 2));
  std::size_t after = 0;
  for (auto& t : s.bob.ticks)
    if (t > 3'000'000'000'000) t += 3'000'000'000, ++after;
  ASSERT_GT(after, 1000U);
  const auto t = track(s);
  EXPECT_EQ(t.report.losses, 1U);
  EXPECT_EQ(t.report.locks, 2U);
  EXPECT_NEAR(t.report.now.offset_at(0) - t.report.at_first_tag.offset_at(0), 3e9, 1e5);
}

TEST(PairTrackerInTrouble, FollowsACounterThatStartsAnew) {
  auto s = test::draw_pairs(modest(8, 3));
  for (auto& t : s.alice.ticks)
    if (t > 3'000'000'000'000) t -= 3'000'000'000'000;
  const auto t = track(s);
  EXPECT_EQ(t.report.alice.restarts, 1U);
  EXPECT_EQ(t.report.losses + 1, t.report.locks);
  EXPECT_GT(t.report.coincidences, 5U * 5000);
}

TEST(PairTrackerInTrouble, LivesWithEntriesThatStepBack) {
  auto s = test::draw_pairs(modest(3, 4));
  std::uint64_t steps = 0;
  for (std::size_t k = 50; k + 1 < s.alice.ticks.size(); k += 100) {
    if (s.alice.ticks[k + 1] - s.alice.ticks[k] > 900'000) continue;
    std::swap(s.alice.ticks[k], s.alice.ticks[k + 1]);
    ++steps;
  }
  ASSERT_GT(steps, 3U);
  const auto t = track(s);
  EXPECT_EQ(t.report.alice.backward_jumps, steps);
  EXPECT_EQ(t.report.alice.left_out, 0U);
  EXPECT_EQ(t.report.losses, 0U);
}

TEST(PairTrackerInTrouble, DoesNotTakeDummiesForPhotons) {
  PairSpec spec = modest(3, 5);
  const auto without = track(test::draw_pairs(spec));
  spec.dummies = 2000;
  const auto with = track(test::draw_pairs(spec));
  EXPECT_GT(with.report.alice.dummies, 5000U);
  EXPECT_EQ(with.report.alice.events, without.report.alice.events);
  EXPECT_EQ(with.report.coincidences, without.report.coincidences);
}

TEST(PairTrackerInTrouble, SaysWhenTheLockIsLostForGood) {
  PairSpec spec = modest(6, 6);
  spec.dark_from = 3, spec.dark_to = 100;
  const auto t = track(test::draw_pairs(spec));
  EXPECT_EQ(t.report.losses, 1U);
  EXPECT_FALSE(t.report.locked);
}

TEST(PairTrackerInTrouble, WaitsForPairsThatBeginLate) {
  PairSpec spec = modest(8, 7);
  spec.dark_from = 0, spec.dark_to = 4;
  const auto s = test::draw_pairs(spec);
  const auto t = track(s);
  EXPECT_EQ(t.report.locks, 1U);
  EXPECT_GT(static_cast<double>(true_pairs(s, t.pairs)), 0.5 * static_cast<double>(s.pairs.size()));
}

TEST(PairTrackerInTrouble, LivesOnVeryFewEvents) {
  const std::vector<std::int64_t> ticks{1, 2, 3};
  PairTracker tracker({1, 1}, {1, 1});
  ASSERT_TRUE(tracker.feed(Side::alice, ticks, {}).ok());
  ASSERT_TRUE(tracker.feed(Side::bob, ticks, {}).ok());
  EXPECT_TRUE(tracker.advance().empty());
  EXPECT_TRUE(tracker.finish().empty());
  EXPECT_EQ(tracker.report().locks, 0U);
}

}  // namespace
}  // namespace nicol::detection::pairs
