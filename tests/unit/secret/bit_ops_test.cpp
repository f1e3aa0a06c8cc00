// SPDX-License-Identifier: Apache-2.0
// Selecting bits by mask: definition, and the portable way equal to the processor's.
#include "controller/secret/bit_ops.hpp"

#include <gtest/gtest.h>

#include <random>

#include "controller/secret/registers.hpp"
#include "tests/unit/secret/bits_reference.hpp"

namespace nicol::secret::bits {
namespace {

std::uint64_t pext_by_definition(std::uint64_t value, std::uint64_t mask) {
  std::uint64_t result = 0;
  for (unsigned i = 0, k = 0; i < 64; ++i)
    if ((mask >> i & 1) != 0) result |= (value >> i & 1) << k++;
  return result;
}

std::uint64_t pdep_by_definition(std::uint64_t value, std::uint64_t mask) {
  std::uint64_t result = 0;
  for (unsigned i = 0, k = 0; i < 64; ++i)
    if ((mask >> i & 1) != 0) result |= (value >> k++ & 1) << i;
  return result;
}

std::vector<std::uint64_t> masks() {
  std::vector<std::uint64_t> all = {0,
                                    1,
                                    ~std::uint64_t{0},
                                    std::uint64_t{1} << 63,
                                    0x5555555555555555ULL,
                                    0xffffffff00000000ULL,
                                    0x8000000000000001ULL};
  std::mt19937_64 engine(1);
  for (int i = 0; i < 300; ++i)
    all.push_back(i % 3 == 0 ? engine() : i % 3 == 1 ? engine() & engine() & engine() : engine() | engine() | engine());
  return all;
}

TEST(Pext, PortableFollowsTheDefinition) {
  std::mt19937_64 engine(2);
  for (const std::uint64_t mask : masks()) {
    const std::uint64_t value = engine();
    EXPECT_EQ(pext_portable(value, mask), pext_by_definition(value, mask)) << std::hex << mask;
  }
}

TEST(Pdep, PortableFollowsTheDefinition) {
  std::mt19937_64 engine(3);
  for (const std::uint64_t mask : masks()) {
    const std::uint64_t value = engine();
    EXPECT_EQ(pdep_portable(value, mask), pdep_by_definition(value, mask)) << std::hex << mask;
  }
}

TEST(Extract, PortableAndNativeAgree) {
  std::mt19937_64 engine(4);
  const auto mask = masks();
  std::vector<std::uint64_t> source(mask.size()), a(mask.size(), 1), b(mask.size(), 1);
  for (auto& w : source) w = engine();
  extract(source, mask, a, Path::portable);
  extract(source, mask, b, Path::native);
  const std::size_t count = popcount(mask);
  for (std::size_t i = 0; i < words_for(count); ++i) EXPECT_EQ(a[i], b[i]);
}

TEST(Deposit, PortableAndNativeAgree) {
  std::mt19937_64 engine(5);
  const auto mask = masks();
  std::vector<std::uint64_t> source(mask.size()), a(mask.size(), 1), b(mask.size(), 2);
  for (auto& w : source) w = engine();
  deposit(source, mask, a, Path::portable);
  deposit(source, mask, b, Path::native);
  EXPECT_EQ(a, b);
}

TEST(Popcount, PortableAndNativeAgree) {
  EXPECT_EQ(popcount(masks(), Path::portable), popcount(masks(), Path::native));
  EXPECT_EQ(popcount(std::vector<std::uint64_t>{~std::uint64_t{0}, 1}), 65U);
}

TEST(Copy, MovesAnyRangeAndLeavesItsNeighbours) {
  std::mt19937_64 engine(6);
  const Bools from = random_bools(400, 7), to = random_bools(400, 8);
  for (int round = 0; round < 2000; ++round) {
    const std::size_t count = engine() % 260, a = engine() % (400 - count), b = engine() % (400 - count);
    const PublicBits source = to_public(from);
    PublicBits target = to_public(to);
    copy(source.words(), a, target.words(), b, count);
    Bools expected = to;
    for (std::size_t i = 0; i < count; ++i) expected[b + i] = from[a + i];
    ASSERT_EQ(to_bools(target), expected) << a << " " << b << " " << count;
  }
}

TEST(Parity, IsThatOfTheCount) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const PublicBits bits = to_public(random_bools(500, seed));
    EXPECT_EQ(parity(bits.words()), bits.popcount() % 2);
  }
}

#if defined(__x86_64__)
TEST(Registers, VectorRegistersAreZeroAfterClearing) {
  const std::uint64_t secret = 0x1122334455667788ULL;
  std::uint64_t found = 1;
  __asm__ volatile("movq %0, %%xmm7" : : "r"(secret) : "xmm7");
  detail::clear_vector_registers();
  __asm__ volatile("movq %%xmm7, %0" : "=r"(found) : : "xmm7");
  EXPECT_EQ(found, 0U);
}

[[gnu::target("avx512f")]] std::uint64_t high_register_after_clearing() {
  const std::uint64_t secret = 0x1122334455667788ULL;
  std::uint64_t found = 1;
  __asm__ volatile("vmovq %0, %%xmm20" : : "r"(secret) : "xmm20");
  detail::clear_vector_registers();
  __asm__ volatile("vmovq %%xmm20, %0" : "=r"(found) : : "xmm20");
  return found;
}

TEST(Registers, TheUpperSixteenAreZeroAfterClearing) {
  if (!__builtin_cpu_supports("avx512f")) GTEST_SKIP() << "no AVX-512";
  EXPECT_EQ(high_register_after_clearing(), 0U);
}
#endif

}  // namespace
}  // namespace nicol::secret::bits
