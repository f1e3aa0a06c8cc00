// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include "controller/distillation/cascade_schedule.hpp"
#include "controller/distillation/verification.hpp"
#include "tests/unit/distillation/cascade_run.hpp"

namespace nicol::distillation {
namespace {

using testing::CascadeRun;
using testing::noisy_bits;
using testing::run_cascade;

/// Equal but with probability 2^-50 or so: the next stage's own test.
bool agree(CascadeRun& run) {
  const auto random = make_seeded_random(1, NodeId::alice);
  auto prover = VerificationProver::start(std::move(*run.alice), *random, 0).value();
  return check_verification(std::move(*run.bob), prover.message()).value().block.has_value();
}

TEST(Cascade, LeavesNoErrorInTwoHundredBlocksAndLeaksAtMostATenthTooMuch) {
  double sum = 0, rounds = 0;
  constexpr int runs = 200;
  for (int i = 0; i < runs; ++i) {
    const auto bits = noisy_bits(100'000, 0.02, static_cast<std::uint64_t>(i));
    CascadeRun run = run_cascade(bits, 0.02, static_cast<std::uint64_t>(i));
    ASSERT_EQ(run.errors_corrected, bits.errors) << "seed " << i;
    EXPECT_LE(run.efficiency(), 1.10) << "seed " << i;
    sum += run.efficiency();
    rounds += static_cast<double>(run.rounds);
    ASSERT_TRUE(agree(run)) << "seed " << i;
  }
  EXPECT_LE(sum / runs, 1.06);
  EXPECT_LE(rounds / runs, 110);
}

TEST(Cascade, EntersInBothLedgersWhatATapCounts) {
  const CascadeRun run = run_cascade(noisy_bits(20'000, 0.03, 5), 0.03, 5);
  const LeakLedger& ledger = run.bob->facts().ledger;
  EXPECT_EQ(run.alice->facts().ledger, ledger);
  EXPECT_EQ(ledger.disclosed(sifting::LeakClass::reconciliation), run.parities);
  EXPECT_EQ(ledger.cost(sifting::LeakClass::reconciliation), run.parities);
  EXPECT_EQ(ledger.disclosed(sifting::LeakClass::answers), run.parities);
  EXPECT_EQ(ledger.cost(sifting::LeakClass::answers), 0u);
}

TEST(Cascade, NeverAsksARangeTwice) {
  for (const double qber : {0.0, 0.01, 0.05, 0.11})
    EXPECT_EQ(run_cascade(noisy_bits(30'000, qber, 3), qber, 3).asked_twice, 0u) << qber;
}

TEST(Cascade, TellsBothSidesHowManyErrorsItCorrected) {
  const auto bits = noisy_bits(5'000, 0.04, 2);
  const CascadeRun run = run_cascade(bits, 0.04, 2);
  EXPECT_EQ(run.alice->facts().corrected_errors, bits.errors);
  EXPECT_EQ(run.bob->facts().corrected_errors, bits.errors);
}

class CascadeSizes : public ::testing::TestWithParam<std::size_t> {};
TEST_P(CascadeSizes, AreCorrectedAtEveryErrorRate) {
  for (const double qber : {0.0, 0.005, 0.02, 0.06, 0.11}) {
    const auto bits = noisy_bits(GetParam(), qber, 17);
    CascadeRun run = run_cascade(bits, qber, 17);
    ASSERT_TRUE(run.bob) << run.failure;
    EXPECT_EQ(run.errors_corrected, bits.errors) << qber;
    EXPECT_TRUE(agree(run)) << qber;
  }
}
INSTANTIATE_TEST_SUITE_P(From64To1e6, CascadeSizes,
                         ::testing::Values(64, 65, 100, 127, 500, 999, 4096, 10'007, 65'536, 1'000'001));

TEST(Cascade, SurvivesTheShortestBlocks) {
  for (std::size_t n = 1; n < 64; ++n) {
    const auto bits = noisy_bits(n, 0.1, n);
    const CascadeRun run = run_cascade(bits, 0.1, n);
    ASSERT_TRUE(run.bob) << run.failure;
    EXPECT_EQ(run.errors_corrected, bits.errors) << n;
  }
}

TEST(Cascade, CostsLittleMoreWhenTheExpectedRateIsWrongByTwo) {
  const auto bits = noisy_bits(100'000, 0.02, 9);
  for (const double expected : {0.01, 0.04}) {
    const CascadeRun run = run_cascade(bits, expected, 9);
    EXPECT_EQ(run.errors_corrected, bits.errors) << expected;
    EXPECT_LE(run.efficiency(), 1.10) << expected;
  }
}

TEST(Cascade, FindsTheRateByItselfWhenTheSampleShowedNoError) {
  const auto bits = noisy_bits(100'000, 0.02, 4);
  const CascadeRun run = run_cascade(bits, 0.0, 4);
  EXPECT_EQ(run.errors_corrected, bits.errors);
  EXPECT_LE(run.efficiency(), 1.15);
}

TEST(Cascade, LeaksFewBitsOfAnErrorFreeBlock) {
  const CascadeRun run = run_cascade(noisy_bits(100'000, 0.0, 1), 0.0, 1);
  EXPECT_EQ(run.errors_corrected, 0u);
  EXPECT_LE(run.parities, 64u);
}

TEST(Cascade, CorrectsABurstOfErrors) {
  auto bits = noisy_bits(50'000, 0.0, 8);
  for (std::size_t i = 20'000; i < 20'500; ++i) bits.bob.set(i, !bits.bob.get(i));
  CascadeRun run = run_cascade(bits, 0.01, 8);
  EXPECT_EQ(run.errors_corrected, 500u);
  EXPECT_TRUE(agree(run));
}

TEST(Cascade, GivesUpOnUnrelatedStringsInsteadOfAskingForEver) {
  const auto one = noisy_bits(2'000, 0.0, 1), other = noisy_bits(2'000, 0.0, 2);
  const CascadeRun run = run_cascade(testing::estimated(one.alice, other.alice), 0.02, 1);
  EXPECT_GT(run.parities, 1'900u);
  EXPECT_LE(run.parities, detail::parity_limit(2'000));
}

TEST(Cascade, IsTheSameForTheSameSeed) {
  const auto bits = noisy_bits(20'000, 0.02, 6);
  const CascadeRun a = run_cascade(bits, 0.02, 77), b = run_cascade(bits, 0.02, 77), c = run_cascade(bits, 0.02, 78);
  EXPECT_EQ(a.bob->facts().ledger, b.bob->facts().ledger);
  EXPECT_FALSE(a.bob->facts().ledger == c.bob->facts().ledger);
}

struct Asking : ::testing::Test {
  static CascadeAnswerer answerer() {
    const auto bits = noisy_bits(1'000, 0.02, 1);
    return CascadeAnswerer::start(testing::estimated(bits.alice, bits.bob).alice, {1'000, 0.02, 1},
                                  testing::small_arena())
        .value();
  }
  static bool refused(const CascadeAsk& ask) {
    const auto answer = answerer().answer(ask);
    return !answer.ok() && answer.error().code == Code::bad_input;
  }
};
using CascadeAnswererRefuses = Asking;

TEST_F(CascadeAnswererRefuses, ARangeOutsideTheBlock) {
  EXPECT_TRUE(refused({0, {{0, 0, 1'001}}}));
  EXPECT_FALSE(refused({0, {{0, 0, 1'000}}}));
}
TEST_F(CascadeAnswererRefuses, AnEmptyOrReversedRange) {
  EXPECT_TRUE(refused({0, {{0, 5, 5}}}));
  EXPECT_TRUE(refused({0, {{0, 6, 5}}}));
}
TEST_F(CascadeAnswererRefuses, APassThatNoPlanHas) { EXPECT_TRUE(refused({0, {{detail::kMaximumPasses, 0, 1}}})); }
TEST_F(CascadeAnswererRefuses, ARangePastTheMembersOfASubset) {
  EXPECT_TRUE(refused({0, {{detail::kShuffledPasses, 0, 1'000}}}));
}
TEST_F(CascadeAnswererRefuses, AnAskForNothing) { EXPECT_TRUE(refused({0, {}})); }
TEST_F(CascadeAnswererRefuses, ARoundOutOfOrder) {
  EXPECT_TRUE(refused({1, {{0, 0, 10}}}));
  auto alice = answerer();
  ASSERT_TRUE(alice.answer({0, {{0, 0, 10}}}).ok());
  EXPECT_FALSE(alice.answer({0, {{0, 10, 20}}}).ok());
  EXPECT_TRUE(alice.answer({1, {{0, 10, 20}}}).ok());
}
TEST_F(CascadeAnswererRefuses, MoreParitiesThanAnyBlockNeeds) {
  auto alice = answerer();
  const CascadeAsk thousand{0, std::vector<ParityRange>(1'000, {0, 0, 10})};
  ASSERT_TRUE(alice.answer(thousand).ok());
  EXPECT_TRUE(alice.answer({1, thousand.ranges}).ok());
  EXPECT_FALSE(alice.answer({2, thousand.ranges}).ok());
}
TEST_F(CascadeAnswererRefuses, MoreErrorsThanBits) { EXPECT_FALSE(answerer().finish(1'001).ok()); }

TEST(CascadeCorrector, RefusesAnAnswerToAnotherRoundOrOfAnotherSize) {
  const auto bits = noisy_bits(1'000, 0.02, 1);
  auto bob =
      CascadeCorrector::start(testing::estimated(bits.alice, bits.bob).bob, {1'000, 0.02, 1}, testing::small_arena())
          .value();
  EXPECT_FALSE(bob.step({1, PublicBits(bob.ask().ranges.size())}).ok());
  EXPECT_FALSE(bob.step({0, PublicBits(bob.ask().ranges.size() + 1)}).ok());
  EXPECT_TRUE(bob.step({0, PublicBits(bob.ask().ranges.size())}).ok());
}

TEST(CascadeCorrector, CannotFinishBeforeItIsDone) {
  const auto bits = noisy_bits(1'000, 0.02, 1);
  auto bob =
      CascadeCorrector::start(testing::estimated(bits.alice, bits.bob).bob, {1'000, 0.02, 1}, testing::small_arena())
          .value();
  EXPECT_FALSE(std::move(bob).finish().ok());
}

TEST(CascadeCorrector, EndsWhateverTheAnswersAre) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const auto bits = noisy_bits(700, 0.05, seed);
    auto bob =
        CascadeCorrector::start(testing::estimated(bits.alice, bits.bob).bob, {700, 0.05, seed}, testing::small_arena())
            .value();
    CounterStream lies({seed, NodeId::alice, Purpose::test, 1});
    std::uint64_t rounds = 0;
    while (!bob.done() && rounds < 2'000) {
      CascadeAnswer answer{bob.ask().round, PublicBits(bob.ask().ranges.size())};
      for (std::size_t i = 0; i < answer.parities.size(); ++i) answer.parities.set(i, (lies() & 1) != 0);
      ++rounds;
      if (!bob.step(answer)) break;
    }
    EXPECT_LT(rounds, 2'000u) << seed;
  }
}

TEST(CascadePlan, MustFitItsBlock) {
  const auto bits = noisy_bits(1'000, 0.02, 1);
  auto& arena = testing::small_arena();
  EXPECT_FALSE(CascadeCorrector::start(testing::estimated(bits.alice, bits.bob).bob, {999, 0.02, 1}, arena).ok());
  EXPECT_FALSE(CascadeCorrector::start(testing::estimated(bits.alice, bits.bob).bob, {1'000, 0.7, 1}, arena).ok());
  EXPECT_FALSE(CascadeAnswerer::start(testing::estimated(bits.alice, bits.bob).alice, {1'000, NAN, 1}, arena).ok());
}

TEST(CascadeScratch, OfAMillionBitsFitsInHalfAMebibyteASide) {
  EXPECT_LE(cascade_scratch_bytes(1'000'000), 512u * 1024);
}

TEST(CascadeSchedule, WeighsTheExpectationLikeASampleOfTwoHundredBits) {
  EXPECT_NEAR(detail::measured_rate(0.02, {64, 0, 0}), 4.5 / 201, 2e-4);
  EXPECT_NEAR(detail::measured_rate(0.02, {32, 360, 3'000}), 0.0043, 5e-4);
}

}  // namespace
}  // namespace nicol::distillation
