// SPDX-License-Identifier: Apache-2.0
#include "controller/distillation/amplification.hpp"

#include <gtest/gtest.h>

#include "controller/distillation/verification.hpp"
#include "tests/unit/distillation/cascade_run.hpp"

namespace nicol::distillation {
namespace {

struct Verified {
  VerifiedBlock alice, bob;
};

Verified verified(const testing::NoisyBits& bits) {
  auto run = testing::run_cascade(bits, 0.02, 1);
  const auto random = make_seeded_random(1, NodeId::alice);
  auto prover = VerificationProver::start(std::move(*run.alice), *random, 1).value();
  auto bob = std::move(*check_verification(std::move(*run.bob), prover.message()).value().block);
  return {std::move(prover).accept(), std::move(bob)};
}

LengthDecision decided(std::uint64_t output_bits) {
  LengthDecision decision;
  decision.output_bits = output_bits;
  decision.secret_bits = output_bits - kCheckBits;
  decision.length.bits = output_bits;
  decision.notes = {"equal efficiencies assumed"};
  return decision;
}

PublicBits seed_for(std::uint64_t n, std::uint64_t output_bits) {
  return draw_seed(n + output_bits - 1, *make_seeded_random(3, NodeId::alice), 0);
}

secret::Arena arena_for(std::uint64_t n, std::uint64_t output_bits) {
  return secret::Arena::create(8 * toeplitz_scratch_words(n, output_bits)).value();
}

struct Amplification : ::testing::Test {
  static constexpr std::uint64_t n = 10'007, ell = 4'001;
  testing::NoisyBits bits = testing::noisy_bits(n, 0.02, 5);
  Verified blocks = verified(bits);
  secret::Arena arena = arena_for(n, ell);
  KeyId id{{1, 2, 3}};
  Result<PendingKey> key(VerifiedBlock&& block, std::uint64_t output_bits, std::uint64_t seed_bits) {
    return amplify(std::move(block), decided(output_bits),
                   draw_seed(seed_bits, *make_seeded_random(3, NodeId::alice), 0), id, arena);
  }
};

TEST_F(Amplification, CutsTheLastBitsOfTheOutputAsCheckValue) {
  const PendingKey made = key(std::move(blocks.alice), ell, n + ell - 1).value();
  const PublicBits seed = seed_for(n, ell);
  for (std::uint64_t k = 0; k < kCheckBits; ++k) {
    const std::uint64_t i = ell - kCheckBits + k;
    bool y = false;
    for (std::uint64_t j = 0; j < n; ++j) y ^= seed.get(i + n - 1 - j) && bits.alice.get(j);
    EXPECT_EQ(((made.record().check >> k) & 1) != 0, y) << "bit " << k;
  }
}

TEST_F(Amplification, GivesBothSidesTheSameRecord) {
  const PendingKey alice = key(std::move(blocks.alice), ell, n + ell - 1).value();
  const PendingKey bob = key(std::move(blocks.bob), ell, n + ell - 1).value();
  EXPECT_EQ(alice.record().check, bob.record().check);
  EXPECT_EQ(alice.record().facts.ledger, bob.record().facts.ledger);
  EXPECT_EQ(alice.record().secret_bits, ell - kCheckBits);
  EXPECT_EQ(alice.record().id, id);
  EXPECT_EQ(alice.record().length.bits, ell);
  EXPECT_EQ(alice.record().notes, std::vector<std::string>{"equal efficiencies assumed"});
}

TEST_F(Amplification, RecordsWhatIsProven) {
  const PendingKey made = key(std::move(blocks.alice), ell, n + ell - 1).value();
  EXPECT_DOUBLE_EQ(made.record().epsilon.sec, 7.5e-11);
  EXPECT_DOUBLE_EQ(made.record().epsilon.cor, 2.5e-11);
}

TEST_F(Amplification, RefusesASeedOfAnotherLength) {
  const auto refused = key(std::move(blocks.alice), ell, n + ell);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::bad_input);
}

TEST_F(Amplification, MakesNoKeyOfTheCheckValueAlone) {
  EXPECT_FALSE(key(std::move(blocks.alice), kCheckBits, n + kCheckBits - 1).ok());
}

TEST_F(Amplification, MakesNoKeyLongerThanItsBlock) { EXPECT_FALSE(key(std::move(blocks.alice), n + 1, 2 * n).ok()); }

TEST_F(Amplification, RefusesALengthThatKeepsTheCheckValue) {
  LengthDecision decision = decided(ell);
  decision.secret_bits = ell;
  EXPECT_FALSE(amplify(std::move(blocks.alice), decision, seed_for(n, ell), id, arena).ok());
}

TEST_F(Amplification, LeavesTheBlockEmpty) {
  ASSERT_TRUE(key(std::move(blocks.alice), ell, n + ell - 1).ok());
  EXPECT_EQ(blocks.alice.size(), 0u);
  EXPECT_FALSE(key(std::move(blocks.bob), ell, 5).ok());
  EXPECT_EQ(blocks.bob.size(), 0u);
}

TEST(CheckValue, IsTheSameWhereverTheOutputEndsInItsWord) {
  for (std::uint64_t ell = 33; ell < 170; ++ell) {
    const auto bits = testing::noisy_bits(300, 0.0, ell);
    auto arena = arena_for(300, ell);
    const PublicBits seed = seed_for(300, ell);
    const PendingKey key = amplify(verified(bits).bob, decided(ell), seed, {}, arena).value();
    bool last = false;
    for (std::uint64_t j = 0; j < 300; ++j) last ^= seed.get(ell - 1 + 299 - j) && bits.alice.get(j);
    EXPECT_EQ((key.record().check >> 31) != 0, last) << ell;
  }
}

TEST(ToeplitzSeed, HasTheAskedLengthAndNothingBehind) {
  const auto random = make_seeded_random(1, NodeId::alice);
  const PublicBits seed = draw_seed(1'001, *random, 4);
  EXPECT_EQ(seed.size(), 1'001u);
  EXPECT_EQ(seed.words().back() >> (1'001 % 64), 0u);
  EXPECT_NEAR(static_cast<double>(seed.popcount()), 500.5, 100);
}

TEST(ToeplitzSeed, IsAnotherForEachBlock) {
  const auto random = make_seeded_random(1, NodeId::alice);
  EXPECT_FALSE(draw_seed(1'001, *random, 4) == draw_seed(1'001, *random, 5));
}

}  // namespace
}  // namespace nicol::distillation
