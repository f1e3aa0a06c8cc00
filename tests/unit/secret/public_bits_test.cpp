// SPDX-License-Identifier: Apache-2.0
// Public bit strings against vectors of bool.
#include "controller/secret/public_bits.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/secret/bits_reference.hpp"

namespace nicol::secret {
namespace {

TEST(PublicBits, PushedBitsAreThoseRead) {
  const Bools bits = random_bools(300, 1);
  PublicBits pushed;
  for (const bool b : bits) pushed.push_back(b);
  EXPECT_EQ(pushed, to_public(bits));
  EXPECT_TRUE(tail_is_zero(pushed));
}

TEST(PublicBits, CountsOnes) {
  for (const std::size_t size : awkward_sizes) {
    const Bools bits = random_bools(size, 2);
    EXPECT_EQ(to_public(bits).popcount(), static_cast<std::size_t>(std::count(bits.begin(), bits.end(), true)));
  }
}

TEST(PublicBits, TheComplementHasTheOtherBitsAndAZeroTail) {
  for (const std::size_t size : awkward_sizes) {
    const PublicBits bits = to_public(random_bools(size, 3));
    EXPECT_EQ(bits.popcount() + bits.complement().popcount(), size);
    EXPECT_EQ(bits.complement().complement(), bits);
    EXPECT_TRUE(tail_is_zero(bits.complement()));
  }
}

TEST(PublicBits, ExtractKeepsTheMaskedBitsInOrder) {
  for (const std::size_t size : awkward_sizes) {
    const Bools bits = random_bools(size, 4), mask = random_bools(size, 5);
    Bools expected;
    for (std::size_t i = 0; i < size; ++i)
      if (mask[i]) expected.push_back(bits[i]);
    EXPECT_EQ(to_bools(to_public(bits).extract(to_public(mask))), expected);
  }
}

TEST(PublicBits, DepositUndoesExtract) {
  for (const std::size_t size : awkward_sizes) {
    const PublicBits bits = to_public(random_bools(size, 6)), mask = to_public(random_bools(size, 7));
    const PublicBits back = bits.extract(mask).deposit(mask);
    for (std::size_t i = 0; i < size; ++i) ASSERT_EQ(back.get(i), mask.get(i) && bits.get(i)) << i;
  }
}

TEST(PublicBits, DistanceCountsDifferences) {
  for (const std::size_t size : awkward_sizes) {
    const Bools a = random_bools(size, 8), b = random_bools(size, 9);
    std::size_t different = 0;
    for (std::size_t i = 0; i < size; ++i) different += a[i] != b[i] ? 1U : 0U;
    EXPECT_EQ(to_public(a).distance(to_public(b)), different);
  }
}

TEST(PublicBits, MismatchedSizesAreBugs) {
  EXPECT_THROW((void)PublicBits(10).extract(PublicBits(11)), std::logic_error);
  EXPECT_THROW((void)PublicBits(10).deposit(PublicBits(11)), std::logic_error);
  EXPECT_THROW((void)PublicBits(10).distance(PublicBits(11)), std::logic_error);
}

}  // namespace
}  // namespace nicol::secret
