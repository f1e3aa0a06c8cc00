// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <vector>

#include "controller/distillation/amplification.hpp"
#include "controller/distillation/carryless.hpp"

namespace nicol::distillation {
namespace {

using Words = std::vector<std::uint64_t>;

Words random_words(std::uint64_t bits, std::uint64_t seed) {
  Words words((bits + 63) / 64);
  CounterStream random({seed, NodeId::world, Purpose::test, 0});
  for (auto& w : words) w = random();  // bits past the end are set: they must not matter
  return words;
}

bool bit(const Words& words, std::uint64_t i) { return ((words[i / 64] >> (i % 64)) & 1) != 0; }

Words hash(const Words& seed, const Words& input, std::uint64_t n, std::uint64_t l, CarrylessKernel kernel) {
  Words out((l + 63) / 64, ~0ull), scratch(toeplitz_scratch_words(n, l), 0x5a5a5a5a5a5a5a5a);
  toeplitz(seed, input, n, l, out, scratch, kernel);
  return out;
}

/// y_i = XOR_j s[i-j+N-1] x_j.
bool output_bit(const Words& seed, const Words& input, std::uint64_t n, std::uint64_t i) {
  bool y = false;
  for (std::uint64_t j = 0; j < n; ++j) y ^= bit(seed, i + n - 1 - j) && bit(input, j);
  return y;
}

struct Shape {
  std::uint64_t n, l;
};
class ToeplitzKernels : public ::testing::TestWithParam<CarrylessKernel> {};

TEST_P(ToeplitzKernels, GiveTheBitsOfTheDefinitionAtAnySize) {
  std::vector<Shape> shapes{{1, 1},       {2, 1},       {1, 2},         {63, 64},       {64, 64},       {65, 63},
                            {127, 1},     {1'000, 999}, {1'024, 512},   {1'025, 511},   {1, 2'000},     {2'000, 1},
                            {900, 3'100}, {3'100, 900}, {2'048, 2'048}, {2'049, 2'049}, {4'097, 1'537}, {6'151, 3'073}};
  CounterStream random({9, NodeId::world, Purpose::test, 1});
  for (int i = 0; i < 20; ++i) shapes.push_back({1 + random.below(5'000), 1 + random.below(2'500)});
  for (const auto& [n, l] : shapes) {
    const Words seed = random_words(n + l - 1, n), input = random_words(n, l);
    const Words out = hash(seed, input, n, l, GetParam());
    std::uint64_t wrong = 0;
    for (std::uint64_t i = 0; i < l; ++i) wrong += bit(out, i) != output_bit(seed, input, n, i) ? 1u : 0u;
    EXPECT_EQ(wrong, 0u) << n << " to " << l;
    for (std::uint64_t i = l; i < 64 * out.size(); ++i) EXPECT_FALSE(bit(out, i)) << n << " to " << l;
  }
}

TEST_P(ToeplitzKernels, GiveTheBitsOfTheDefinitionWhereManySplitsMeet) {
  const Shape shape{70'001, 33'333};
  const Words seed = random_words(shape.n + shape.l - 1, 1), input = random_words(shape.n, 2);
  const Words out = hash(seed, input, shape.n, shape.l, GetParam());
  for (std::uint64_t i = 0; i < shape.l; i += 211)
    EXPECT_EQ(bit(out, i), output_bit(seed, input, shape.n, i)) << "bit " << i;
}

TEST_P(ToeplitzKernels, AreLinear) {
  const std::uint64_t n = 9'999, l = 5'001;
  const Words seed = random_words(n + l - 1, 1), a = random_words(n, 2), b = random_words(n, 3);
  Words sum = a;
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] ^= b[i];
  Words expected = hash(seed, a, n, l, GetParam());
  const Words of_b = hash(seed, b, n, l, GetParam());
  for (std::size_t i = 0; i < expected.size(); ++i) expected[i] ^= of_b[i];
  EXPECT_EQ(hash(seed, sum, n, l, GetParam()), expected);
}

TEST_P(ToeplitzKernels, RefuseBuffersThatAreTooShort) {
  Words out(8), scratch(toeplitz_scratch_words(1'000, 512));
  const Words seed = random_words(1'511, 1), input = random_words(1'000, 2);
  EXPECT_NO_THROW(toeplitz(seed, input, 1'000, 512, out, scratch, GetParam()));
  EXPECT_THROW(toeplitz(std::span(seed).first(20), input, 1'000, 512, out, scratch, GetParam()), std::length_error);
  EXPECT_THROW(toeplitz(seed, std::span(input).first(15), 1'000, 512, out, scratch, GetParam()), std::length_error);
  EXPECT_THROW(toeplitz(seed, input, 1'000, 512, std::span(out).first(7), scratch, GetParam()), std::length_error);
  EXPECT_THROW(toeplitz(seed, input, 1'000, 512, out, std::span(scratch).first(scratch.size() - 1), GetParam()),
               std::length_error);
}

INSTANTIATE_TEST_SUITE_P(Available, ToeplitzKernels, ::testing::ValuesIn(available_kernels()),
                         [](const auto& tested) { return std::string(to_string(tested.param)); });

TEST(Toeplitz, GivesTheSameMillionBitsWithEveryKernel) {
  const std::uint64_t n = 300'001, l = 149'999;
  const Words seed = random_words(n + l - 1, 1), input = random_words(n, 2);
  const Words expected = hash(seed, input, n, l, CarrylessKernel::portable);
  for (const CarrylessKernel k : available_kernels()) EXPECT_EQ(hash(seed, input, n, l, k), expected) << to_string(k);
}

TEST(Toeplitz, NeedsLessThanAMebibyteAndAHalfForAMillionBits) {
  for (const std::uint64_t l : {1'000u, 300'000u, 500'000u, 700'000u, 1'000'000u})
    EXPECT_LE(8 * toeplitz_scratch_words(1'000'000, l), 1'572'864u) << l;
}

/// Shortest linear feedback shift register that gives these bits (Berlekamp-Massey).
std::size_t linear_complexity(const Words& words, std::size_t bits) {
  std::vector<bool> c(bits + 1), b(bits + 1);
  c[0] = b[0] = true;
  std::size_t length = 0, last = 0;  // last: 1 + where the register last grew
  for (std::size_t n = 0; n < bits; ++n) {
    bool discrepancy = false;
    for (std::size_t i = 0; i <= length; ++i) discrepancy ^= c[i] && bit(words, n - i);
    if (!discrepancy) continue;
    const auto before = c;
    const std::size_t shift = n + 1 - last;
    for (std::size_t i = 0; i + shift <= bits; ++i) c[i + shift] = c[i + shift] != b[i];
    if (2 * length > n) continue;
    length = n + 1 - length;
    last = n + 1;
    b = before;
  }
  return length;
}

TEST(LinearComplexity, OfAShortRegisterIsItsLength) {
  Words bits(8);
  std::uint32_t state = 1;
  for (std::size_t i = 0; i < 512; ++i) {  // x^16 + x^14 + x^13 + x^11 + 1
    bits[i / 64] |= std::uint64_t{state & 1} << (i % 64);
    state = state >> 1 | ((state ^ state >> 2 ^ state >> 3 ^ state >> 5) & 1) << 15;
  }
  EXPECT_EQ(linear_complexity(bits, 512), 16u);
}

TEST(Toeplitz, OutputIsNoShortRegister) {
  // A seed stretched from a few bits would show here as a linear complexity far below half the length.
  const std::uint64_t n = 20'000, l = 2'000;
  for (std::uint64_t block = 0; block < 5; ++block) {
    const auto random = make_seeded_random(block, NodeId::alice);
    const PublicBits seed = draw_seed(n + l - 1, *random, block);
    Words one_bit((n + 63) / 64);
    one_bit[100] = 1;
    for (const Words& input : {random_words(n, block), one_bit}) {
      const Words out = hash(seed.words(), input, n, l, best_kernel());
      EXPECT_NEAR(static_cast<double>(linear_complexity(out, l)), l / 2.0, 12) << "block " << block;
    }
  }
}

TEST(CarrylessProduct, IsThePolynomialProduct) {
  CounterStream random({1, NodeId::world, Purpose::test, 0});
  for (int i = 0; i < 1'000; ++i) {
    const std::uint64_t a = i == 0 ? ~0ull : random(), b = i < 2 ? ~0ull : random();
    std::uint64_t low = 0, high = 0;
    for (unsigned k = 0; k < 64; ++k) {
      if (((b >> k) & 1) == 0) continue;
      low ^= a << k;
      if (k > 0) high ^= a >> (64 - k);
    }
    const auto product = detail::carryless_product(a, b);
    EXPECT_EQ(product.low, low);
    EXPECT_EQ(product.high, high);
  }
}

}  // namespace
}  // namespace nicol::distillation
