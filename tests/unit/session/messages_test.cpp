// SPDX-License-Identifier: Apache-2.0
// Payloads: what is encoded is decoded, and what no honest peer sends is refused before anything is allocated for it.
#include "controller/session/messages.hpp"

#include <gtest/gtest.h>

#include "controller/session/agreement.hpp"

namespace nicol::session {
namespace {

secret::PublicBits pattern(std::size_t bits, std::uint64_t seed) {
  CounterStream draw({.seed = seed, .node = NodeId::world, .purpose = Purpose::test, .index = 0});
  secret::PublicBits out;
  for (std::size_t i = 0; i < bits; ++i) out.push_back(draw() % 2 == 0);
  return out;
}

sifting::DetectionList list_of(std::uint64_t slots) {
  CounterStream draw({.seed = 5, .node = NodeId::world, .purpose = Purpose::test, .index = 1});
  sifting::DetectionList list;
  for (std::uint64_t slot = 0; slot < slots; ++slot)
    if (draw() % 7 == 0) list.slots.push_back(slot);
  list.bases = pattern(list.slots.size(), 6);
  list.dropped = {{slots, slots + 10}, {slots + 20, slots + 21}};
  return list;
}

TEST(Varints, AreTheSameAfterTheWire) {
  for (const std::uint64_t v : {0ULL, 1ULL, 127ULL, 128ULL, 16383ULL, 16384ULL, ~0ULL, 1ULL << 63}) {
    ByteWriter w;
    w.varint(v);
    const Bytes bytes = std::move(w).take();
    ByteReader r(bytes);
    EXPECT_EQ(r.varint(), v);
    EXPECT_EQ(r.left(), 0U);
  }
}

TEST(Varints, HaveOneSpellingOnly) {
  for (const Bytes& bytes :
       {Bytes{0x80, 0x00}, Bytes{0xff, 0x80, 0x00}, Bytes{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02},
        Bytes{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01}, Bytes{0x80}}) {
    ByteReader r(bytes);
    r.varint();
    EXPECT_TRUE(r.failed());
  }
}

TEST(Varints, OfEitherSignAreTheSameAfterTheWire) {
  for (const std::int64_t v : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1}, INT64_MIN, INT64_MAX}) {
    ByteWriter w;
    w.signed_varint(v);
    const Bytes bytes = std::move(w).take();
    EXPECT_EQ(ByteReader(bytes).signed_varint(), v);
  }
}

TEST(PackedBits, WithABitBeyondTheirEndAreRefused) {
  const Bytes bytes{3, 0x0f};
  ByteReader r(bytes);
  static_cast<void>(r.bits_exactly(3));
  EXPECT_TRUE(r.failed());
}

TEST(Hello, IsTheSameAfterTheWire) {
  Hello m;
  m.half = {1, 2, 3, 4, 5, 6, 7, 8};
  m.side = Side::bob;
  m.agreement.tag_bits = 96;
  m.agreement.epsilon.pa = 1e-12;
  m.model.p_multi = 1e-4;
  m.model.preparation_provenance = hal::Provenance::measured;
  const auto again = decode_hello(encode(m));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(encode(*again), encode(m));
  EXPECT_EQ(again->agreement.epsilon, m.agreement.epsilon);
}

TEST(Hello, WithANumberThatIsNoneIsRefused) {
  Hello m;
  m.model.p_multi = std::nan("");
  EXPECT_FALSE(decode_hello(encode(m)).ok());
  m.model.p_multi = 1.5;
  EXPECT_FALSE(decode_hello(encode(m)).ok());
}

TEST(DetectionListMessage, IsTheSameAfterTheWire) {
  const auto list = list_of(10'000);
  const auto again = decode_detections(encode(list), 10'100);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(*again, list);
}

TEST(DetectionListMessage, TakesLittleMoreThanAByteADetection) {
  const auto list = list_of(1'000'000);
  EXPECT_LT(encode(list).size(), list.slots.size() * 5 / 4);
}

TEST(DetectionListMessage, WithASlotOutsideTheBlockIsRefused) {
  EXPECT_FALSE(decode_detections(encode(list_of(10'000)), 9'000).ok());
}

TEST(DetectionListMessage, ThatClaimsMoreThanItHoldsIsRefused) {
  ByteWriter w;
  w.varint(kMaxDetections);
  EXPECT_FALSE(decode_detections(std::move(w).take(), std::uint64_t{1} << 40).ok());
}

TEST(DetectionListMessage, CutAnywhereIsRefused) {
  const Bytes whole = encode(list_of(200));
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(decode_detections(std::span(whole).first(size), 1000).ok()) << size;
}

TEST(PauseMessage, IsTheSameAfterTheWire) {
  const auto again = decode_pause(encode(Pause{99, PauseReason::overflow}), 100);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->from_slot, 99U);
  EXPECT_EQ(again->reason, PauseReason::overflow);
}

TEST(PauseMessage, OutsideTheBlockOrForNoReasonIsRefused) {
  EXPECT_FALSE(decode_pause(encode(Pause{101, PauseReason::unplugged}), 100).ok());
  Bytes body = encode(Pause{1, PauseReason::overflow});
  ++body.back();
  EXPECT_FALSE(decode_pause(body, 100).ok());
}

TEST(ResumeMessage, MayNameTheEndOfTheBlockButNothingBeyond) {
  EXPECT_EQ(decode_resume(encode(Resume{100}), 100)->first_slot, 100U);
  EXPECT_FALSE(decode_resume(encode(Resume{101}), 100).ok());
}

TEST(BasesMessage, IsTheSameAfterTheWire) {
  Bases m;
  m.reply.kept = pattern(500, 1);
  const std::size_t kept = m.reply.kept.popcount();
  m.reply.bases = pattern(kept, 2);
  m.reply.mismatched_bits = pattern(kept / 2, 3);
  m.coins.sample = {pattern(100, 4), pattern(90, 5)};
  m.coins.share = {0.1, 1.0};
  m.sample = pattern(m.coins.sample[0].popcount() + m.coins.sample[1].popcount(), 6);
  m.permutation_seed = 77;
  const auto again = decode_bases(encode(m), 500);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->reply, m.reply);
  EXPECT_EQ(again->coins, m.coins);
  EXPECT_EQ(again->sample, m.sample);
  EXPECT_FALSE(decode_bases(encode(m), 499).ok());
}

TEST(ParityAsk, OfAFirstPassIsAFewBytes) {
  distillation::CascadeAsk ask;
  for (std::uint32_t at = 0; at + 37 <= 1'000'000; at += 37) ask.ranges.push_back({0, at, at + 37});
  EXPECT_LT(encode(ask).size(), 16U);
  const auto again = decode_parity_ask(encode(ask), 1'000'000);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->ranges, ask.ranges);
}

TEST(ParityAsk, OfScatteredSearchesIsTheSameAfterTheWire) {
  distillation::CascadeAsk ask{.round = 9, .ranges = {{0, 5, 9}, {2, 0, 1}, {2, 1, 2}, {1, 900, 1000}, {1, 3, 4}}};
  const auto again = decode_parity_ask(encode(ask), 1000);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->ranges, ask.ranges);
  EXPECT_EQ(again->round, 9U);
}

TEST(ParityAsk, OutsideTheBlockIsRefused) {
  const distillation::CascadeAsk ask{.round = 0, .ranges = {{0, 5, 9}}};
  EXPECT_FALSE(decode_parity_ask(encode(ask), 8).ok());
}

TEST(ParityAsk, OfMoreRangesThanBitsIsRefused) {
  distillation::CascadeAsk ask;
  for (std::uint32_t i = 0; i < 11; ++i) ask.ranges.push_back({i, 0, 1});
  EXPECT_FALSE(decode_parity_ask(encode(ask), 10).ok());
}

TEST(AmplifyMessage, HoldsExactlyTheSeedOfItsLength) {
  Amplify m;
  m.output_bits = 40;
  m.seed = pattern(100 + 40 - 1, 8);
  EXPECT_TRUE(decode_amplify(encode(m), 100).ok());
  EXPECT_FALSE(decode_amplify(encode(m), 101).ok());
}

TEST(AmplifyMessage, OfMoreBitsThanWentInIsRefused) {
  Amplify m;
  m.output_bits = 101;
  m.seed = pattern(200, 8);
  EXPECT_FALSE(decode_amplify(encode(m), 100).ok());
}

TEST(VerifyMessage, WithANarrowerTagThanAgreedIsRefused) {
  distillation::VerificationMessage m;
  m.tag_bits = 32;
  EXPECT_FALSE(decode_verify(encode(m), 64).ok());
}

TEST(AbortMessage, ShowsNothingUnprintable) {
  const auto m = decode_abort(encode(Abort{AbortKind::request, 3, BlockReason::device, "a\x1b[2Jb"}));
  ASSERT_TRUE(m.ok());
  EXPECT_EQ(m->detail, "a?[2Jb");
}

TEST(EveryMessage, WithAByteTooManyIsRefused) {
  const auto longer = [](Bytes b) {
    b.push_back(0);
    return b;
  };
  EXPECT_FALSE(decode_hello(longer(encode(Hello{}))).ok());
  EXPECT_FALSE(decode_marks(longer(encode(MarksMessage{}))).ok());
  EXPECT_FALSE(decode_settle_query(longer(encode(SettleQuery{}))).ok());
  EXPECT_FALSE(decode_settle_answer(longer(encode(SettleAnswer{}))).ok());
  EXPECT_FALSE(decode_settle_done(longer(encode(SettleDone{}))).ok());
  EXPECT_FALSE(decode_block_open(longer(encode(BlockOpen{}))).ok());
  EXPECT_FALSE(decode_block_ready(longer(encode(BlockReady{}))).ok());
  EXPECT_FALSE(decode_hint(longer(encode(Hint{})), 10).ok());
  EXPECT_FALSE(decode_pause(longer(encode(Pause{})), 10).ok());
  EXPECT_FALSE(decode_rig_ready(longer(encode(RigReady{}))).ok());
  EXPECT_FALSE(decode_resume(longer(encode(Resume{})), 10).ok());
  EXPECT_FALSE(decode_reconciled(longer(encode(Reconciled{})), 10).ok());
  EXPECT_FALSE(decode_amplify(longer(encode(Amplify{})), 10).ok());
  EXPECT_FALSE(decode_abort(longer(encode(Abort{}))).ok());
}

TEST(LengthInputs, TakeTheSourceFromAliceAndTheReceiverFromBob) {
  Hello alice, bob;
  alice.model.p_multi = 1e-3;
  alice.model.efficiency_mismatch = 0.5;
  bob.model.p_multi = 1e-4;
  bob.model.efficiency_mismatch = 0.02;
  bob.receiver = hal::ReceiverKind::active;
  const auto in = length_inputs({}, alice, bob);
  EXPECT_EQ(in.p_multi, 1e-3);
  EXPECT_EQ(in.model.efficiency_mismatch, 0.02);
  EXPECT_EQ(in.receiver, hal::ReceiverKind::active);
}

TEST(LengthInputs, NameTheCalibrationsOfTheSideThatHoldsTheKey) {
  Hello alice, bob;
  bob.model.calibrations = {"polarisation 0123456789abcdef (2 h)"};
  EXPECT_EQ(length_inputs({}, alice, bob).model.calibrations, bob.model.calibrations);
}

TEST(LengthInputs, TakeWhatBobMeasuredOfTheSource) {
  Hello alice, bob;
  alice.model.p_multi = 1e-3;
  bob.model.p_multi = 2e-4;
  bob.model.source_provenance = hal::Provenance::measured;
  const auto in = length_inputs({}, alice, bob);
  EXPECT_EQ(in.p_multi, 2e-4);
  EXPECT_EQ(in.model.p_multi, 2e-4);
  EXPECT_EQ(in.model.source_provenance, hal::Provenance::measured);
}

TEST(LengthInputs, TakeTheWorseOfTwoDeclarations) {
  Hello alice, bob;
  alice.model.p_multi = 1e-3;
  bob.model.p_multi = 2e-3;
  EXPECT_EQ(length_inputs({}, alice, bob).p_multi, 2e-3);
}

TEST(LengthInputs, TakeTheWorseOfThePreparationThatAliceDeclaresAndBobMeasures) {
  Hello alice, bob;
  bob.model.preparation_error_rad = 0.01;
  EXPECT_EQ(length_inputs({}, alice, bob).model.preparation_error_rad, 0) << "nobody has measured";
  bob.model.preparation_provenance = hal::Provenance::measured;
  EXPECT_EQ(length_inputs({}, alice, bob).model.preparation_error_rad, 0.01);
  EXPECT_EQ(length_inputs({}, alice, bob).model.preparation_provenance, hal::Provenance::measured);
  alice.model.preparation_error_rad = 0.02;
  EXPECT_EQ(length_inputs({}, alice, bob).model.preparation_error_rad, 0.02);
  EXPECT_EQ(length_inputs({}, alice, bob).model.preparation_provenance, hal::Provenance::declared);
}

}  // namespace
}  // namespace nicol::session
