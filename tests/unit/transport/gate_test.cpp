// SPDX-License-Identifier: Apache-2.0
#include "drivers/transport/gate.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace nicol::transport {
namespace {
using namespace std::chrono_literals;

Deadline in(std::chrono::milliseconds time) { return {std::chrono::steady_clock::now() + time}; }

TEST(Gate, LetsOneInAndTheNextWhenThatOneHasLeft) {
  Gate gate;
  {
    const auto first = gate.enter(in(1s));
    EXPECT_TRUE(first);
    EXPECT_FALSE(gate.enter(in(10ms)));
  }
  EXPECT_TRUE(gate.enter(in(1s)));
}

TEST(Gate, NeverHoldsTwoAtOnce) {
  Gate gate;
  std::atomic<int> inside{0}, most{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) {
        const auto pass = gate.enter({});
        most = std::max(most.load(), ++inside);
        --inside;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(most, 1);
}

}  // namespace
}  // namespace nicol::transport
