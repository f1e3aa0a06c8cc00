// SPDX-License-Identifier: Apache-2.0
// Bit monitors: the sign convention of SECURITY-FORMULAS 2.2, and p-values that are uniform over honest blocks.
#include "controller/sifting/monitors.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numbers>

#include "tests/unit/sifting/hand_made.hpp"

namespace nicol::sifting::test {
namespace {

/// Bob's frame turned by theta against Alice's: 1 = 0 and 45 degrees, 0 = 90 and 135 degrees (DESIGN.md 2).
Pair rotated(double theta_degrees, std::uint64_t slots) {
  std::mt19937_64 g(2);
  std::uniform_real_distribution<double> u;
  Pair p;
  p.slots = slots;
  for (std::uint64_t k = 0; k < slots; ++k) {
    const Entry hers{k, u(g) < 0.5, u(g) < 0.5};
    const bool his_basis = u(g) < 0.5;
    const double sent = (hers.diagonal ? 45.0 : 0.0) + (hers.bit ? 0.0 : 90.0) + theta_degrees;
    const double one = his_basis ? 45.0 : 0.0;
    const double cosine = std::cos((sent - one) * std::numbers::pi / 180);
    p.alice.push_back(hers);
    p.bob.push_back({k, his_basis, u(g) < cosine * cosine});
  }
  return p;
}

TEST(Correlators, OfARotatedFrameAreAntisymmetric) {
  const Sifted s = sift(rotated(10, 200'000));
  const auto e = correlators(s.bob.correlators);
  EXPECT_NEAR(e[0].value, +std::sin(20 * std::numbers::pi / 180), 5 * e[0].sigma) << "E(A=Z, B=X)";
  EXPECT_NEAR(e[1].value, -std::sin(20 * std::numbers::pi / 180), 5 * e[1].sigma) << "E(A=X, B=Z)";
  EXPECT_NEAR(e[0].sigma, std::sqrt((1 - 0.117) / static_cast<double>(e[0].counts)), 1e-4);
}

TEST(Correlators, OfAnAlignedFrameAreZero) {
  const auto e = correlators(sift(rotated(0, 100'000)).bob.correlators);
  for (const Correlator& c : e) EXPECT_NEAR(c.value, 0, 5 * c.sigma);
}

TEST(Correlators, WithoutDataAreNoNumbers) { EXPECT_TRUE(std::isnan(correlators({})[0].value)); }

TEST(ChiSquareTail, MeetsPublishedQuantiles) {
  EXPECT_NEAR(chi_square_tail(3.841459, 1), 0.05, 1e-7);
  EXPECT_NEAR(chi_square_tail(5.991465, 2), 0.05, 1e-7);
  EXPECT_NEAR(chi_square_tail(7.814728, 3), 0.05, 1e-7);
  EXPECT_NEAR(chi_square_tail(23.20925, 10), 0.01, 1e-7);
  EXPECT_EQ(chi_square_tail(0, 3), 1);
}

PublicBits coins(std::mt19937_64& g, std::size_t n, double p) {
  std::bernoulli_distribution d(p);
  PublicBits out(n);
  for (std::size_t i = 0; i < n; ++i) out.set(i, d(g));
  return out;
}

/// Kolmogorov-Smirnov distance from uniform, times sqrt(runs): 1.63 is the 1 % limit, 2.23 that of 1e-4.
double uniformity(const std::function<double(std::mt19937_64&)>& p_value) {
  std::mt19937_64 g(17);
  std::vector<double> p(400);
  for (double& v : p) v = p_value(g);
  std::sort(p.begin(), p.end());
  double d = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const auto n = static_cast<double>(p.size()), k = static_cast<double>(i);
    d = std::max({d, p[i] - k / n, (k + 1) / n - p[i]});
  }
  return d * std::sqrt(static_cast<double>(p.size()));
}

TEST(HonestBlocks, GiveUniformPValuesOfStateBalance) {
  EXPECT_LT(uniformity([](auto& g) {
              return state_balance({coins(g, 20'001, 0.5), coins(g, 15'000, 0.5)}).p_value;
            }),
            2.23);
}
TEST(HonestBlocks, GiveUniformPValuesOfLagOneWhateverTheirBias) {
  EXPECT_LT(uniformity([](auto& g) { return lag_one(coins(g, 20'003, 0.5)).p_value; }), 2.23);
  EXPECT_LT(uniformity([](auto& g) { return lag_one(coins(g, 20'003, 0.35)).p_value; }), 2.23);
}
TEST(HonestBlocks, GiveUniformPValuesOfBasisBalance) {
  EXPECT_LT(uniformity([](auto& g) { return basis_balance(coins(g, 30'000, 0.3), 0.3).p_value; }), 2.23);
}

TEST(StateBalance, SeesADetectorThatFiresTooOften) {
  std::mt19937_64 g(1);
  EXPECT_LT(state_balance({coins(g, 10'000, 0.5), coins(g, 10'000, 0.54)}).p_value, 1e-6);
}
TEST(LagOne, SeesABitThatDependsOnTheOneBefore) {
  std::mt19937_64 g(1);
  PublicBits bits(10'000);
  for (std::size_t i = 1; i < bits.size(); ++i) bits.set(i, (g() % 100 < 46) == bits.get(i - 1));
  EXPECT_LT(lag_one(bits).p_value, 1e-6);
}
TEST(LagOne, CountsRunsAcrossWords) {
  PublicBits bits(130);
  for (std::size_t i = 64; i < 128; ++i) bits.set(i, true);  // three runs
  const double n = 130, ones = 64, twice = 2 * ones * (n - ones);
  const double z = (3 - twice / n - 1) / std::sqrt(twice * (twice - n) / (n * n * (n - 1)));
  EXPECT_NEAR(lag_one(bits).statistic, z, 1e-9);
}
TEST(LagOne, SaysNothingOfConstantOrMissingBits) {
  EXPECT_EQ(lag_one(PublicBits(50)).p_value, 1);
  EXPECT_EQ(lag_one(PublicBits()).p_value, 1);
}
TEST(BasisBalance, SeesASplitterThatIsOff) {
  std::mt19937_64 g(1);
  EXPECT_LT(basis_balance(coins(g, 20'000, 0.5), 0.47).p_value, 1e-6);
}

}  // namespace
}  // namespace nicol::sifting::test
