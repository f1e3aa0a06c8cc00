// SPDX-License-Identifier: Apache-2.0
// The rule by which both nodes cut a key.
#include <gtest/gtest.h>

#include <limits>

#include "controller/keystore/key_store.hpp"
#include "drivers/hal/random.hpp"

namespace nicol::keystore {
namespace {

using Pools = std::array<PoolStatus, 4>;

Pools pools(std::uint64_t ab, std::uint64_t ba) {
  Pools p{};
  for (const Pool pool : kPools) p[static_cast<std::size_t>(pool)].pool = pool;
  p[0].end = ab;
  p[1].end = ba;
  return p;
}
std::uint64_t sum(const Split& s) { return s.pools[0] + s.pools[1] + s.pools[2] + s.pools[3] + s.delivery; }

TEST(SplitKey, FillsBothAuthenticationPoolsToHighWaterFirst) {
  const Split s = split_key(10'000, pools(7000, 8000), {.auth_high_water = 8192, .otp_share = 0});
  EXPECT_EQ(s.pools[0], 1192u);
  EXPECT_EQ(s.pools[1], 192u);
  EXPECT_EQ(s.delivery, 10'000u - 1384u);
}

TEST(SplitKey, DeliversWholeKeysOnceAuthenticationIsFull) {
  EXPECT_EQ(split_key(777, pools(8192, 9000), {.auth_high_water = 8192, .otp_share = 0}).delivery, 777u);
}

TEST(SplitKey, GivesHalfOfTheShareToEachOneTimePadPool) {
  const Split s = split_key(8000, pools(8192, 8192), {.auth_high_water = 8192, .otp_share = 0.25});
  EXPECT_EQ(s.pools[2], 1000u);
  EXPECT_EQ(s.pools[3], 1000u);
  EXPECT_EQ(s.delivery, 6000u);
}

TEST(SplitKey, SharesAKeyTooSmallForBothDeficits) {
  const Split s = split_key(800, pools(0, 0), {.auth_high_water = 8192});
  EXPECT_EQ(s.pools[0], 400u);
  EXPECT_EQ(s.pools[1], 400u);
  EXPECT_EQ(sum(s), 800u);
}

TEST(SplitKey, CountsUsedBitsAsMissing) {
  Pools p = pools(8192, 8192);
  p[0].mark = 512;
  EXPECT_EQ(split_key(4000, p, {.auth_high_water = 8192}).pools[0], 512u);
}

TEST(SplitKey, TreatsAMarkBeyondTheEndAsEmpty) {
  Pools p = pools(100, 8192);
  p[0].mark = 200;
  EXPECT_EQ(split_key(20'000, p, {.auth_high_water = 8192}).pools[0], 8192u);
}

TEST(SplitKey, AlwaysSumsToTheKey) {
  CounterStream r({.seed = 3});
  for (int i = 0; i < 2000; ++i) {
    const std::uint64_t bits = r.below(1u << (r.below(24) + 1));
    const Split s = split_key(bits, pools(r.below(9000), r.below(9000)),
                              {.auth_high_water = 8 * r.below(2000), .otp_share = r.uniform()});
    ASSERT_EQ(sum(s), bits);
    for (const std::uint64_t part : s.pools) ASSERT_EQ(part % 8, 0u);
    ASSERT_EQ(s.pools[2], s.pools[3]);
  }
}

TEST(SplitKey, TakesNonsenseSharesAsTheNearestSense) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(split_key(1000, pools(8192, 8192), {.auth_high_water = 8192, .otp_share = nan}).delivery, 1000u);
  EXPECT_EQ(split_key(1000, pools(8192, 8192), {.auth_high_water = 8192, .otp_share = -1}).delivery, 1000u);
  EXPECT_EQ(sum(split_key(1000, pools(8192, 8192), {.auth_high_water = 8192, .otp_share = 7})), 1000u);
}

}  // namespace
}  // namespace nicol::keystore
