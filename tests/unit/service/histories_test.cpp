// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "controller/service/alarms.hpp"
#include "controller/service/ring.hpp"

namespace nicol::service {
namespace {

TEST(Ring, DropsTheOldestAndShowsTheGapInItsNumbers) {
  Ring<int> ring(3);
  for (int i = 1; i <= 5; ++i) ring.push(i);
  const auto all = ring.since(0, 10);
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all.front().sequence, 3U);
  EXPECT_EQ(all.front().value, 3);
}

TEST(Ring, GivesOnlyWhatIsNewAndNoMoreThanAsked) {
  Ring<int> ring(10);
  for (int i = 1; i <= 6; ++i) ring.push(i);
  const auto some = ring.since(2, 3);
  ASSERT_EQ(some.size(), 3U);
  EXPECT_EQ(some.front().value, 3);
  EXPECT_TRUE(ring.since(6, 3).empty());
}

TEST(AlarmBoard, LatchesACriticalUntilItIsAcknowledged) {
  AlarmBoard board;
  board.raise("qber-over-threshold", Severity::critical, "12 %", "look at the line");
  board.clear("qber-over-threshold");
  ASSERT_EQ(board.list().size(), 1U);
  board.acknowledge("qber-over-threshold");
  EXPECT_TRUE(board.list().empty());
}

TEST(AlarmBoard, LetsAWarningGoWithItsCause) {
  AlarmBoard board;
  board.raise("rate", Severity::warning, "low", "open the shutter");
  board.clear("rate");
  EXPECT_TRUE(board.list().empty());
}

TEST(AlarmBoard, CountsARepeatedAlarmInOneEntryAndNeverLowersIt) {
  AlarmBoard board;
  board.raise("x", Severity::critical, "first", "do");
  board.raise("x", Severity::warning, "second", "do");
  const auto list = board.list();
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0].count, 2U);
  EXPECT_EQ(list[0].severity, Severity::critical);
  EXPECT_EQ(list[0].what, "second");
}

}  // namespace
}  // namespace nicol::service
