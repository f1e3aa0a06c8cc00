// SPDX-License-Identifier: Apache-2.0
// Virtual time moves only when told and never back; deadlines are steady time.
#include "drivers/hal/clocks.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace nicol {
namespace {

TEST(VirtualRigClock, StandsStillUntilTold) {
  const auto clock = make_virtual_rig_clock();
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  EXPECT_EQ(clock->now(), Picoseconds{0});
}

TEST(VirtualRigClock, JumpsForward) {
  const auto clock = make_virtual_rig_clock();
  clock->advance_to(Picoseconds::seconds(3600));
  EXPECT_EQ(clock->now(), Picoseconds::seconds(3600));
}

TEST(VirtualRigClock, NeverGoesBack) {
  const auto clock = make_virtual_rig_clock();
  clock->advance_to({1000});
  clock->advance_to({10});
  EXPECT_EQ(clock->now(), Picoseconds{1000});
}

TEST(VirtualRigClock, IsMonotoneUnderManyThreads) {
  const auto clock = make_virtual_rig_clock();
  std::atomic<bool> fell{false};
  {
    std::vector<std::jthread> threads;
    for (std::int64_t t = 0; t < 4; ++t)
      threads.emplace_back([&, t] {
        Picoseconds last{0};
        for (std::int64_t i = 0; i < 20'000; ++i) {
          clock->advance_to({4 * i + t});
          const Picoseconds now = clock->now();
          if (now < last || now < Picoseconds{4 * i + t}) fell = true;
          last = now;
        }
      });
  }
  EXPECT_FALSE(fell);
  EXPECT_EQ(clock->now(), Picoseconds{4 * 19'999 + 3});
}

TEST(SteadyRigClock, WaitsUntilTheInstant) {
  const auto clock = make_steady_rig_clock();
  const Picoseconds goal = clock->now() + Picoseconds::seconds(0.005);
  clock->advance_to(goal);
  EXPECT_GE(clock->now(), goal);
}

TEST(SteadyRigClock, DoesNotWaitForThePast) {
  const auto clock = make_steady_rig_clock();
  const auto before = std::chrono::steady_clock::now();
  clock->advance_to(Picoseconds::seconds(-3600));
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(1));
}

TEST(FakeDeadlines, PassOnlyWhenAdvanced) {
  FakeDeadlines time;
  const Deadline deadline = time.in(std::chrono::milliseconds(10));
  EXPECT_FALSE(time.passed(deadline));
  time.advance(std::chrono::milliseconds(10));
  EXPECT_TRUE(time.passed(deadline));
}

}  // namespace
}  // namespace nicol
