// SPDX-License-Identifier: Apache-2.0
#include "drivers/transport/mailbox.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

namespace nicol::transport {
namespace {
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

Deadline in(std::chrono::milliseconds time) { return {Clock::now() + time}; }
auto anything() {
  return [](const int&) { return true; };
}

TEST(Mailbox, GivesAMessageThatCameBeforeTheWait) {
  Mailbox<int> box;
  auto expected = box.expect(anything());
  EXPECT_TRUE(box.deliver(7));
  EXPECT_TRUE(expected.arrived());
  EXPECT_EQ(*expected.wait(in(1s)), 7);
}

TEST(Mailbox, WakesTheOneWhoWaits) {
  Mailbox<int> box;
  auto expected = box.expect(anything());
  std::thread reader([&] {
    std::this_thread::sleep_for(20ms);
    box.deliver(8);
  });
  const auto got = expected.wait({});
  reader.join();
  ASSERT_TRUE(got);
  EXPECT_EQ(*got, 8);
}

TEST(Mailbox, SaysTimeoutAtTheDeadlineAndNotBefore) {
  Mailbox<int> box;
  auto expected = box.expect(anything());
  const auto before = Clock::now();
  EXPECT_EQ(expected.wait(in(30ms)).error().code, Code::timeout);
  EXPECT_GE(Clock::now() - before, 30ms);
}

TEST(Mailbox, SaysCancelledAsSoonAsAStopIsAskedFor) {
  Mailbox<int> box;
  auto expected = box.expect(anything());
  std::stop_source stop;
  std::thread stopper([&] {
    std::this_thread::sleep_for(20ms);
    stop.request_stop();
  });
  const auto before = Clock::now();
  EXPECT_EQ(expected.wait(in(10s), stop.get_token()).error().code, Code::cancelled);
  EXPECT_LT(Clock::now() - before, 5s);
  stopper.join();
}

TEST(Mailbox, SaysCancelledToAWaitWithoutALimit) {
  Mailbox<int> box;
  auto expected = box.expect(anything());
  std::stop_source stop;
  std::thread stopper([&] { stop.request_stop(); });
  EXPECT_EQ(expected.wait({}, stop.get_token()).error().code, Code::cancelled);
  stopper.join();
}

TEST(Mailbox, LeavesAMessageAloneThatNobodyWants) {
  Mailbox<int> box;
  EXPECT_FALSE(box.deliver(1));
  auto even = box.expect([](const int& m) { return m % 2 == 0; });
  EXPECT_FALSE(box.deliver(3));
  EXPECT_TRUE(box.deliver(4));
}

TEST(Mailbox, GivesEachOfTwoEqualMessagesToOneWaiter) {
  Mailbox<int> box;
  auto first = box.expect(anything());
  auto second = box.expect(anything());
  box.deliver(1);
  EXPECT_TRUE(first.arrived());
  EXPECT_FALSE(second.arrived());
  box.deliver(2);
  EXPECT_EQ(*second.wait(in(1s)), 2);
}

TEST(Mailbox, FailsEverybodyWhoWaitsButTakesNoMessageAway) {
  Mailbox<int> box;
  auto served = box.expect(anything());
  box.deliver(5);
  auto waiting = box.expect(anything());
  box.fail({Code::disconnected, "unplugged", "", 0, {}});
  EXPECT_EQ(waiting.wait(in(1s)).error().code, Code::disconnected);
  EXPECT_EQ(*served.wait(in(1s)), 5);
}

TEST(Mailbox, ForgetsAnExpectationThatWentOutOfScope) {
  Mailbox<int> box;
  { auto gone = box.expect(anything()); }
  EXPECT_FALSE(box.deliver(1));
}

TEST(Mailbox, KeepsItsPlaceWhenAnExpectationMoves) {
  Mailbox<int> box;
  auto here = box.expect(anything());
  auto there = std::move(here);
  EXPECT_TRUE(box.deliver(9));
  EXPECT_EQ(*there.wait(in(1s)), 9);
}

TEST(Mailbox, ServesManyThreadsTheirOwnReplies) {
  Mailbox<int> box;
  std::vector<std::thread> askers;
  std::atomic<int> right{0}, left_over{4};
  for (int t = 0; t < 4; ++t)
    askers.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        auto mine = box.expect([t](const int& m) { return m == t; });
        const auto got = mine.wait(in(10s));
        if (got && *got == t) ++right;
      }
      --left_over;
    });
  for (int m = 0; left_over > 0; m = (m + 1) % 4) box.deliver(m);
  for (auto& asker : askers) asker.join();
  EXPECT_EQ(right, 800);
}

}  // namespace
}  // namespace nicol::transport
