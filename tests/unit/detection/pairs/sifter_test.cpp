// SPDX-License-Identifier: Apache-2.0
#include "controller/detection/pairs/pair_sifter.hpp"

#include <gtest/gtest.h>

namespace nicol::detection::pairs {
namespace {

constexpr Pattern kV = 1, kMinus = 2, kH = 4, kPlus = 8;

Coincidence pair_of(Pattern alice, Pattern bob) {
  Coincidence c;
  c.alice = alice, c.bob = bob;
  return c;
}

TEST(PairSifter, TurnsBobsBitsOverForPsiMinus) {
  PairSifter s(PairState::psi_minus, MultiClicks::drop, 0);
  const auto hv = s(pair_of(kH, kV)), vh = s(pair_of(kV, kH)), pm = s(pair_of(kPlus, kMinus));
  EXPECT_TRUE(hv->alice && hv->bob && hv->basis == 0);
  EXPECT_TRUE(!vh->alice && !vh->bob && vh->basis == 0);
  EXPECT_TRUE(pm->alice && pm->bob && pm->basis == 1);
  EXPECT_EQ(s.counts()[0].errors + s.counts()[1].errors, 0U);
}

TEST(PairSifter, TakesBobsBitsAsTheyAreForPhiPlus) {
  PairSifter s(PairState::phi_plus, MultiClicks::drop, 0);
  EXPECT_TRUE(s(pair_of(kH, kH))->bob);
  EXPECT_FALSE(s(pair_of(kMinus, kMinus))->bob);
  (void)s(pair_of(kH, kV));
  EXPECT_EQ(s.counts()[0].errors, 1U);
  EXPECT_EQ(s.counts()[0].bits, 2U);
}

TEST(PairSifter, KeepsNothingWhereTheBasesDiffer) {
  PairSifter s(PairState::psi_minus, MultiClicks::drop, 0);
  EXPECT_FALSE(s(pair_of(kH, kPlus)).has_value());
}

TEST(PairSifter, DropsAndCountsMultiClicks) {
  PairSifter s(PairState::psi_minus, MultiClicks::drop, 0);
  EXPECT_FALSE(s(pair_of(kH | kV, kV)).has_value());
  EXPECT_FALSE(s(pair_of(kH, kV | kPlus)).has_value());
  EXPECT_EQ(s.multi_clicks(), 2U);
}

TEST(PairSifter, GivesAMultiClickOfOneBasisARandomBitInIt) {
  PairSifter s(PairState::phi_plus, MultiClicks::random, 7);
  int ones = 0;
  for (int k = 0; k < 1000; ++k) {
    const auto sifted = s(pair_of(kMinus | kPlus, kPlus));
    ASSERT_TRUE(sifted && sifted->basis == 1);
    ones += sifted->alice ? 1 : 0;
  }
  EXPECT_NEAR(ones, 500, 80);
}

TEST(PairSifter, GivesAMultiClickOfBothBasesARandomBasis) {
  PairSifter s(PairState::phi_plus, MultiClicks::random, 7);
  int kept = 0;
  for (int k = 0; k < 1000; ++k) kept += s(pair_of(kH, kH | kPlus)).has_value() ? 1 : 0;
  EXPECT_NEAR(kept, 500, 80);
  EXPECT_EQ(s.multi_clicks(), 1000U);
}

TEST(PairSifter, DrawsTheSameFromTheSameSeed) {
  PairSifter x(PairState::phi_plus, MultiClicks::random, 9), y(PairState::phi_plus, MultiClicks::random, 9);
  for (int k = 0; k < 100; ++k) {
    const auto p = x(pair_of(0xf, 0xf)), q = y(pair_of(0xf, 0xf));
    ASSERT_EQ(p.has_value(), q.has_value());
    if (p) {
      ASSERT_TRUE(p->alice == q->alice && p->bob == q->bob && p->basis == q->basis);
    }
  }
}

TEST(PairSifter, KeepsNothingOfASideThatNamesNoDetector) {
  PairSifter s(PairState::psi_minus, MultiClicks::random, 0);
  EXPECT_FALSE(s(pair_of(0, kV)).has_value());
}

}  // namespace
}  // namespace nicol::detection::pairs
