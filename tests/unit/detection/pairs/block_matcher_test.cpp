// SPDX-License-Identifier: Apache-2.0
#include "controller/detection/pairs/block_matcher.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/detection/pairs/drawn.hpp"

namespace nicol::detection::pairs {
namespace {

struct Block {
  ClosedList hers;
  MeasuredClicks his;
};

/// As both sides would hand them over; `begin` of Alice's clock in seconds.
Block block_of(const test::PairStreams& s, double begin = 0) {
  Block b;
  b.hers.origin = std::llround(begin * 1e9);
  for (const std::int64_t t : s.alice.ticks) {
    const auto tick = static_cast<std::uint64_t>(t / 1000);
    if (b.hers.times.empty() || b.hers.times.back() < tick) b.hers.times.push_back(tick);
  }
  b.his.origin = std::llround(begin * 1e12 * (1 + s.spec.frequency));
  b.his.times = s.bob.ticks;
  secret::PublicBits bases, bits;
  for (const std::uint8_t pattern : s.bob.patterns) {
    bases.push_back((pattern & 0b1010) != 0);
    bits.push_back((pattern & 0b1100) != 0);
  }
  b.his.bases = secret::BitString::from_public(bases);
  b.his.bits = secret::BitString::from_public(bits);
  return b;
}

TEST(BlockMatcher, FindsThePairsOfItsFirstBlock) {
  const auto s = test::draw_pairs(anywhere(bright(2.5), 1));
  const Block b = block_of(s);
  BlockMatcher match({1000});
  const MatchedPairs pairs = match(b.hers, b.his);
  EXPECT_EQ(pairs.why_none, "");
  EXPECT_GT(static_cast<double>(pairs.hers.size()), 0.95 * static_cast<double>(s.pairs.size()));
  EXPECT_TRUE(std::is_sorted(pairs.hers.begin(), pairs.hers.end()));
  ASSERT_EQ(pairs.hers.size(), pairs.his.size());
}

TEST(BlockMatcher, LooksFirstWhereTheLastBlockWas) {
  test::PairSpec spec = bright(1.5);
  spec.frequency = 20e-6, spec.offset = 1e11;
  BlockMatcher match({1000});
  const Block first = block_of(test::draw_pairs(spec));
  ASSERT_EQ(match(first.hers, first.his).report.locks, 1U);
  spec.seed = 2, spec.pairs = 120;  // nobody finds these in the whole range
  const Block faint = block_of(test::draw_pairs(spec), 3);
  BlockMatcher without({1000});
  EXPECT_EQ(without(faint.hers, faint.his).report.locks, 0U);
  EXPECT_EQ(match(faint.hers, faint.his).report.locks, 1U);
}

TEST(BlockMatcher, SearchesAnewWhereTheClockWasSetBack) {
  test::PairSpec spec = bright(1.5);
  spec.offset = 1e11;
  BlockMatcher match({1000});
  const Block first = block_of(test::draw_pairs(spec));
  ASSERT_EQ(match(first.hers, first.his).report.locks, 1U);
  spec.seed = 2, spec.offset = -3e11;
  const Block second = block_of(test::draw_pairs(spec));
  EXPECT_EQ(match(second.hers, second.his).report.locks, 1U);
}

TEST(BlockMatcher, SaysWhyThereAreNone) {
  test::PairSpec spec = bright(1.2);
  spec.pairs = 0;
  const Block b = block_of(test::draw_pairs(spec));
  BlockMatcher match({1000});
  const MatchedPairs pairs = match(b.hers, b.his);
  EXPECT_TRUE(pairs.hers.empty());
  EXPECT_NE(pairs.why_none.find("no coincidences found"), std::string::npos);
  EXPECT_NE(match({}, {}).why_none.find("0 clicks of Alice, 0 of Bob"), std::string::npos);
}

TEST(PairedClicks, TakeHisOnesAndTurnThemOverForTheSinglet) {
  const auto measured = [] {
    MeasuredClicks m;
    secret::PublicBits bits;
    for (const bool bit : {true, false, true, true}) bits.push_back(bit);
    m.bases = secret::BitString::from_public(bits);
    m.bits = secret::BitString::from_public(bits);
    m.times = {1, 2, 3, 4};
    return m;
  };
  MatchedPairs pairs;
  pairs.hers = {5, 9}, pairs.his = {3, 1};
  const auto read = [](const secret::BitString& bits) {
    secret::PublicBits all(bits.size());
    const auto shown = bits.disclose(all.complement());
    return std::pair{shown.get(0), shown.get(1)};
  };
  const Clicks singlet = paired_clicks(measured(), pairs, PairState::psi_minus);
  EXPECT_EQ(singlet.slots, pairs.hers);
  EXPECT_EQ(read(singlet.bases), (std::pair{true, false}));
  EXPECT_EQ(read(singlet.bits), (std::pair{false, true}));
  EXPECT_EQ(read(paired_clicks(measured(), pairs, PairState::phi_plus).bits), (std::pair{true, false}));
}

}  // namespace
}  // namespace nicol::detection::pairs
