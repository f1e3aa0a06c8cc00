// SPDX-License-Identifier: Apache-2.0
// The length formulas against published tables and worked examples.
#include <gtest/gtest.h>

#include <cmath>

#include "controller/distillation/keylength.hpp"

namespace nicol::distillation {
namespace {

SpVariableInputs counts(double n, double k, double errors, double leak, Bound bound = Bound::hypergeom) {
  SpVariableInputs in;
  in.n = n;
  in.k = k;
  in.errors_k = errors;
  in.leak_ec = leak;
  in.eps_at = in.eps_pa = in.eps_ev = 2.5e-11;
  in.bound = bound;
  return in;
}

SpsG2Inputs quantum_dot() {
  SpsG2Inputs in;
  in.sent_key = in.sent_test = 1e7;
  in.n = in.k = 250'000;
  in.errors_k = 5'000;
  in.p_multi = 0.0045;
  in.leak_ec = 41'018;
  in.eps_at = in.eps_pa = in.eps_ev = in.eps_mp = 1e-11;
  in.bound = Bound::serfling;
  return in;
}

void expect_near_relative(double value, double expected) { EXPECT_NEAR(value, expected, 1e-9 * std::abs(expected)); }

TEST(Entropy, IsZeroAtTheEndsAndOneInTheMiddle) {
  EXPECT_EQ(binary_entropy(0), 0);
  EXPECT_EQ(binary_entropy(1), 0);
  EXPECT_EQ(binary_entropy(-0.1), 0);
  EXPECT_DOUBLE_EQ(binary_entropy(0.5), 1);
  EXPECT_NEAR(binary_entropy(0.11), 0.499915958164528, 1e-14);
}

TEST(Entropy, OfAPhaseErrorStaysOneAboveOneHalf) {
  EXPECT_EQ(phase_entropy(0.5), 1);
  EXPECT_EQ(phase_entropy(1.2), 1);
  EXPECT_EQ(phase_entropy(std::nan("")), 1);
  EXPECT_EQ(phase_entropy(0.11), binary_entropy(0.11));
}

// SECURITY-FORMULAS 1.2, "Comparison": 2 % errors, leak = ceil(1.16 n h(2 %)).
TEST(SpVariable, ReproducesTheComparisonOfTheThreeBounds) {
  struct Row {
    double n, k;
    std::uint64_t serfling, kl, exact;
  };
  constexpr Row kRows[] = {{1'500, 1'500, 64, 288, 445},
                           {2'000, 2'000, 223, 536, 724},
                           {5'000, 5'000, 1'445, 2'203, 2'518},
                           {10'000, 1'000, 1'368, 3'409, 3'615},
                           {10'000, 10'000, 3'894, 5'216, 5'673},
                           {100'000, 10'000, 46'219, 59'818, 60'515},
                           {1'000'000, 100'000, 610'349, 666'314, 668'465}};
  for (const Row& r : kRows) {
    const double leak = std::ceil(1.16 * r.n * binary_entropy(0.02));
    const auto bits = [&](Bound bound) {
      return static_cast<double>(sp_variable(counts(r.n, r.k, r.k * 0.02, leak, bound)).value().bits);
    };
    EXPECT_NEAR(bits(Bound::serfling), static_cast<double>(r.serfling), 1) << r.n;
    EXPECT_NEAR(bits(Bound::kl), static_cast<double>(r.kl), 1) << r.n;
    EXPECT_NEAR(bits(Bound::hypergeom), static_cast<double>(r.exact), 1) << r.n;
  }
}

TEST(SpVariable, MakesItsFirstBitAt348BitsWithoutErrors) {
  const KeyLength first = sp_variable(counts(348, 348, 0, 0)).value();
  EXPECT_EQ(first.w_max, 65);
  expect_near_relative(first.phase, 0.1867816091954023);
  expect_near_relative(first.ell, 1.5900111662939125);
  EXPECT_EQ(first.bits, 1U);
  EXPECT_EQ(sp_variable(counts(347, 347, 0, 0)).value().bits, 0U);
}

TEST(SpVariable, ReportsALengthBelowZeroAsNoBitsAndNoAbort) {
  const KeyLength none = sp_variable(counts(622, 622, 13, 106)).value();
  EXPECT_EQ(none.w_max, 108);
  expect_near_relative(none.ell, -2.878393348547725);
  EXPECT_EQ(none.bits, 0U);
  EXPECT_EQ(none.abort, "");
}

TEST(SpVariable, LeavesFieldsOfOtherBoundsEmpty) {
  const KeyLength exact = sp_variable(counts(500, 500, 5, 47)).value();
  EXPECT_TRUE(std::isnan(exact.gamma_serf) && std::isnan(exact.gamma1) && std::isnan(exact.n1));
  const KeyLength serfling = sp_variable(counts(1500, 1500, 30, 247, Bound::serfling)).value();
  expect_near_relative(serfling.gamma_serf, 0.18047500308754755);
  EXPECT_TRUE(std::isnan(serfling.w_max) && std::isnan(serfling.gamma1));
}

TEST(SpVariable, AbortsOnAnEmptySample) {
  for (const KeyLength& r : {sp_variable(counts(500, 0, 0, 0)).value(), sp_variable(counts(0, 500, 3, 0)).value()}) {
    EXPECT_EQ(r.abort, "empty sample");
    EXPECT_EQ(r.ell, -1);
    EXPECT_EQ(r.bits, 0U);
    EXPECT_TRUE(std::isnan(r.phase));
  }
}

TEST(SpVariable, PaysEachLeakedBitOnce) {
  const double without = sp_variable(counts(5000, 5000, 100, 0)).value().ell;
  EXPECT_NEAR(sp_variable(counts(5000, 5000, 100, 821)).value().ell, without - 821, 1e-9);
}

TEST(SpVariable, AddsTheSlackToThePhaseErrorsAlone) {
  SpVariableInputs in = counts(5000, 5000, 100, 821);
  const KeyLength observed = sp_variable(in).value();
  in.slack = 1;
  const KeyLength bounded = sp_variable(in).value();
  EXPECT_EQ(bounded.w_max, observed.w_max);
  EXPECT_NEAR(bounded.phase, observed.phase + 1.0 / 5000, 1e-15);
}

TEST(SpVariable, NeverGivesMoreBitsThanItsRealLength) {
  for (double n = 300; n < 40'000; n *= 1.07) {
    const double whole = std::floor(n), errors = std::floor(n / 60);
    for (const Bound bound : {Bound::hypergeom, Bound::kl, Bound::serfling}) {
      const KeyLength r = sp_variable(counts(whole, whole, errors, 0, bound)).value();
      EXPECT_LE(static_cast<double>(r.bits), std::max(0.0, r.ell));
      EXPECT_GT(static_cast<double>(r.bits), std::max(0.0, r.ell) - 1.001);
    }
  }
}

TEST(SpVariable, TakesOffWhatRoundingMayHaveAdded) {
  const double whole = std::floor(sp_variable(counts(5000, 5000, 100, 0)).value().ell);
  const double above = sp_variable(counts(5000, 5000, 100, 0)).value().ell - whole;
  ASSERT_NEAR(sp_variable(counts(5000, 5000, 100, above)).value().ell, whole, 1e-11);
  EXPECT_EQ(static_cast<double>(sp_variable(counts(5000, 5000, 100, above)).value().bits), whole - 1);
  EXPECT_EQ(static_cast<double>(sp_variable(counts(5000, 5000, 100, above - 1e-6)).value().bits), whole);
}

TEST(SpVariable, StaysBelowShorPreskill) {
  for (double errors = 0; errors < 500; errors += 13) {
    const KeyLength r = sp_variable(counts(20'000, 5'000, errors, 100)).value();
    EXPECT_LT(r.ell, 20'000 * (1 - phase_entropy(errors / 5'000)) - 100) << errors;
  }
}

TEST(SpVariable, ShrinksWithEveryObservedError) {
  double last = 1e9;
  for (double errors = 0; errors <= 300; ++errors) {
    const double ell = sp_variable(counts(10'000, 3'000, errors, 0)).value().ell;
    EXPECT_LT(ell, last) << errors;
    last = ell;
  }
}

TEST(SpVariable, PaysForADetectorMismatch) {
  SpVariableInputs in = counts(1e6, 1e6, 15'000, 130'339, Bound::serfling);
  in.eps_at = in.eps_pa = in.eps_ev = 1e-11;
  in.eps_atb = in.eps_atc = 1e-11;
  in.delta1 = 0.03980198514876232;
  in.delta2 = 0.01980198019801982;
  const KeyLength r = sp_variable(in).value();
  expect_near_relative(r.gamma1, 0.005032736434876607);
  expect_near_relative(r.gamma2, 0.005032736434876607);
  expect_near_relative(r.phase, 0.06865717064208439);
  expect_near_relative(r.ell, 508660.0010406271);
  EXPECT_EQ(r.bits, 508660U);
}

TEST(SpVariable, GivesEachPartOfTheMismatchBoundItsOwnEpsilon) {
  SpVariableInputs in = counts(1e6, 1e6, 15'000, 0, Bound::serfling);
  in.delta1 = in.delta2 = 0.01;
  const KeyLength shared = sp_variable(in).value();
  EXPECT_EQ(shared.gamma1, shared.gamma2);
  in.eps_atb = 1e-12;
  in.eps_atc = 1e-14;
  const KeyLength apart = sp_variable(in).value();
  expect_near_relative(apart.gamma1, std::sqrt(std::log(1e12) / 1e6));
  expect_near_relative(apart.gamma2, std::sqrt(std::log(1e14) / 1e6));
  EXPECT_EQ(apart.gamma_serf, shared.gamma_serf);
}

TEST(SpVariable, ReportsAPhaseErrorAboveOneUnclamped) {
  SpVariableInputs in = counts(100'000, 100'000, 1'000, 9'373, Bound::serfling);
  in.eps_at = in.eps_pa = in.eps_ev = 1e-11;
  in.delta1 = 0.7340136762890959;
  in.delta2 = 0.33333333333333326;
  const KeyLength r = sp_variable(in).value();
  expect_near_relative(r.phase, 1.2023567702514966);
  expect_near_relative(r.ell, -9481.623627131283);
}

TEST(SpVariable, AbortsWhereTheMismatchLeavesNothing) {
  SpVariableInputs in = counts(1000, 1000, 0, 0, Bound::serfling);
  in.delta2 = 0.95;
  EXPECT_EQ(sp_variable(in).value().abort, "detector mismatch too large");
}

struct Refusal {
  const char* name;
  void (*spoil)(SpVariableInputs&);
};
TEST(SpVariable, NamesTheInputItRefuses) {
  constexpr Refusal kRefusals[] = {{"errors_k = 6", [](SpVariableInputs& in) { in.errors_k = 6, in.k = 5; }},
                                   {"n = -1", [](SpVariableInputs& in) { in.n = -1; }},
                                   {"n = 10.5", [](SpVariableInputs& in) { in.n = 10.5; }},
                                   {"leak_ec", [](SpVariableInputs& in) { in.leak_ec = std::nan(""); }},
                                   {"eps_at = 0", [](SpVariableInputs& in) { in.eps_at = 0; }},
                                   {"eps_pa = 1", [](SpVariableInputs& in) { in.eps_pa = 1; }},
                                   {"eps_ev = 2", [](SpVariableInputs& in) { in.eps_ev = 2; }},
                                   {"eps_atb = -1", [](SpVariableInputs& in) { in.eps_atb = -1; }},
                                   {"slack", [](SpVariableInputs& in) { in.slack = -1; }},
                                   {"delta1 = 0.1", [](SpVariableInputs& in) { in.delta1 = 0.1; }}};
  for (const Refusal& refusal : kRefusals) {
    SpVariableInputs in = counts(500, 500, 5, 47);
    refusal.spoil(in);
    const auto result = sp_variable(in);
    ASSERT_FALSE(result.ok()) << refusal.name;
    EXPECT_EQ(result.error().code, Code::bad_input);
    EXPECT_EQ(result.error().message.find(refusal.name), 0U) << result.error().message;
  }
}

TEST(SpsG2, ReproducesAQuantumDotAtHalfAPhoton) {
  const KeyLength r = sps_g2(quantum_dot()).value();
  EXPECT_EQ(r.mp_key, 47'161);
  EXPECT_EQ(r.mp_test, 47'161);
  EXPECT_EQ(r.n1, 202'839);
  EXPECT_EQ(r.k1, 202'839);
  expect_near_relative(r.gamma_serf, 0.015803181386453723);
  expect_near_relative(r.phase, 0.040453273331296676);
  expect_near_relative(r.ell, 112145.30270335029);
  EXPECT_EQ(r.bits, 112145U);
}

TEST(SpsG2, AbortsWhereEveryRoundMayHoldTwoPhotons) {
  SpsG2Inputs in = quantum_dot();
  in.p_multi = 0.0625;
  const KeyLength r = sps_g2(in).value();
  EXPECT_EQ(r.abort, "no guaranteed single-photon rounds");
  EXPECT_EQ(r.n1, -382'983);
  EXPECT_EQ(r.ell, -1);
  EXPECT_TRUE(std::isnan(r.phase));
}

TEST(SpsG2, UsesOneErrorOfSlackWithTheExactTail) {
  SpsG2Inputs in = quantum_dot();
  in.bound = Bound::hypergeom;
  const KeyLength r = sps_g2(in).value();
  EXPECT_EQ(r.w_max, static_cast<double>(hypergeom_key_errors(202'839, 202'839, 5'000, 1e-11 * 1e-11).value()));
  expect_near_relative(r.phase, (r.w_max + 1) / 202'839);
}

TEST(SpsG2, IsMonotoneInItsSignalsAndErrors) {
  SpsG2Inputs in = quantum_dot();
  in.bound = Bound::hypergeom;
  double last = sps_g2(in).value().ell;
  for (int i = 0; i < 200; ++i) {
    in.sent_test += 37'000;
    in.errors_k += 1;
    const KeyLength worse = sps_g2(in).value();
    if (!worse.abort.empty()) break;
    EXPECT_LE(worse.ell, last + 1e-9);
    last = worse.ell;
  }
}

TEST(SpsG2, SurvivesMoreErrorsThanSinglePhotonTestBits) {
  SpsG2Inputs in = quantum_dot();
  in.errors_k = in.k;
  for (const Bound bound : {Bound::hypergeom, Bound::kl, Bound::serfling}) {
    in.bound = bound;
    EXPECT_EQ(sps_g2(in).value().bits, 0U);
  }
}

TEST(SpsG2, NamesTheInputItRefuses) {
  SpsG2Inputs in = quantum_dot();
  in.p_multi = 1;
  EXPECT_EQ(sps_g2(in).error().message.find("p_multi = 1"), 0U);
  in = quantum_dot();
  in.eps_mp = 0;
  EXPECT_EQ(sps_g2(in).error().message.find("eps_mp = 0"), 0U);
  in = quantum_dot();
  in.errors_k = in.k + 1;
  EXPECT_EQ(sps_g2(in).error().message.find("errors_k"), 0U);
}

TEST(MismatchDeltas, ReproduceThePublishedCode) {
  const MismatchDeltas fixed = mismatch_deltas(0.01, 0.1, 1e-6, false).value();
  expect_near_relative(fixed.delta1, 0.2222221222388289);
  expect_near_relative(fixed.delta2, 0.18181810000571041);
  const MismatchDeltas swapped = mismatch_deltas(0.01, 0.1, 1e-6, true).value();
  expect_near_relative(swapped.delta1, 0.0003921369353721005);
  expect_near_relative(swapped.delta2, 0.00019605885697496556);
}

TEST(MismatchDeltas, WithoutDarkCountsAreThoseOfTheEfficienciesAlone) {
  const MismatchDeltas fixed = mismatch_deltas(0.01, 0, 0, false).value();
  expect_near_relative(fixed.delta1, 0.03980198514876232);
  expect_near_relative(fixed.delta2, 0.01980198019801982);
  EXPECT_EQ(mismatch_deltas(0, 0, 0, false).value().delta1, 0);
}

TEST(MismatchDeltas, NameTheInputTheyRefuse) {
  EXPECT_EQ(mismatch_deltas(1, 0, 0, false).error().message.find("delta_eta = 1"), 0U);
  EXPECT_EQ(mismatch_deltas(0, 1, 0.1, false).error().message.find("delta_dc = 1"), 0U);
  EXPECT_EQ(mismatch_deltas(0, 0.5, 0.9, false).error().message.find("dc (1 + delta_dc)"), 0U);
}

TEST(PreparationQuality, ReproducesTheValuesOfThePaper) {
  constexpr double kDegree = 3.14159265358979323846 / 180;
  EXPECT_EQ(preparation_quality(0), 1);
  EXPECT_NEAR(preparation_quality(0.5 * kDegree), 0.975, 1e-3);
  EXPECT_NEAR(preparation_quality(1 * kDegree), 0.950, 1e-3);
  EXPECT_NEAR(preparation_quality(2 * kDegree), 0.903, 1e-3);
}

}  // namespace
}  // namespace nicol::distillation
