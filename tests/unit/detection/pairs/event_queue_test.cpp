// SPDX-License-Identifier: Apache-2.0
#include "controller/detection/pairs/event_queue.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace nicol::detection::pairs {
namespace {

using Times = std::vector<std::int64_t>;

Times held(const EventQueue& q) { return {q.times().begin(), q.times().end()}; }

TEST(EventQueue, TurnsTicksIntoPicosecondsOnce) {
  EventQueue q({1000, 256});
  q.append(Times{0, 256, 257}, {});
  EXPECT_EQ(held(q), (Times{0, 1000, 1003}));
}

TEST(EventQueue, LeavesOutDummiesAndCountsThem) {
  EventQueue q({1, 1});
  q.append(Times{10, 20, 30}, std::vector<Pattern>{1, kDummy, 2});
  EXPECT_EQ(held(q), (Times{10, 30}));
  EXPECT_EQ(q.counts().dummies, 1U);
  EXPECT_EQ(q.pattern(1), 2);
  EXPECT_EQ(q.index(1), 2U);
}

TEST(EventQueue, PutsASmallStepBackInOrder) {
  EventQueue q({1, 1});
  q.append(Times{1000, 3000, 2000, 4000}, std::vector<Pattern>{1, 2, 4, 8});
  EXPECT_EQ(held(q), (Times{1000, 2000, 3000, 4000}));
  EXPECT_EQ(q.counts().backward_jumps, 1U);
  EXPECT_EQ(q.pattern(1), 4);
  EXPECT_EQ(q.index(1), 2U);
}

TEST(EventQueue, LeavesOutALoneEventFarInThePast) {
  EventQueue q({1, 1});
  q.append(Times{100'000'000, 101'000'000, 5, 102'000'000}, {});
  EXPECT_EQ(held(q), (Times{100'000'000, 101'000'000, 102'000'000}));
  EXPECT_EQ(q.counts().left_out, 1U);
  EXPECT_EQ(q.counts().restarts, 0U);
}

TEST(EventQueue, LeavesOutALoneEventFarInTheFuture) {
  EventQueue q({1, 1});
  q.append(Times{1'000'000, 2'000'000, 900'000'000'000, 3'000'000, 4'000'000}, {});
  EXPECT_EQ(held(q), (Times{1'000'000, 2'000'000, 3'000'000, 4'000'000}));
  EXPECT_EQ(q.counts().left_out, 1U);
}

TEST(EventQueue, GoesOnWhereAClockThatWasSetBackLeftOff) {
  EventQueue q({1, 1});
  Times ticks;
  for (std::int64_t k = 0; k < 50; ++k) ticks.push_back(1'000'000'000'000 + k * 10'000'000);
  for (std::int64_t k = 0; k < 50; ++k) ticks.push_back(k * 10'000'000);
  q.append(ticks, {});
  EXPECT_EQ(q.counts().restarts, 1U);
  EXPECT_EQ(q.times().size(), 85U);  // fifteen were thought astray
  EXPECT_TRUE(std::is_sorted(q.times().begin(), q.times().end()));
  EXPECT_EQ(q.times()[51] - q.times()[50], 10'000'000);
}

TEST(EventQueue, TakesEachDetectorsDelayOffAndKeepsTheOrder) {
  EventQueue q({1, 1});
  q.append(Times{1000, 1100}, std::vector<Pattern>{1, 2});
  q.set_delays({0, 500, 0, 0});
  EXPECT_EQ(held(q), (Times{600, 1000}));
  EXPECT_EQ(q.pattern(0), 2);
  q.append(Times{2000}, std::vector<Pattern>{2});
  EXPECT_EQ(q.times()[2], 1500);
}

TEST(EventQueue, GivesAMultiClickTheMeanDelay) { EXPECT_EQ(delay_of({100, 200, 0, 0}, 3), 150); }

TEST(EventQueue, ForgetsWhatIsDroppedButRemembersTheLastOne) {
  EventQueue q({1, 1});
  Times ticks;
  for (std::int64_t k = 0; k < 200'000; ++k) ticks.push_back(k * 10);
  q.append(ticks, {});
  q.drop(150'000);
  EXPECT_EQ(q.times().front(), 1'500'000);
  EXPECT_EQ(q.index(0), 150'000U);
  ASSERT_TRUE(q.has_previous());
  EXPECT_EQ(q.previous_time(), 1'499'990);
}

}  // namespace
}  // namespace nicol::detection::pairs
