// SPDX-License-Identifier: Apache-2.0
// Sifted to estimated, both sides: what is disclosed, what is counted, what is left as raw key, when there is none.
#include "controller/distillation/estimation.hpp"

#include <gtest/gtest.h>

#include "controller/distillation/amplification.hpp"
#include "controller/distillation/length_case.hpp"
#include "controller/distillation/reconciliation_stage.hpp"
#include "tests/unit/distillation/sifted_pair.hpp"

namespace nicol::distillation {
namespace {

using sifting::LeakClass;
using sifting::SampleCoins;
using testing::Link;
using testing::SiftedPair;

struct Estimated {
  Estimation::Done alice, bob;
};

SampleCoins coins_for(const sifting::SiftedBlock& block, KeyBases bases) {
  const auto random = make_seeded_random(5, NodeId::alice);
  return sifting::draw_coins(block, {.key_bases = bases}, *random, 0);
}

LengthInputs inputs_for(KeyBases bases) {
  LengthInputs inputs;
  inputs.key_bases = bases;
  return inputs;
}

Estimated estimate(SiftedPair pair, const SampleCoins& coins, const LengthInputs& inputs) {
  auto alice = Estimation::start(std::move(pair.alice), coins, inputs).value();
  auto bob = Estimation::start(std::move(pair.bob), coins, inputs).value();
  const PublicBits from_alice = alice.ask(), from_bob = bob.ask();
  return {std::move(alice).step(from_bob).value(), std::move(bob).step(from_alice).value()};
}

Estimated estimate(const Link& link, KeyBases bases = KeyBases::rectilinear) {
  SiftedPair pair = testing::sift(link);
  const SampleCoins coins = coins_for(pair.alice, bases);
  return estimate(std::move(pair), coins, inputs_for(bases));
}

std::uint64_t differences(const SiftedPair& pair, const SampleCoins& coins, Basis basis) {
  const PublicBits& mask = coins.sample[index(basis)];
  return pair.alice.bits(basis).disclose(mask).distance(pair.bob.bits(basis).disclose(mask));
}

TEST(Estimation, EndsWithEqualFactsOnBothSides) {
  for (const KeyBases bases : {KeyBases::rectilinear, KeyBases::both}) {
    const Estimated done = estimate(Link{}, bases);
    const BlockFacts &a = done.alice.facts, &b = done.bob.facts;
    EXPECT_EQ(a.sifted, b.sifted);
    EXPECT_EQ(a.sample, b.sample);
    EXPECT_EQ(a.key_bits, b.key_bits);
    EXPECT_EQ(a.sample_share, b.sample_share);
    EXPECT_EQ(a.slots_kept, b.slots_kept);
    EXPECT_EQ(a.ledger, b.ledger);
  }
}

TEST(Estimation, CountsTheErrorsOfEachBasisOnItsOwn) {
  SiftedPair pair = testing::sift({.qber = {0.01, 0.06}});
  const SampleCoins coins = coins_for(pair.alice, KeyBases::rectilinear);
  const std::uint64_t rectilinear = differences(pair, coins, Basis::rectilinear);
  const std::uint64_t diagonal = differences(pair, coins, Basis::diagonal);
  ASSERT_GT(diagonal, 5 * rectilinear);
  const BlockFacts facts = estimate(std::move(pair), coins, {}).alice.facts;
  EXPECT_EQ(facts.sample[0], (BasisCounts{coins.sample[0].popcount(), rectilinear}));
  EXPECT_EQ(facts.sample[1], (BasisCounts{coins.sample[1].popcount(), diagonal}));
}

TEST(Estimation, MakesTheRawKeyOfTheUndisclosedRectilinearBits) {
  const Estimated done = estimate(Link{});
  const BlockFacts& facts = done.alice.facts;
  EXPECT_EQ(facts.key_bits[0], facts.sifted[0] - facts.sample[0].bits);
  EXPECT_EQ(facts.key_bits[1], 0U);
  EXPECT_EQ(facts.sample[1].bits, facts.sifted[1]);
  ASSERT_TRUE(done.alice.block && done.bob.block);
  EXPECT_EQ(done.alice.block->size(), facts.key_bits[0]);
  EXPECT_EQ(done.bob.block->size(), facts.key_bits[0]);
}

TEST(Estimation, MakesTheRawKeyOfBothBasesWhereBothAreKey) {
  const Estimated done = estimate(Link{}, KeyBases::both);
  const BlockFacts& facts = done.alice.facts;
  for (std::size_t b : {0U, 1U}) EXPECT_EQ(facts.key_bits[b], facts.sifted[b] - facts.sample[b].bits);
  EXPECT_GT(facts.key_bits[1], 0U);
  EXPECT_EQ(done.bob.block->size(), facts.key_bits[0] + facts.key_bits[1]);
}

TEST(Estimation, PutsTheRectilinearKeyBitsBeforeTheDiagonalOnes) {
  SiftedPair pair = testing::sift({});
  const SampleCoins coins = coins_for(pair.bob, KeyBases::both);
  const BitString rectilinear = pair.bob.bits(Basis::rectilinear).extract(coins.sample[0].complement());
  const BitString diagonal = pair.bob.bits(Basis::diagonal).extract(coins.sample[1].complement());
  Estimated done = estimate(std::move(pair), coins, inputs_for(KeyBases::both));
  const BitString raw = ReconciliationStage::open(*std::move(done.bob.block)).raw;
  EXPECT_TRUE(raw.slice(0, rectilinear.size()).equal_ct(rectilinear));
  EXPECT_TRUE(raw.slice(rectilinear.size(), diagonal.size()).equal_ct(diagonal));
}

TEST(Estimation, DropsDiagonalBitsThatTheCoinsLeftUndisclosed) {
  SiftedPair pair = testing::sift({});
  SampleCoins coins = coins_for(pair.alice, KeyBases::both);
  const Estimated done = estimate(std::move(pair), coins, inputs_for(KeyBases::rectilinear));
  EXPECT_EQ(done.alice.facts.key_bits[1], 0U);
  EXPECT_EQ(done.alice.block->size(), done.alice.facts.key_bits[0]);
}

TEST(Estimation, DisclosesTheSampleAndNothingElse) {
  SiftedPair pair = testing::sift({});
  const SampleCoins coins = coins_for(pair.alice, KeyBases::rectilinear);
  PublicBits expected = pair.bob.bits(Basis::rectilinear).disclose(coins.sample[0]);
  const PublicBits diagonal = pair.bob.bits(Basis::diagonal).disclose(coins.sample[1]);
  for (std::size_t i = 0; i < diagonal.size(); ++i) expected.push_back(diagonal.get(i));
  const auto bob = Estimation::start(std::move(pair.bob), coins, {}).value();
  EXPECT_EQ(bob.ask(), expected);
}

TEST(Estimation, EntersTheSampleInTheLedgerAtNoCost) {
  const BlockFacts facts = estimate(Link{}).bob.facts;
  EXPECT_EQ(facts.ledger.disclosed(LeakClass::sample), facts.sample[0].bits + facts.sample[1].bits);
  EXPECT_EQ(facts.ledger.cost(LeakClass::sample), 0U);
  EXPECT_EQ(facts.ledger.total_cost(), 0U);
}

TEST(Estimation, ChargesThePreparationOfEveryKeyBit) {
  SiftedPair pair = testing::sift({});
  const SampleCoins coins = coins_for(pair.alice, KeyBases::both);
  LengthInputs inputs = inputs_for(KeyBases::both);
  inputs.model.preparation_error_rad = 0.02;
  const BlockFacts facts = estimate(std::move(pair), coins, inputs).alice.facts;
  const std::uint64_t bits = facts.key_bits[0] + facts.key_bits[1];
  const double lost = static_cast<double>(bits) * (1 - preparation_quality(0.02));
  EXPECT_NEAR(static_cast<double>(facts.ledger.cost(LeakClass::preparation)), lost, 1);
  EXPECT_GE(static_cast<double>(facts.ledger.cost(LeakClass::preparation)), lost);
}

TEST(Estimation, AbortsOnAnEavesdropperInEitherBasis) {
  for (const std::array<double, 2> qber : {std::array{0.25, 0.25}, {0.02, 0.5}, {0.5, 0.02}}) {
    const Estimated done = estimate({.qber = qber});
    EXPECT_EQ(done.alice.abort, AbortReason::qber);
    EXPECT_EQ(done.bob.abort, AbortReason::qber);
    EXPECT_FALSE(done.alice.block || done.bob.block);
    EXPECT_GT(done.alice.facts.sample[1].bits, 0U);
  }
}

TEST(Estimation, GoesOnUntilTheLowerLimitOfTheQberExceedsElevenPercent) {
  SiftedPair pair = testing::sift({.slots = 4'000, .qber = {0, 0.13}});
  const SampleCoins coins = coins_for(pair.alice, KeyBases::rectilinear);
  const BasisCounts diagonal{coins.sample[1].popcount(), differences(pair, coins, Basis::diagonal)};
  ASSERT_GT(static_cast<double>(diagonal.errors), 0.11 * static_cast<double>(diagonal.bits));
  ASSERT_LT(binomial_lower_limit(diagonal.errors, diagonal.bits, 1e-6), 0.11);
  EXPECT_EQ(estimate(std::move(pair), coins, {}).alice.abort, AbortReason::none);
}

TEST(Estimation, AbortsAtTheAgreedThreshold) {
  SiftedPair pair = testing::sift({.qber = {0.05, 0.05}});
  const SampleCoins coins = coins_for(pair.alice, KeyBases::rectilinear);
  LengthInputs inputs;
  inputs.qber_abort = 0.03;
  EXPECT_EQ(estimate(std::move(pair), coins, inputs).bob.abort, AbortReason::qber);
}

TEST(Estimation, HasTooFewBitsWhereAllRectilinearOnesAreDisclosed) {
  const Estimated done = estimate({.slots = 300});
  EXPECT_EQ(done.alice.facts.key_bits[0], 0U);
  EXPECT_EQ(done.alice.abort, AbortReason::too_few);
  EXPECT_FALSE(done.alice.block);
}

TEST(Estimation, HasTooFewBitsWithoutADiagonalSample) {
  const Estimated done = estimate({.diagonal = 0});
  EXPECT_GT(done.bob.facts.key_bits[0], 0U);
  EXPECT_EQ(done.bob.abort, AbortReason::too_few);
}

TEST(Estimation, HasTooFewBitsWhereNothingClicked) {
  EXPECT_EQ(estimate({.slots = 0}).alice.abort, AbortReason::too_few);
}

TEST(Estimation, RefusesASampleOfAnotherSize) {
  SiftedPair pair = testing::sift({.slots = 2'000});
  const SampleCoins coins = coins_for(pair.alice, KeyBases::rectilinear);
  auto alice = Estimation::start(std::move(pair.alice), coins, {}).value();
  PublicBits longer = alice.ask();
  longer.push_back(false);
  EXPECT_EQ(std::move(alice).step(longer).error().code, Code::bad_input);
}

TEST(Estimation, RefusesCoinsOfAnotherBlock) {
  SiftedPair pair = testing::sift({.slots = 2'000});
  SampleCoins coins = coins_for(pair.alice, KeyBases::rectilinear);
  coins.sample[1].push_back(true);
  EXPECT_EQ(Estimation::start(std::move(pair.alice), coins, {}).error().code, Code::bad_input);
}

TEST(Estimation, GivesFactsThatALengthFollowsFrom) {
  const Estimated done = estimate({.slots = 60'000});
  const LengthDecision a = decide_length(done.alice.facts).value(), b = decide_length(done.bob.facts).value();
  EXPECT_GT(a.secret_bits, 0U);
  EXPECT_EQ(a.length.ell, b.length.ell);
  EXPECT_EQ(a.keylength_case, b.keylength_case);
}

}  // namespace
}  // namespace nicol::distillation
