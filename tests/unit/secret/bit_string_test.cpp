// SPDX-License-Identifier: Apache-2.0
// Secret bit strings against vectors of bool.
#include "controller/secret/bit_string.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <type_traits>

#include "tests/unit/secret/backing_fixture.hpp"
#include "tests/unit/secret/bits_reference.hpp"

namespace nicol::secret {
namespace {

static_assert(!std::is_copy_constructible_v<BitString> && std::is_nothrow_move_constructible_v<BitString>);
static_assert(!std::is_copy_constructible_v<BitCollector>);

TEST(BitString, IsZeroAtBirth) {
  for (const std::size_t size : awkward_sizes) EXPECT_EQ(BitString(size).popcount(), 0U);
}

TEST(BitString, OfNoBitsTakesNoPages) {
  const std::size_t before = locked_usage().held;
  const BitString none(0);
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(locked_usage().held, before);
  EXPECT_TRUE(none.equal_ct(BitString()));
}

TEST(BitString, ComesBackFromPublicBitsUnchanged) {
  for (const std::size_t size : awkward_sizes) {
    const Bools bits = random_bools(size, size);
    EXPECT_EQ(to_bools(to_secret(bits)), bits) << size;
  }
}

TEST(BitString, RandomBitsAreThoseOfTheStreamWithAZeroTail) {
  const auto random = make_seeded_random(5, NodeId::alice);
  for (const std::size_t size : awkward_sizes) {
    const BitString a = BitString::random(size, *random, Purpose::test, 3);
    EXPECT_TRUE(a.equal_ct(BitString::random(size, *random, Purpose::test, 3)));
    EXPECT_TRUE(tail_is_zero(a)) << size;
  }
  EXPECT_FALSE(
      BitString::random(128, *random, Purpose::test, 3).equal_ct(BitString::random(128, *random, Purpose::test, 4)));
}

TEST(BitString, RandomBitsAreHalfOnes) {
  const auto random = make_os_random();
  const auto ones = BitString::random(1000000, *random, Purpose::test, 0).popcount();
  EXPECT_NEAR(static_cast<double>(ones), 500000.0, 4000.0);  // 8 sigma
}

TEST(BitString, XorFlipsWhereTheOtherIsOne) {
  for (const std::size_t size : awkward_sizes) {
    const Bools a = random_bools(size, 1), b = random_bools(size, 2);
    BitString result = to_secret(a);
    result.xor_with(to_secret(b));
    Bools expected(size);
    for (std::size_t i = 0; i < size; ++i) expected[i] = a[i] != b[i];
    EXPECT_EQ(to_bools(result), expected);
  }
}

TEST(BitString, XorWithItselfIsZero) {
  BitString bits = to_secret(random_bools(1000, 1));
  bits.xor_with(bits);
  EXPECT_EQ(bits.popcount(), 0U);
}

TEST(BitString, CountsAndParity) {
  for (const std::size_t size : awkward_sizes) {
    const Bools bits = random_bools(size, 3);
    const auto ones = static_cast<std::size_t>(std::count(bits.begin(), bits.end(), true));
    EXPECT_EQ(to_secret(bits).popcount(), ones);
    EXPECT_EQ(to_secret(bits).parity(), ones % 2 == 1);
  }
}

TEST(BitString, ExtractKeepsTheMaskedBitsInOrder) {
  for (const std::size_t size : awkward_sizes) {
    const Bools bits = random_bools(size, 4), mask = random_bools(size, 5);
    Bools expected;
    for (std::size_t i = 0; i < size; ++i)
      if (mask[i]) expected.push_back(bits[i]);
    const BitString result = to_secret(bits).extract(to_public(mask));
    EXPECT_EQ(to_bools(result), expected);
    EXPECT_TRUE(tail_is_zero(result));
  }
}

TEST(BitString, DiscloseGivesTheMaskedBitsInTheOpen) {
  const Bools bits = random_bools(1000, 6), mask = random_bools(1000, 7);
  const PublicBits disclosed = to_secret(bits).disclose(to_public(mask));
  EXPECT_EQ(disclosed, to_public(bits).extract(to_public(mask)));
  EXPECT_TRUE(tail_is_zero(disclosed));
}

TEST(BitString, SliceTakesARange) {
  const Bools bits = random_bools(500, 8);
  const BitString secret = to_secret(bits);
  for (std::size_t begin = 0; begin <= 500; begin += 13)
    for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{64}, std::size_t{65}, 500 - begin}) {
      if (begin + count > 500) continue;
      const auto first = bits.begin() + static_cast<std::ptrdiff_t>(begin);
      const BitString part = secret.slice(begin, count);
      EXPECT_EQ(to_bools(part), Bools(first, first + static_cast<std::ptrdiff_t>(count)));
      EXPECT_TRUE(tail_is_zero(part));
    }
}

TEST(BitString, ConcatPutsOneBehindTheOther) {
  for (const std::size_t a : awkward_sizes)
    for (const std::size_t b : {std::size_t{0}, std::size_t{1}, std::size_t{63}, std::size_t{64}, std::size_t{200}}) {
      Bools first = random_bools(a, 9);
      const Bools second = random_bools(b, 10);
      const BitString both = BitString::concat(to_secret(first), to_secret(second));
      first.insert(first.end(), second.begin(), second.end());
      EXPECT_EQ(to_bools(both), first) << a << " " << b;
      EXPECT_TRUE(tail_is_zero(both));
    }
}

TEST(BitString, PermutedTakesBitsFromWhereThePermutationSays) {
  for (const std::size_t size : awkward_sizes) {
    const Bools bits = random_bools(size, 11);
    std::vector<std::uint32_t> permutation(size);
    std::iota(permutation.begin(), permutation.end(), 0U);
    std::shuffle(permutation.begin(), permutation.end(), std::mt19937_64(12));
    const BitString result = to_secret(bits).permuted(permutation);
    Bools expected(size);
    for (std::size_t i = 0; i < size; ++i) expected[i] = bits[permutation[i]];
    EXPECT_EQ(to_bools(result), expected);
    EXPECT_TRUE(tail_is_zero(result));
  }
}

TEST(BitString, PrefixParitiesAreRunningXors) {
  for (const std::size_t size : awkward_sizes) {
    const Bools bits = random_bools(size, 13);
    const BitString result = to_secret(bits).prefix_parities();
    Bools expected(size);
    bool running = false;
    for (std::size_t i = 0; i < size; ++i) expected[i] = running = running != bits[i];
    EXPECT_EQ(to_bools(result), expected);
    EXPECT_TRUE(tail_is_zero(result));
  }
}

TEST(BitString, TruncateKeepsTheFront) {
  for (const std::size_t size : awkward_sizes)
    for (const std::size_t kept : {std::size_t{0}, std::size_t{1}, std::size_t{64}, size / 2, size}) {
      if (kept > size) continue;
      Bools bits = random_bools(size, 14);
      BitString secret = to_secret(bits);
      secret.truncate(kept);
      bits.resize(kept);
      EXPECT_EQ(secret.size(), kept);
      EXPECT_EQ(to_bools(secret), bits);
      EXPECT_TRUE(tail_is_zero(secret));
    }
}

TEST(BitString, TruncateGivesPagesBack) {
  BitString bits(1000000);
  const std::size_t before = locked_usage().held;
  bits.truncate(1000);
  EXPECT_LT(locked_usage().held, before - 100000);
}

TEST(BitString, EqualityLooksAtEveryBit) {
  const Bools bits = random_bools(200, 15);
  const BitString secret = to_secret(bits);
  EXPECT_TRUE(secret.equal_ct(to_secret(bits)));
  for (std::size_t i = 0; i < 200; ++i) {
    Bools other = bits;
    other[i] = !other[i];
    EXPECT_FALSE(secret.equal_ct(to_secret(other))) << i;
  }
  EXPECT_FALSE(secret.equal_ct(BitString(199)));
}

TEST(BitString, AMoveEmptiesTheSource) {
  BitString source = to_secret(random_bools(100, 16));
  const BitString target = std::move(source);
  EXPECT_EQ(target.size(), 100U);
  EXPECT_TRUE(source.empty());  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(source.popcount(), 0U);
}

TEST(BitString, WipeLeavesAnEmptyString) {
  BitString bits(100);
  bits.wipe();
  EXPECT_TRUE(bits.empty());
}

TEST(BitString, MismatchedSizesAreBugs) {
  BitString bits(100);
  EXPECT_THROW(bits.xor_with(BitString(101)), std::logic_error);
  EXPECT_THROW((void)bits.extract(PublicBits(99)), std::logic_error);
  EXPECT_THROW((void)bits.disclose(PublicBits(99)), std::logic_error);
  EXPECT_THROW((void)bits.slice(90, 11), std::logic_error);
  EXPECT_THROW((void)bits.slice(101, 0), std::logic_error);
  EXPECT_THROW((void)bits.permuted(std::vector<std::uint32_t>{100}), std::logic_error);
  EXPECT_THROW(bits.truncate(101), std::logic_error);
}

TEST(BitCollector, PutsBatchesOneBehindTheOther) {
  BitCollector collector(5000);
  Bools expected;
  std::mt19937_64 engine(17);
  while (expected.size() < 4800) {
    const Bools batch = random_bools(engine() % 150, engine());
    collector.append(to_public(batch).words(), batch.size());
    expected.insert(expected.end(), batch.begin(), batch.end());
    ASSERT_EQ(collector.size(), expected.size());
  }
  const BitString all = collector.finish();
  EXPECT_EQ(to_bools(all), expected);
  EXPECT_TRUE(tail_is_zero(all));
}

TEST(BitCollector, LooksAtTheLowBitsOfABatchOnly) {
  BitCollector collector(10);
  collector.append(std::vector<std::uint64_t>{~std::uint64_t{0}}, 3);
  collector.append(std::vector<std::uint64_t>{0}, 7);
  EXPECT_EQ(collector.finish().popcount(), 3U);
}

TEST(BitCollector, TakesSelectedBitsOfASecret) {
  const Bools bits = random_bools(1000, 18);
  const BitString source = to_secret(bits);
  std::vector<std::uint32_t> positions;
  Bools expected = {true};
  std::mt19937_64 engine(19);
  for (int i = 0; i < 300; ++i) {
    positions.push_back(static_cast<std::uint32_t>(engine() % 1000));
    expected.push_back(bits[positions.back()]);
  }
  BitCollector collector(400);
  collector.append(std::vector<std::uint64_t>{1}, 1);
  collector.append_selected(source, positions);
  EXPECT_EQ(to_bools(collector.finish()), expected);
}

TEST(BitCollector, TakesWholeStrings) {
  const Bools bits = random_bools(77, 20);
  BitCollector collector(154);
  collector.append(to_secret(bits));
  collector.append(to_secret(bits));
  Bools twice = bits;
  twice.insert(twice.end(), bits.begin(), bits.end());
  EXPECT_EQ(to_bools(collector.finish()), twice);
}

TEST(BitCollector, RefusesMoreThanItsCapacityAndKeepsWhatItHas) {
  BitCollector collector(64);
  collector.append(std::vector<std::uint64_t>{5}, 60);
  EXPECT_THROW(collector.append(std::vector<std::uint64_t>{0}, 5), std::length_error);
  EXPECT_THROW(collector.append_selected(BitString(8), std::vector<std::uint32_t>(5)), std::length_error);
  EXPECT_THROW(collector.append(BitString(5)), std::length_error);
  EXPECT_EQ(collector.size(), 60U);
  EXPECT_EQ(collector.finish().popcount(), 2U);
}

TEST(BitCollector, RefusesBitsThatAreNotThere) {
  BitCollector collector(640);
  EXPECT_THROW(collector.append(std::vector<std::uint64_t>{0}, 65), std::length_error);
  EXPECT_THROW(collector.append_selected(BitString(8), std::vector<std::uint32_t>{8}), std::logic_error);
}

TEST(BitCollector, IsSpentOnceFinished) {
  BitCollector collector(64);
  (void)collector.finish();
  EXPECT_EQ(collector.capacity(), 0U);
  EXPECT_THROW(collector.append(std::vector<std::uint64_t>{0}, 1), std::length_error);
}

}  // namespace
}  // namespace nicol::secret
