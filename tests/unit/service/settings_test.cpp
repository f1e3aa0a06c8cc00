// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include "controller/service/settings.hpp"

namespace nicol::service {
namespace {

class DrawnBits : public testing::TestWithParam<double> {};

TEST_P(DrawnBits, AreOneWithTheWantedProbability) {
  constexpr std::size_t n = 1 << 20;
  const auto random = make_seeded_random(11, NodeId::alice);
  const auto bits = draw_bits(n, GetParam(), *random, Purpose::settings, 5);
  const double sigma = std::sqrt(GetParam() * (1 - GetParam()) * n);
  EXPECT_NEAR(static_cast<double>(bits.popcount()), GetParam() * n, 4.5 * sigma + n * 0x1p-17);
}
INSTANTIATE_TEST_SUITE_P(Shares, DrawnBits, testing::Values(0.5, 0.1, 0.9, 0.333));

TEST(DrawnBits, DifferBetweenIndices) {
  const auto random = make_seeded_random(11, NodeId::alice);
  const auto a = draw_bits(256, 0.3, *random, Purpose::settings, 1),
             b = draw_bits(256, 0.3, *random, Purpose::settings, 2);
  EXPECT_FALSE(a.equal_ct(b));
}

TEST(DrawnBits, AreReadOneByOneInOrder) {
  const auto random = make_seeded_random(3, NodeId::bob);
  const auto bits = draw_bits(130, 0.5, *random, Purpose::receiver_settings, 1);
  std::size_t ones = 0;
  for (std::size_t i = 0; i < 130; ++i) ones += bit_at(bits, i) ? 1U : 0U;
  EXPECT_EQ(ones, bits.popcount());
}

}  // namespace
}  // namespace nicol::service
