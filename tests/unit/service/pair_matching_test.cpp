// SPDX-License-Identifier: Apache-2.0
// The search for pairs on its own thread: what it finds comes once, and what nobody wants any more never.
#include "controller/service/pair_matching.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <thread>

#include "tests/support/pair_stream.hpp"

namespace nicol::service {
namespace {

using detection::pairs::BlockMatcher;

PairMatching::Block drawn(std::uint64_t seed) {
  test::PairSpec spec = test::key_pairs();
  spec.seed = seed;
  const test::PairStreams s = test::draw_pairs(spec);
  PairMatching::Block block{BlockMatcher({1000}), {}, {}};
  for (const std::int64_t t : s.alice.ticks) {
    const auto tick = static_cast<std::uint64_t>(t / 1000);
    if (block.hers.times.empty() || block.hers.times.back() < tick) block.hers.times.push_back(tick);
  }
  block.his.times = s.bob.ticks;
  secret::PublicBits nothing(s.bob.ticks.size());
  block.his.bases = secret::BitString::from_public(nothing);
  block.his.bits = secret::BitString::from_public(nothing);
  return block;
}

class ASearch : public testing::Test {
 protected:
  std::optional<PairMatching::Matched> result() {
    const SteadyDeadlines steady;
    for (const Deadline patience = steady.in(std::chrono::seconds(120)); !steady.passed(patience);) {
      if (auto matched = matching_.take()) return matched;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return std::nullopt;
  }
  std::atomic<int> woken_ = 0;
  PairMatching matching_{[this] { ++woken_; }};
};

TEST_F(ASearch, FindsThePairsGivesTheClicksBackAndSaysSoOnce) {
  PairMatching::Block block = drawn(1);
  const std::size_t clicks = block.his.times.size();
  matching_.begin(std::move(block));
  const auto matched = result();
  ASSERT_TRUE(matched);
  EXPECT_EQ(matched->pairs.report.locks, 1U);
  EXPECT_EQ(matched->his.times.size(), clicks);
  EXPECT_EQ(matched->his.bits.size(), clicks);
  EXPECT_GT(matched->matcher.delays().fitted()[0].pairs, 0U);
  EXPECT_EQ(woken_, 1);
  EXPECT_FALSE(matching_.take());
}

TEST_F(ASearch, ThatIsAbandonedSaysNothing) {
  matching_.begin(drawn(1));
  matching_.abandon();
  matching_.begin(drawn(2));
  PairMatching::Block third = drawn(3);
  const std::size_t clicks = third.his.times.size();
  matching_.begin(std::move(third));
  const auto matched = result();
  ASSERT_TRUE(matched);
  EXPECT_EQ(matched->his.times.size(), clicks);
  EXPECT_EQ(woken_, 1);
}

TEST(PairMatching, EndsWithASearchUnderWay) {
  std::optional<PairMatching> matching(std::in_place, [] {});
  matching->begin(drawn(1));
  matching.reset();
}

}  // namespace
}  // namespace nicol::service
