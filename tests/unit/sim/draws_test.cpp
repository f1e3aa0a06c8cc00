// SPDX-License-Identifier: Apache-2.0
// The draws behind every simulated count have the distributions they claim, tails included.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "sim/devices/draws.hpp"
#include "sim/optics/arrival.hpp"
#include "tests/unit/sim/bench_link.hpp"

namespace nicol::sim {
namespace {

constexpr int kDraws = 4'000'000;

CounterStream stream(std::uint64_t index) { return CounterStream({17, NodeId::world, Purpose::test, index}); }

TEST(NormalDraw, HasTheNormalDistributionOutToItsTail) {
  CounterStream s = stream(0);
  constexpr double kEdges[] = {-4.5, -3.66, -2.5, -1.2, -0.3, 0, 0.02, 0.7, 1.9, 3.2, 3.66, 4.2, 4.8};
  std::array<double, std::size(kEdges)> below{};
  for (int i = 0; i < kDraws; ++i) {
    const double x = draw_normal(s);
    for (std::size_t e = 0; e < std::size(kEdges); ++e) below[e] += x < kEdges[e];
  }
  for (std::size_t e = 0; e < std::size(kEdges); ++e) {
    const double p = std::erfc(-kEdges[e] / std::numbers::sqrt2) / 2;
    EXPECT_LT(std::abs(test::sigmas(below[e], kDraws, p)), 4.5) << kEdges[e];
  }
}

TEST(ExponentialDraw, HasTheExponentialDistributionOutToItsTail) {
  CounterStream s = stream(1);
  constexpr double kEdges[] = {0.001, 0.06, 0.5, 1, 2.7, 5, 7.6, 7.75, 9, 12};
  std::array<double, std::size(kEdges)> above{};
  for (int i = 0; i < kDraws; ++i) {
    const double x = draw_exponential(s);
    for (std::size_t e = 0; e < std::size(kEdges); ++e) above[e] += x > kEdges[e];
  }
  for (std::size_t e = 0; e < std::size(kEdges); ++e)
    EXPECT_LT(std::abs(test::sigmas(above[e], kDraws, std::exp(-kEdges[e]))), 4.5) << kEdges[e];
}

TEST(FailuresDraw, IsGeometric) {
  CounterStream s = stream(2);
  constexpr double kProbability = 0.3;
  const double mean_gap = -1 / std::log1p(-kProbability);
  std::array<double, 6> equal{};
  for (int i = 0; i < kDraws; ++i)
    if (const std::uint64_t n = draw_failures(s, mean_gap); n < equal.size()) ++equal[n];
  for (std::size_t n = 0; n < equal.size(); ++n)
    EXPECT_LT(std::abs(test::sigmas(equal[n], kDraws, kProbability * std::pow(0.7, n))), 4.5) << n;
}

TEST(FailuresDraw, EndsForCertainAndForImpossibleEvents) {
  CounterStream s = stream(3);
  EXPECT_EQ(draw_failures(s, 0), 0u);
  EXPECT_GT(draw_failures(s, std::numeric_limits<double>::infinity()), std::uint64_t{1} << 60);
}

TEST(RoundPs, IsToTheNearest) {
  EXPECT_EQ(round_ps(2.4), 2);
  EXPECT_EQ(round_ps(-2.4), -2);
  EXPECT_EQ(round_ps(-2.6), -3);
  EXPECT_EQ(round_ps(1e15 + 0.5), 1'000'000'000'000'001);
}

}  // namespace
}  // namespace nicol::sim
