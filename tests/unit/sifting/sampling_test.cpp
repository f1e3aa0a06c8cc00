// SPDX-License-Identifier: Apache-2.0
// Coins: independent, of the planned share, disclosed once.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/sifting/hand_made.hpp"

namespace nicol::sifting::test {
namespace {

const std::unique_ptr<Random> kRandom = make_seeded_random(11, NodeId::alice);

TEST(PlannedShare, IsATenthOfALargeKeyBasisAndAllOfTheOther) {
  const SamplePlan plan{};
  EXPECT_NEAR(planned_share(plan, Basis::rectilinear, 1'000'000), 0.1, 1e-9);
  EXPECT_GE(planned_share(plan, Basis::rectilinear, 1'000'000), 0.1);
  EXPECT_EQ(planned_share(plan, Basis::diagonal, 1'000'000), 1.0);
}

TEST(PlannedShare, ExpectsTwoHundredBitsOfASmallKeyBasis) {
  const SamplePlan plan{};
  EXPECT_NEAR(planned_share(plan, Basis::rectilinear, 1'000) * 1'000, 200, 1e-6);
  EXPECT_EQ(planned_share(plan, Basis::rectilinear, 200), 1.0);
  EXPECT_EQ(planned_share(plan, Basis::rectilinear, 3), 1.0);
  EXPECT_EQ(planned_share(plan, Basis::rectilinear, 0), 1.0);
}

TEST(PlannedShare, IsThatOfAKeyBasisForBoth) {
  const SamplePlan plan{KeyBases::both, 0.3, 10};
  EXPECT_NEAR(planned_share(plan, Basis::diagonal, 1'000), 0.3, 1e-9);
}

TEST(Coins, HaveThePlannedShareAndNoMemory) {
  const Sifted s = sift(random_pair(5, 400'000, 1, 1, 0));
  const SampleCoins coins = draw_coins(s.bob.block, {KeyBases::both, 0.25, 10}, *kRandom, 1);
  for (const std::size_t b : {0U, 1U}) {
    const PublicBits& c = coins.sample[b];
    const auto n = static_cast<double>(c.size()), ones = static_cast<double>(c.popcount());
    ASSERT_GT(n, 70'000);
    EXPECT_NEAR(ones, n / 4, 5 * std::sqrt(n * 0.1875));
    double pairs = 0;
    for (std::size_t i = 0; i + 1 < c.size(); ++i) pairs += c.get(i) && c.get(i + 1) ? 1 : 0;
    EXPECT_NEAR(pairs, n / 16, 5 * std::sqrt(n / 16));
  }
}

TEST(Coins, DifferBetweenBlocksAndBases) {
  const Sifted s = sift(random_pair(5, 4'000, 1, 1, 0));
  const SamplePlan plan{KeyBases::both, 0.5, 10};
  const SampleCoins one = draw_coins(s.bob.block, plan, *kRandom, 1), two = draw_coins(s.bob.block, plan, *kRandom, 2);
  EXPECT_NE(one.sample[0], two.sample[0]);
  EXPECT_EQ(one, draw_coins(s.bob.block, plan, *kRandom, 1)) << "a seeded run repeats itself";
  PublicBits head(500), other(500);
  for (std::size_t i = 0; i < 500; ++i) {
    head.set(i, one.sample[0].get(i));
    other.set(i, one.sample[1].get(i));
  }
  EXPECT_GT(head.distance(other), 100U);
}

TEST(Coins, DoNotRepeatBetweenBatches) {
  const Sifted s = sift(random_pair(6, 200'000, 1, 1, 0));
  const PublicBits c = draw_coins(s.bob.block, {KeyBases::both, 0.5, 10}, *kRandom, 1).sample[0];
  ASSERT_GT(c.size(), 40'000U);
  std::size_t equal = 0;
  for (std::size_t i = 0; i < 16'384; ++i) equal += c.get(i) == c.get(i + 16'384) ? 1U : 0U;
  EXPECT_NEAR(static_cast<double>(equal), 8'192, 5 * 64);
}

TEST(Coins, DiscloseAllOfTheOtherBasis) {
  const Sifted s = sift(random_pair(5, 4'000, 1, 1, 0));
  const SampleCoins coins = draw_coins(s.bob.block, {}, *kRandom, 1);
  EXPECT_EQ(coins.sample[1].popcount(), s.bob.block.size(Basis::diagonal));
  EXPECT_EQ(coins.share[1], 1.0);
}

class CoinCheck : public testing::Test {
 protected:
  const Sifted s = sift(random_pair(5, 4'000, 1, 1, 0));
  const SamplePlan plan{};
  SampleCoins coins = draw_coins(s.bob.block, plan, *kRandom, 1);
  bool refused(const SamplePlan& p) const {
    const auto r = check_coins(coins, s.alice.block, p);
    EXPECT_TRUE(r.ok() || r.error().code == Code::bad_input);
    return !r.ok();
  }
};

TEST_F(CoinCheck, TakesHonestCoins) { EXPECT_FALSE(refused(plan)); }
TEST_F(CoinCheck, RefusesCoinsOfAnotherPlan) { EXPECT_TRUE(refused({KeyBases::rectilinear, 0.3, 200})); }
TEST_F(CoinCheck, RefusesAnotherSize) {
  coins.sample[0].push_back(false);
  EXPECT_TRUE(refused(plan));
}
TEST_F(CoinCheck, RefusesAClaimedShare) {
  coins.share[0] = 0.01;
  EXPECT_TRUE(refused(plan));
}
TEST_F(CoinCheck, RefusesAShareThatIsNoNumber) {
  coins.share[0] = std::nan("");
  EXPECT_TRUE(refused(plan));
}
TEST_F(CoinCheck, RefusesADiagonalBitHeldBack) {
  coins.sample[1].set(7, false);
  EXPECT_TRUE(refused(plan));
}

TEST(Sample, IsTheCoinedBitsOfBothBasesAndInTheLedger) {
  Sifted s = sift(random_pair(7, 3'000, 1, 1, 0.05));
  const SampleCoins coins = draw_coins(s.bob.block, {}, *kRandom, 9);
  PublicBits expected;
  for (const Basis b : detection::kBases) {
    const PublicBits bits = open(s.alice.block.bits(b));
    for (std::size_t i = 0; i < bits.size(); ++i)
      if (coins.sample[detection::index(b)].get(i)) expected.push_back(bits.get(i));
  }
  EXPECT_EQ(disclose_sample(s.alice.block, coins), expected);
  EXPECT_EQ(disclose_sample(s.bob.block, coins).size(), expected.size());
  EXPECT_EQ(s.alice.block.ledger(), s.bob.block.ledger());
  EXPECT_EQ(s.alice.block.ledger().disclosed(LeakClass::sample), expected.size());
  EXPECT_EQ(s.alice.block.ledger().total_cost(), 0U);
}

TEST(Sample, OfAnotherBlocksCoinsIsABug) {
  Sifted s = sift(random_pair(7, 3'000, 1, 1, 0)), t = sift(random_pair(8, 3'000, 1, 1, 0));
  EXPECT_THROW(disclose_sample(s.alice.block, draw_coins(t.bob.block, {}, *kRandom, 1)), std::logic_error);
}

}  // namespace
}  // namespace nicol::sifting::test
