// SPDX-License-Identifier: Apache-2.0
// From the public facts of a block to its length: which sample bounds what, what the ledger costs, where no proof
// holds.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "controller/distillation/amplification.hpp"
#include "controller/distillation/length_case.hpp"
#include "tests/unit/distillation/length_inputs_json.hpp"

namespace nicol::distillation {
namespace {

constexpr std::size_t kRect = 0, kDiag = 1;

/// 50 000 sifted bits a basis; all diagonal and a tenth of the rectilinear disclosed.
BlockFacts facts() {
  BlockFacts f;
  f.sifted = {50'000, 50'000};
  f.sample = {{{5'000, 100}, {50'000, 1'000}}};
  f.key_bits = {45'000, 0};
  f.sample_share = {0.1, 1.0};
  f.slots_kept = 2'000'000;
  f.ledger.add(sifting::LeakClass::reconciliation, 7'400, 7'400);
  f.ledger.add(sifting::LeakClass::verification, 64, 28);
  f.ledger.add(sifting::LeakClass::answers, 7'400, 0);
  return f;
}

BlockFacts both_bases() {
  BlockFacts f = facts();
  f.inputs.key_bases = KeyBases::both;
  f.sample = {{{5'000, 90}, {6'000, 130}}};
  f.key_bits = {45'000, 44'000};
  f.sample_share = {0.1, 0.12};
  return f;
}

BlockFacts tagged() {
  BlockFacts f = facts();
  f.inputs.function = LengthFunction::sps_g2;
  f.inputs.p_multi = 1e-5;
  return f;
}

LengthDecision decide(const BlockFacts& f) { return decide_length(f).value(); }

TEST(LengthDecision, TakesTheWholeLedgerAndTheSampleOfTheOtherBasis) {
  SpVariableInputs in;
  in.n = 45'000, in.k = 50'000, in.errors_k = 1'000, in.leak_ec = 7'428;
  in.eps_at = in.eps_pa = in.eps_ev = 2.5e-11;
  const KeyLength expected = sp_variable(in).value();
  const LengthDecision decision = decide(facts());
  EXPECT_EQ(decision.length.ell, expected.ell);
  EXPECT_EQ(decision.output_bits, expected.bits);
  EXPECT_EQ(decision.secret_bits, expected.bits - 32);
  EXPECT_EQ(decision.phase_bound[kRect], expected.phase);
  EXPECT_TRUE(std::isnan(decision.phase_bound[kDiag]));
}

TEST(LengthDecision, NeverBoundsPhaseErrorsFromTheKeysOwnBasis) {
  BlockFacts f = facts();
  const LengthDecision before = decide(f);
  f.sample[kRect] = {5'000, 540};
  const LengthDecision after = decide(f);
  EXPECT_EQ(after.phase_bound[kRect], before.phase_bound[kRect]);
  EXPECT_EQ(after.length.ell, before.length.ell);
  f.sample[kDiag].errors += 1;
  EXPECT_GT(decide(f).phase_bound[kRect], before.phase_bound[kRect]);
}

TEST(LengthDecision, OfBothBasesBoundsEachFromTheOtherAlone) {
  BlockFacts f = both_bases();
  const auto before = decide(f).phase_bound;
  f.sample[kRect].errors += 20;
  const auto after = decide(f).phase_bound;
  EXPECT_EQ(after[kRect], before[kRect]);
  EXPECT_GT(after[kDiag], before[kDiag]);
}

TEST(LengthDecision, OfBothBasesIsTheSumWithHalfTheTailEach) {
  const double tail = 2.5e-11 * 2.5e-11 / 2;
  const auto w_rect = static_cast<double>(hypergeom_key_errors(45'000, 6'000, 130, tail).value());
  const auto w_diag = static_cast<double>(hypergeom_key_errors(44'000, 5'000, 90, tail).value());
  const double expected = 45'000 * (1 - binary_entropy(w_rect / 45'000)) +
                          44'000 * (1 - binary_entropy(w_diag / 44'000)) - 7'428 - 2 * std::log2(1 / (2 * 2.5e-11)) -
                          std::log2(2 / 2.5e-11);
  const LengthDecision decision = decide(both_bases());
  EXPECT_NEAR(decision.length.ell, expected, 1e-6);
  EXPECT_EQ(decision.output_bits, static_cast<std::uint64_t>(std::floor(expected)));
  EXPECT_EQ(decision.keylength_case, "");  // no single case of `nicol keylength` holds two bases
}

TEST(LengthDecision, OfBothBasesCountsNothingForABasisWithoutASample) {
  BlockFacts f = both_bases();
  f.sample[kDiag] = {0, 0};
  const double diagonal_alone = decide(f).length.ell;
  f.key_bits[kRect] = 1;
  EXPECT_NEAR(decide(f).length.ell, diagonal_alone, 1e-9);
}

TEST(LengthDecision, PaysEachLedgerBitOnce) {
  BlockFacts f = facts();
  const double before = decide(f).length.ell;
  f.ledger.add(sifting::LeakClass::reconciliation, 100, 100);
  EXPECT_NEAR(decide(f).length.ell, before - 100, 1e-9);
}

TEST(LengthDecision, CutsTheCheckValueAndNamesNoKeyWithoutMore) {
  BlockFacts f = facts();
  const auto spare = static_cast<std::uint64_t>(decide(f).length.ell);
  f.ledger.add(sifting::LeakClass::reconciliation, spare - 20, spare - 20);
  const LengthDecision decision = decide(f);
  EXPECT_GT(decision.length.ell, 0);
  EXPECT_EQ(decision.output_bits, 0U);
  EXPECT_EQ(decision.secret_bits, 0U);
}

TEST(LengthDecision, CountsTheKeptSlotsOfEachPartForMultiPhotons) {
  BlockFacts f = tagged();
  f.inputs.receiver = hal::ReceiverKind::active;
  f.inputs.p_alice_diagonal = 0.3;
  f.inputs.p_bob_diagonal = 0.4;
  const auto in = std::get<SpsG2Inputs>(length_case(f, Basis::rectilinear, 1).value());
  EXPECT_NEAR(in.sent_key, 2e6 * 0.7 * 0.6 * 0.9, 1e-3);
  EXPECT_NEAR(in.sent_test, 2e6 * 0.3 * 0.4 * 1.0, 1e-3);
  EXPECT_EQ(in.n, 45'000);
  EXPECT_EQ(in.k, 50'000);
  EXPECT_EQ(in.errors_k, 1'000);
}

TEST(LengthDecision, DropsBobsBasisProbabilityForAPassiveReceiver) {
  BlockFacts f = tagged();
  f.inputs.receiver = hal::ReceiverKind::passive;
  const auto in = std::get<SpsG2Inputs>(length_case(f, Basis::rectilinear, 1).value());
  EXPECT_NEAR(in.sent_key, 2e6 * 0.5 * 0.9, 1e-3);
  EXPECT_NEAR(in.sent_test, 2e6 * 0.5, 1e-3);
}

TEST(LengthDecision, AllowsForTheRoundingOfTheCoins) {
  BlockFacts f = tagged();
  f.slots_kept = 1'000'000'000'000;
  const auto in = std::get<SpsG2Inputs>(length_case(f, Basis::rectilinear, 1).value());
  EXPECT_GE(in.sent_key, 0.5e12 * (0.9 + 0x1p-32) - 1e-3);
}

TEST(LengthDecision, TakesTheLargerOfTheAgreedAndTheModelsMultiPhotonLimit) {
  BlockFacts f = tagged();
  const double agreed = decide(f).length.ell;
  f.inputs.model.p_multi = 1e-6;
  EXPECT_EQ(decide(f).length.ell, agreed);
  f.inputs.model.p_multi = 2e-5;
  EXPECT_LT(decide(f).length.ell, agreed);
}

TEST(LengthDecision, WithTwoTaggedBasesHalvesEveryTail) {
  BlockFacts f = both_bases();
  f.inputs.function = LengthFunction::sps_g2;
  f.inputs.p_multi = 1e-5;
  double expected = -7'428 - fixed_cost(2.5e-11, 2.5e-11);
  for (const Basis basis : detection::kBases) {
    const auto in = std::get<SpsG2Inputs>(length_case(f, basis, 0.5).value());
    EXPECT_NEAR(in.eps_mp * in.eps_mp, 2.5e-11 * 2.5e-11 / 2, 1e-36);
    const KeyLength part = sps_g2(in).value();
    expected += part.n1 * (1 - phase_entropy(part.phase));
  }
  EXPECT_NEAR(decide(f).length.ell, expected, 1e-6);
}

TEST(LengthDecision, MakesNoKeyOnAMismatchWithoutAProof) {
  BlockFacts passive = facts();
  passive.inputs.model.efficiency_mismatch = 0.01;
  BlockFacts source = passive;
  source.inputs.function = LengthFunction::sps_g2;
  source.inputs.receiver = hal::ReceiverKind::active;
  BlockFacts measured = facts();
  measured.inputs.receiver = hal::ReceiverKind::active;
  measured.inputs.model.basis_independent_detection = false;  // measured unequal, but by how much nobody says
  measured.inputs.model.mismatch_provenance = hal::Provenance::measured;
  for (const BlockFacts& f : {passive, source, measured}) {
    const LengthDecision decision = decide(f);
    EXPECT_EQ(decision.length.abort, "no proof for this receiver");
    EXPECT_EQ(decision.length.ell, -1);
    EXPECT_EQ(decision.output_bits, 0U);
  }
}

TEST(LengthDecision, PaysForAMismatchOfAnActiveReceiver) {
  BlockFacts f = facts();
  f.inputs.receiver = hal::ReceiverKind::active;
  const double equal = decide(f).length.ell;
  f.inputs.model.efficiency_mismatch = 0.005;
  const LengthDecision decision = decide(f);
  const MismatchDeltas deltas = mismatch_deltas(0.005, 0, 0, false).value();
  const auto in = std::get<SpVariableInputs>(length_case(f, Basis::rectilinear, 1).value());
  EXPECT_EQ(in.bound, Bound::serfling);
  EXPECT_EQ(in.delta1, deltas.delta1);
  EXPECT_EQ(in.delta2, deltas.delta2);
  EXPECT_NEAR(in.eps_at * in.eps_at + *in.eps_atb * *in.eps_atb + *in.eps_atc * *in.eps_atc, 6.25e-22, 1e-36);
  EXPECT_GT(decision.output_bits, 0U);
  EXPECT_LT(decision.length.ell, equal);
}

TEST(LengthDecision, LeavesTheLengthWhereAMeasurementFoundNoMismatch) {
  BlockFacts f = facts();
  const double assumed = decide(f).length.ell;
  f.inputs.model.efficiency_mismatch = 0.004;
  f.inputs.model.mismatch_provenance = hal::Provenance::measured;
  const LengthDecision decision = decide(f);
  EXPECT_EQ(decision.length.ell, assumed);
  EXPECT_EQ(decision.notes.front(), "equal efficiencies assumed; measured |D| <= 0.004");
}

TEST(LengthDecision, SaysWhatTheRigDidNotMeasure) {
  const auto notes = decide(tagged()).notes;
  for (const char* note : {"equal efficiencies assumed", "mu, g2 declared", "preparation quality q = 1 declared"})
    EXPECT_NE(std::find(notes.begin(), notes.end(), note), notes.end()) << note;
}

TEST(LengthDecision, RefusesAPreparationThatTheProofDoesNotCover) {
  BlockFacts f = facts();
  f.inputs.model.preparation_error_rad = 0.8;
  f.ledger.add(sifting::LeakClass::preparation, 0, 45'000);
  EXPECT_EQ(decide(f).length.abort, "preparation outside the proof");
  EXPECT_EQ(decide(f).output_bits, 0U);
}

TEST(LengthDecision, IsAnInternalErrorWithoutThePreparationInTheLedger) {
  BlockFacts f = facts();
  f.inputs.model.preparation_error_rad = 0.01;
  EXPECT_EQ(decide_length(f).error().code, Code::internal);
  f.ledger.add(sifting::LeakClass::preparation, 0, preparation_cost(45'000, f.inputs.model));
  EXPECT_LT(decide(f).length.ell, decide(facts()).length.ell - 1'200);
}

TEST(LengthDecision, IsAnInternalErrorOnCountsThatCannotBe) {
  BlockFacts shared = facts();
  shared.key_bits[kRect] = 45'001;
  BlockFacts errors = facts();
  errors.sample[kDiag].errors = 50'001;
  BlockFacts diagonal = both_bases();
  diagonal.inputs.key_bases = KeyBases::rectilinear;
  for (const BlockFacts& f : {shared, errors, diagonal}) EXPECT_EQ(decide_length(f).error().code, Code::internal);
}

TEST(LengthDecision, StaysBelowShorPreskill) {
  for (std::uint64_t errors = 0; errors < 6'000; errors += 97) {
    BlockFacts f = facts();
    f.sample[kDiag].errors = errors;
    const double observed = static_cast<double>(errors) / 50'000;
    EXPECT_LT(decide(f).length.ell, 45'000 * (1 - phase_entropy(observed)) - 7'428) << errors;
  }
}

TEST(LengthDecision, AbortsWithoutADiagonalSample) {
  BlockFacts f = facts();
  f.sample[kDiag] = {0, 0};
  EXPECT_EQ(decide(f).length.abort, "empty sample");
  EXPECT_EQ(decide(f).output_bits, 0U);
}

TEST(LengthDecision, ItsTextGivesTheSameLengthAgain) {
  BlockFacts mismatched = facts();
  mismatched.inputs.receiver = hal::ReceiverKind::active;
  mismatched.inputs.model.efficiency_mismatch = 0.0123456789;
  BlockFacts odd = tagged();
  odd.sample_share = {0.1000000000000003, 1};
  odd.inputs.p_multi = 1.0 / 3e5;
  odd.inputs.epsilon.mp = 1.0 / 3e10;
  for (const BlockFacts& f : {facts(), mismatched, odd}) {
    const LengthDecision decision = decide(f);
    const KeyLength again = testing::run_case(nlohmann::json::parse(decision.keylength_case));
    EXPECT_EQ(again.ell, decision.length.ell) << decision.keylength_case;
    EXPECT_EQ(again.bits, decision.length.bits);
    EXPECT_EQ(again.phase, decision.length.phase);
  }
}

TEST(Security, OfAKeyIsTwiceTheSmoothingPlusTheHash) {
  LengthInputs in;
  in.epsilon = {.at = 1e-10, .pa = 3e-11, .ev = 2e-12, .mp = 5e-11};
  EXPECT_DOUBLE_EQ(security_of(in).sec, 2.3e-10);
  EXPECT_DOUBLE_EQ(security_of(in).cor, 2e-12);
  EXPECT_EQ(security_of(in).auth, 0);
}

TEST(Security, OfTaggedRoundsCountsBothPhotonNumberLimits) {
  LengthInputs in;
  in.function = LengthFunction::sps_g2;
  in.epsilon = {.at = 1e-10, .pa = 3e-11, .ev = 2e-12, .mp = 5e-11};
  EXPECT_DOUBLE_EQ(security_of(in).sec, 2 * std::sqrt(1e-20 + 2 * 25e-22) + 3e-11);
}

TEST(KeyId, ReadsBackWhatItPrints) {
  KeyId id;
  for (std::size_t i = 0; i < id.bytes.size(); ++i) id.bytes[i] = static_cast<std::uint8_t>(17 * i + 3);
  EXPECT_EQ(to_string(id), "03142536-4758-697a-8b9c-adbecfe0f102");
  EXPECT_EQ(parse_key_id(to_string(id)).value(), id);
  EXPECT_EQ(parse_key_id("03142536-4758-697A-8B9C-ADBECFE0F102").value(), id);
}

TEST(KeyId, RefusesAnythingElse) {
  for (const char* text : {"", "03142536-4758-697a-8b9c-adbecfe0f10", "03142536-4758-697a-8b9c-adbecfe0f1020",
                           "03142536+4758-697a-8b9c-adbecfe0f102", "0314253g-4758-697a-8b9c-adbecfe0f102",
                           "031425364-758-697a-8b9c-adbecfe0f102"})
    EXPECT_EQ(parse_key_id(text).error().code, Code::bad_input) << text;
}

}  // namespace
}  // namespace nicol::distillation
