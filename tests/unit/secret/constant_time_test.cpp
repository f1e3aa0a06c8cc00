// SPDX-License-Identifier: Apache-2.0
// Comparison and erasure of ordinary spans.
#include "controller/secret/constant_time.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace nicol::secret {
namespace {

using Bytes = std::vector<std::uint8_t>;

TEST(EqualCt, SeesADifferenceInAnyBitOfAnyByte) {
  const Bytes a(43, 0x5a);
  EXPECT_TRUE(equal_ct(a, Bytes(a)));
  for (std::size_t i = 0; i < a.size(); ++i)
    for (unsigned bit = 0; bit < 8; ++bit) {
      Bytes b = a;
      b[i] = static_cast<std::uint8_t>(b[i] ^ (1U << bit));
      EXPECT_FALSE(equal_ct(a, b)) << i << " " << bit;
    }
}

TEST(EqualCt, DifferentLengthsAreUnequal) { EXPECT_FALSE(equal_ct(Bytes(8), Bytes(9))); }
TEST(EqualCt, NothingEqualsNothing) { EXPECT_TRUE(equal_ct(Bytes(), Bytes())); }

TEST(Wipe, ZeroesEveryByteOfTheSpanAndNoOther) {
  Bytes bytes(20, 7);
  wipe(std::span(bytes).subspan(5, 10));
  for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(bytes[i], i >= 5 && i < 15 ? 0 : 7);
}

TEST(Wipe, OfNothingIsAllowed) { wipe(std::span<std::byte>()); }

}  // namespace
}  // namespace nicol::secret
