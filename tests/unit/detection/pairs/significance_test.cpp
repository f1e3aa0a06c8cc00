// SPDX-License-Identifier: Apache-2.0
#include "controller/detection/pairs/significance.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace nicol::detection::pairs {
namespace {

double tail_term_by_term(int count, double mean) {
  double below = 0, term = std::exp(-mean);
  for (int k = 0; k < count; ++k, term *= mean / k) below += term;
  return 1 - below;
}

TEST(PoissonTail, EqualsTheSumOfItsTerms) {
  for (const double mean : {0.3, 2.0, 15.0})
    for (int count = static_cast<int>(mean) + 1; count < mean + 6 * std::sqrt(mean); ++count)
      ASSERT_NEAR(std::exp(log_poisson_tail(count, mean)) / tail_term_by_term(count, mean), 1, 1e-6)
          << count << " of " << mean;
}

TEST(PoissonTail, OfACountAtOrBelowTheMeanIsNoExcess) {
  EXPECT_EQ(log_poisson_tail(5, 5), 0);
  EXPECT_EQ(log_poisson_tail(0, 0), 0);
}

TEST(PoissonTail, StaysFiniteWhereADoubleWouldBeZero) {
  const double log_p = log_poisson_tail(10'000, 100);
  EXPECT_LT(log_p, -30'000);
  EXPECT_TRUE(std::isfinite(log_p));
}

TEST(PoissonTail, IsFarAboveTheNormalOneForFewEvents) {
  EXPECT_GT(log_poisson_tail(5, 0.1), log_normal_tail((5 - 0.1) / std::sqrt(0.1)) + 50);
}

TEST(NormalEquivalent, IsTheInverseOfTheTail) {
  for (double z = 0.1; z < 300; z *= 1.3) EXPECT_NEAR(normal_equivalent(log_normal_tail(z)), z, 1e-6 * z);
}

TEST(NormalEquivalent, KnowsSixSigma) { EXPECT_NEAR(normal_equivalent(std::log(9.8659e-10)), 6, 1e-5); }

TEST(NormalEquivalent, IsZeroForWhatIsNoEvidence) {
  EXPECT_EQ(normal_equivalent(0), 0);
  EXPECT_EQ(normal_equivalent(3.0), 0);
}

}  // namespace
}  // namespace nicol::detection::pairs
