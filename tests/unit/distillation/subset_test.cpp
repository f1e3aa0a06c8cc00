// SPDX-License-Identifier: Apache-2.0
// Compared bits: what an eavesdropper's chance to stay unnoticed is, and the confidence limit of the abort rule.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "controller/distillation/keylength.hpp"

namespace nicol::distillation {
namespace {

/// Binomial law by ratios from the mode, its sum made 1: no code in common with the room.
std::vector<long double> binomial_law(std::uint64_t trials, long double p) {
  std::vector<long double> law(trials + 1, 0);
  const auto mode = std::min(trials, static_cast<std::uint64_t>(static_cast<long double>(trials + 1) * p));
  const auto ratio = [&](std::uint64_t x) {  // Pr[x] / Pr[x-1]
    return static_cast<long double>(trials - x + 1) * p / (static_cast<long double>(x) * (1 - p));
  };
  law[mode] = 1;
  for (std::uint64_t x = mode; x < trials; ++x) law[x + 1] = law[x] * ratio(x + 1);
  for (std::uint64_t x = mode; x > 0; --x) law[x - 1] = law[x] / ratio(x);
  long double sum = 0;
  for (const long double q : law) sum += q;
  for (long double& q : law) q /= sum;
  return law;
}

TEST(Subset, LeavesThreeQuartersPerComparedBitToAFullAttack) {
  EXPECT_NEAR(subset_unnoticed(10, 1), 0.056313514709472684, 1e-15);
  EXPECT_NEAR(subset_unnoticed(73, 1), 7.576562804644603e-10, 1e-22);
  EXPECT_EQ(subset_unnoticed(0, 1), 1);
  EXPECT_EQ(subset_unnoticed(50, 0), 1);
}

TEST(Subset, NeedsThePublishedNumberOfBits) {
  const std::pair<double, std::uint64_t> kSizes[] = {{1e-2, 17}, {1e-3, 25}, {1e-6, 49}, {1e-9, 73}, {1e-12, 97}};
  for (const auto& [p, k] : kSizes) EXPECT_EQ(subset_size(p, 1).value(), k) << p;
}

TEST(Subset, SizeIsTheSmallestThatSuffices) {
  for (const double f : {0.01, 0.2, 0.5, 1.0}) {
    const auto k = static_cast<double>(subset_size(1e-7, f).value());
    EXPECT_LE(subset_unnoticed(k, f), 1e-7);
    EXPECT_GT(subset_unnoticed(k - 1, f), 1e-7);
  }
}

TEST(Subset, SizeUndoesTheProbability) {
  for (std::uint64_t k = 1; k <= 200; ++k)
    EXPECT_EQ(subset_size(subset_unnoticed(static_cast<double>(k), 0.7), 0.7).value(), k);
}

TEST(Subset, RefusesAnAttackOnNothing) {
  EXPECT_EQ(subset_size(1e-6, 0).error().message.find("f = 0"), 0U);
  EXPECT_EQ(subset_size(1, 1).error().message.find("p = 1"), 0U);
}

TEST(Subset, InterceptResendGivesTwentyFivePercent) {
  EXPECT_DOUBLE_EQ(qber_intercept(1, 0), 0.25);
  EXPECT_DOUBLE_EQ(qber_intercept(0, 0.02), 0.02);
  EXPECT_DOUBLE_EQ(qber_intercept(0.5, 0.02), 0.02 + 0.96 * 0.125);
}

// SECURITY-FORMULAS 2.1: smallest k (threshold t) with false accept <= 1e-9 and false alarm <= 1e-3.
TEST(Subset, ThresholdsReproduceTheTable) {
  struct Row {
    double e0, f;
    std::uint64_t k, t;
  };
  constexpr Row kRows[] = {{0, 1, 73, 0},          {0, 0.1, 820, 0},       {0.01, 1, 125, 6},  {0.01, 0.2, 1070, 22},
                           {0.02, 0.5, 380, 17},   {0.02, 0.1, 4500, 120}, {0.05, 1, 206, 21}, {0.05, 0.5, 610, 48},
                           {0.05, 0.2, 2770, 175}, {0.01, 0.1, 2925, 47},  {0.02, 1, 144, 9},  {0, 0.5, 156, 0}};
  for (const Row& r : kRows) {
    EXPECT_LE(accept_probability(r.k, r.t, qber_intercept(r.f, r.e0)), 1e-9) << r.k;
    EXPECT_LE(1 - accept_probability(r.k, r.t, r.e0), 1e-3) << r.k;
  }
}

TEST(Subset, AcceptProbabilityIsTheBinomialSum) {
  for (const double q : {0.003, 0.11, 0.5, 0.93}) {
    long double sum = 0;
    const auto law = binomial_law(120, static_cast<long double>(q));
    for (std::uint64_t t = 0; t < 120; ++t) {
      sum += law[t];
      const auto expected = static_cast<double>(sum);
      EXPECT_NEAR(accept_probability(120, t, q), expected, 1e-12 * expected) << q << " " << t;
    }
  }
}

TEST(Subset, AcceptProbabilityKnowsItsEnds) {
  EXPECT_EQ(accept_probability(10, 10, 0.7), 1);
  EXPECT_EQ(accept_probability(10, 3, 0), 1);
  EXPECT_EQ(accept_probability(10, 9, 1), 0);
  EXPECT_TRUE(std::isnan(accept_probability(10, 3, 1.1)));
}

TEST(BinomialLowerLimit, HasItsClosedFormWhereEverythingIsWrong) {
  // Pr[X >= m | p] = p^m = p_fail.
  EXPECT_NEAR(binomial_lower_limit(50, 50, 1e-6), std::pow(1e-6, 1.0 / 50), 1e-13);
  // One error: 1 - (1-p)^m = p_fail.
  EXPECT_NEAR(binomial_lower_limit(1, 200, 1e-6), -std::expm1(std::log1p(-1e-6) / 200), 1e-20);
}

TEST(BinomialLowerLimit, IsZeroWithoutErrorsOrTrials) {
  EXPECT_EQ(binomial_lower_limit(0, 500, 1e-6), 0);
  EXPECT_EQ(binomial_lower_limit(0, 0, 1e-6), 0);
}

TEST(BinomialLowerLimit, CoversEveryRateAtLeastAsOftenAsItClaims) {
  constexpr std::uint64_t kTrials = 300;
  for (const double p_fail : {0.05, 1e-6}) {
    std::vector<double> limit;
    for (std::uint64_t x = 0; x <= kTrials; ++x) limit.push_back(binomial_lower_limit(x, kTrials, p_fail));
    for (double rate = 0.005; rate < 1; rate += 0.0137) {
      const auto law = binomial_law(kTrials, static_cast<long double>(rate));
      long double misses = 0;
      for (std::uint64_t x = 0; x <= kTrials; ++x)
        if (limit[x] > rate) misses += law[x];
      EXPECT_LE(misses, static_cast<long double>(p_fail)) << rate;
    }
  }
}

TEST(BinomialLowerLimit, LeavesExactlyTheClaimedTail) {
  const double p = binomial_lower_limit(80, 400, 1e-6);
  const auto law = binomial_law(400, static_cast<long double>(p));
  long double tail = 0;
  for (std::uint64_t x = 80; x <= 400; ++x) tail += law[x];
  EXPECT_NEAR(static_cast<double>(tail), 1e-6, 1e-15);
}

TEST(BinomialLowerLimit, GrowsWithTheErrors) {
  double last = 0;
  for (std::uint64_t errors = 1; errors <= 1000; ++errors) {
    const double limit = binomial_lower_limit(errors, 1000, 1e-6);
    EXPECT_GT(limit, last);
    EXPECT_LT(limit, static_cast<double>(errors) / 1000);
    last = limit;
  }
}

}  // namespace
}  // namespace nicol::distillation
