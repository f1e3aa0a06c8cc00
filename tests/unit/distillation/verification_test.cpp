// SPDX-License-Identifier: Apache-2.0
#include "controller/distillation/verification.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "controller/distillation/gf128.hpp"
#include "tests/unit/distillation/cascade_run.hpp"

namespace nicol::distillation {
namespace {

using testing::CascadeRun;
using testing::noisy_bits;

/// The two sides agree that reconciliation found nothing to ask; whatever differs stays.
struct Unreconciled {
  ReconciledBlock alice, bob;
};
Unreconciled pretend_reconciled(const PublicBits& alice, const PublicBits& bob, const LengthInputs& inputs = {}) {
  auto pair = testing::estimated(alice, bob, inputs);
  auto twin = testing::estimated(bob, bob, inputs);
  auto run = testing::run_cascade({std::move(twin.alice), std::move(pair.bob)}, 0.0, 1);
  const CascadePlan plan{alice.size(), 0.0, 1};
  auto answerer = CascadeAnswerer::start(std::move(pair.alice), plan, testing::small_arena()).value();
  return {std::move(answerer).finish(0).value(), std::move(*run.bob)};
}

VerificationProver prove(ReconciledBlock&& block, std::uint64_t seed = 1) {
  const auto random = make_seeded_random(seed, NodeId::alice);
  return VerificationProver::start(std::move(block), *random, 7).value();
}

TEST(Verification, PassesEqualStringsWithEqualLedgers) {
  CascadeRun run = testing::run_cascade(noisy_bits(5'000, 0.03, 1), 0.03, 1);
  auto prover = prove(std::move(*run.alice));
  auto outcome = check_verification(std::move(*run.bob), prover.message()).value();
  ASSERT_TRUE(outcome.block);
  const VerifiedBlock alice = std::move(prover).accept();
  EXPECT_EQ(alice.facts().ledger, outcome.block->facts().ledger);
  EXPECT_EQ(alice.facts().ledger.disclosed(sifting::LeakClass::verification), 64u);
}

TEST(Verification, CatchesEverySingleResidualError) {
  const auto bits = noisy_bits(260, 0.0, 3);
  for (std::size_t i = 0; i < bits.alice.size(); i += 7) {
    PublicBits bob = bits.alice;
    bob.set(i, !bob.get(i));
    auto blocks = pretend_reconciled(bits.alice, bob);
    const auto prover = prove(std::move(blocks.alice), i);
    EXPECT_FALSE(check_verification(std::move(blocks.bob), prover.message()).value().block) << i;
  }
}

TEST(Verification, CatchesAPairOfErrorsFarApart) {
  const auto bits = noisy_bits(100'000, 0.0, 3);
  PublicBits bob = bits.alice;
  for (const std::size_t i : {5u, 99'999u}) bob.set(i, !bob.get(i));
  auto blocks = pretend_reconciled(bits.alice, bob);
  const auto prover = prove(std::move(blocks.alice));
  EXPECT_FALSE(check_verification(std::move(blocks.bob), prover.message()).value().block);
}

TEST(Verification, RefusesATagOfAnotherWidthThanAgreed) {
  for (const std::uint32_t width : {0u, 8u, 56u, 72u, 128u, 4'000'000'000u}) {
    const auto bits = noisy_bits(1'000, 0.0, 3);
    auto blocks = pretend_reconciled(bits.alice, bits.alice);
    auto message = prove(std::move(blocks.alice)).message();
    message.tag_bits = width;
    const auto checked = check_verification(std::move(blocks.bob), message);
    ASSERT_FALSE(checked.ok()) << width;
    EXPECT_EQ(checked.error().code, Code::bad_input);
  }
}

TEST(Verification, RejectsAChangedTagOrKey) {
  const auto bits = noisy_bits(1'000, 0.0, 3);
  for (int part = 0; part < 2; ++part) {
    auto blocks = pretend_reconciled(bits.alice, bits.alice);
    auto message = prove(std::move(blocks.alice)).message();
    (part == 0 ? message.tag : message.key)[3] ^= 1;
    EXPECT_FALSE(check_verification(std::move(blocks.bob), message).value().block) << part;
  }
}

TEST(Verification, ChargesWhatTheTagDisclosesBeyondTheFormulasOwnTerm) {
  const auto bits = noisy_bits(1'000, 0.0, 3);
  auto blocks = pretend_reconciled(bits.alice, bits.alice);
  const VerifiedBlock block = prove(std::move(blocks.alice)).accept();
  const double own_term = std::log2(2 / 2.5e-11);  // 36.22
  EXPECT_EQ(block.facts().ledger.cost(sifting::LeakClass::verification),
            static_cast<std::uint64_t>(std::ceil(64 - own_term)));
}

TEST(Verification, WidensTheTagWhereTheBoundExceedsTheTarget) {
  LengthInputs inputs;
  inputs.verification_bits = 32;
  inputs.epsilon.ev = 1e-10;  // (8 + 1)/2^32 = 2e-9, /2^40 = 8e-12
  const auto bits = noisy_bits(1'000, 0.0, 3);
  auto blocks = pretend_reconciled(bits.alice, bits.alice, inputs);
  const auto prover = prove(std::move(blocks.alice));
  EXPECT_EQ(prover.message().tag_bits, 40u);
  EXPECT_TRUE(check_verification(std::move(blocks.bob), prover.message()).value().block);
}

TEST(Verification, RefusesATargetThatNoTagReaches) {
  LengthInputs inputs;
  inputs.epsilon.ev = 1e-40;
  const auto bits = noisy_bits(1'000, 0.0, 3);
  auto blocks = pretend_reconciled(bits.alice, bits.alice, inputs);
  const auto random = make_seeded_random(1, NodeId::alice);
  EXPECT_FALSE(VerificationProver::start(std::move(blocks.alice), *random, 1).ok());
  EXPECT_FALSE(check_verification(std::move(blocks.bob), {}).ok());
}

TEST(VerificationCollision, CountsTheBlocksAndTheLength) {
  EXPECT_DOUBLE_EQ(verification_collision(1'000'000, 64), 7814 * std::exp2(-64));
  EXPECT_DOUBLE_EQ(verification_collision(1, 128), 2 * std::exp2(-128));
  EXPECT_DOUBLE_EQ(verification_collision(1'000'000, 8), 1.0);
}

TEST(VerificationCollision, IsNeverBelowWhatShortTagsShow) {
  // Pairs of random strings, 8-bit tags: (4+1)/256 bounds the collisions, 1/256 of the pairs is what a good hash gives.
  CounterStream random({1, NodeId::world, Purpose::test, 0});
  int collisions = 0;
  constexpr int pairs = 20'000;
  for (int i = 0; i < pairs; ++i) {
    std::array<std::uint64_t, 8> a, b;
    for (auto& w : a) w = random();
    for (auto& w : b) w = random();
    const detail::Gf128 key{random(), random()};
    collisions += ((detail::polynomial_hash(a, 512, key).low ^ detail::polynomial_hash(b, 512, key).low) & 255) == 0;
  }
  EXPECT_LE(collisions, pairs * verification_collision(512, 8));
  EXPECT_GE(collisions, pairs / 256 / 2);
}

/// By the definition: shift and reduce, one bit of b at a time.
detail::Gf128 multiply_bit_by_bit(detail::Gf128 a, detail::Gf128 b) {
  detail::Gf128 product;
  for (int bit = 0; bit < 128; ++bit) {
    const std::uint64_t word = bit < 64 ? b.low : b.high;
    if (((word >> (bit % 64)) & 1) != 0) product = product ^ a;
    const bool overflow = (a.high >> 63) != 0;
    a = {a.low << 1 ^ (overflow ? 0x87u : 0u), a.high << 1 | a.low >> 63};
  }
  return product;
}

TEST(Gf128, MultipliesAsTheDefinitionDoes) {
  CounterStream random({2, NodeId::world, Purpose::test, 0});
  for (int i = 0; i < 500; ++i) {
    const detail::Gf128 a{random(), random()}, b{random(), random()};
    EXPECT_EQ(multiply(a, b), multiply_bit_by_bit(a, b));
  }
  const detail::Gf128 ones{~0ull, ~0ull};
  EXPECT_EQ(multiply(ones, ones), multiply_bit_by_bit(ones, ones));
}

TEST(Gf128, HashesAlikeWithAndWithoutProcessorInstructions) {
  CounterStream random({3, NodeId::world, Purpose::test, 0});
  for (std::size_t words = 0; words < 40; ++words) {
    std::vector<std::uint64_t> message(words);
    for (auto& w : message) w = random();
    const detail::Gf128 key{random(), random()};
    EXPECT_EQ(detail::polynomial_hash(message, 64 * words, key),
              detail::polynomial_hash_portable(message, 64 * words, key));
  }
}

TEST(Gf128, HashIsThePolynomialItsBoundIsProvenFor) {
  const std::array<std::uint64_t, 3> message{5, 6, 7};
  const detail::Gf128 h{0x123456789abcdef0, 0x0fedcba987654321};
  const auto h2 = multiply(h, h), h3 = multiply(h2, h);
  EXPECT_EQ(detail::polynomial_hash(message, 190, h),
            multiply({5, 6}, h3) ^ multiply({7, 0}, h2) ^ multiply({190, 0}, h));
}

TEST(Gf128, HashTellsAStringFromTheSameWithZerosAppended) {
  const std::array<std::uint64_t, 2> message{5, 6};
  const detail::Gf128 h{11, 12};
  EXPECT_NE(detail::polynomial_hash(message, 127, h), detail::polynomial_hash(message, 128, h));
}

}  // namespace
}  // namespace nicol::distillation
