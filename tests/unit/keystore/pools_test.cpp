// SPDX-License-Identifier: Apache-2.0
// Marks, reservations and one-time-pad bits: each position once.
#include "tests/unit/keystore/store_bench.hpp"

namespace nicol::keystore::test {
namespace {

constexpr Split kPads{.pools = {0, 0, 4096, 4096}, .delivery = 0};

TEST(Pools, ReserveInOrderWithoutOverlap) {
  const Bench bench;
  const auto store = bench.open();
  EXPECT_EQ(*store->reserve(Pool::auth_ab, 64), (Interval{0, 64}));
  EXPECT_EQ(*store->reserve(Pool::auth_ab, 100), (Interval{64, 164}));
  EXPECT_EQ(*store->reserve(Pool::auth_ba, 64), (Interval{0, 64}));
}

TEST(Pools, ContinueAfterTheMarkWhenReopened) {
  const Bench bench;
  ASSERT_TRUE(bench.open()->reserve(Pool::auth_ab, 640).ok());
  EXPECT_EQ(bench.open()->reserve(Pool::auth_ab, 64)->begin, 640u);
}

TEST(Pools, SayHowManyBitsAreMissing) {
  const Bench bench;
  const auto store = bench.open();
  const auto interval = store->reserve(Pool::auth_ab, 8192 + 24);
  ASSERT_EQ(code_of(interval), Code::exhausted);
  EXPECT_NE(interval.error().message.find("24 are missing"), std::string::npos) << interval.error().message;
  EXPECT_EQ(store->marks()[0], 0u);
}

TEST(Pads, AreHandedOutOnce) {
  const Bench bench;
  const auto store = bench.open();
  const Interval interval = *store->reserve(Pool::auth_ab, 128);
  ASSERT_TRUE(store->take_pad(Pool::auth_ab, {0, 64}).ok());
  EXPECT_EQ(code_of(store->take_pad(Pool::auth_ab, {0, 64})), Code::refused);
  EXPECT_EQ(code_of(store->take_pad(Pool::auth_ab, interval)), Code::refused);
  EXPECT_EQ(code_of(store->take_pad(Pool::auth_ab, {63, 65})), Code::refused);
  EXPECT_TRUE(store->take_pad(Pool::auth_ab, {64, 128}).ok());
}

TEST(Pads, OutsideAReservationAreRefused) {
  const Bench bench;
  const auto store = bench.open();
  ASSERT_TRUE(store->reserve(Pool::auth_ab, 64).ok());
  EXPECT_EQ(code_of(store->take_pad(Pool::auth_ab, {64, 128})), Code::refused);
  EXPECT_EQ(code_of(store->take_pad(Pool::auth_ba, {0, 64})), Code::refused);
}

TEST(Pads, OfAReservationOfAnEarlierRunAreBurnt) {
  const Bench bench;
  ASSERT_TRUE(bench.open()->reserve(Pool::auth_ab, 64).ok());
  EXPECT_EQ(code_of(bench.open()->take_pad(Pool::auth_ab, {0, 64})), Code::refused);
}

TEST(Pads, AreTheSameBitsHoweverTheyAreCut) {
  const Bench bench;
  const auto alice = bench.open("alice"), bob = bench.open("bob");
  ASSERT_TRUE(alice->reserve(Pool::auth_ab, 1000).ok());
  ASSERT_TRUE(bob->accept_reservation(Pool::auth_ab, {0, 1000}).ok());
  const auto whole = bits_of(*alice->take_pad(Pool::auth_ab, {0, 1000}), 1000);
  std::vector<bool> joined;
  for (const Interval part : {Interval{0, 3}, Interval{3, 64}, Interval{64, 129}, Interval{129, 1000}}) {
    const auto bits = bits_of(*bob->take_pad(Pool::auth_ab, part), part.size());
    joined.insert(joined.end(), bits.begin(), bits.end());
  }
  EXPECT_EQ(joined, whole);
}

TEST(AcceptedReservation, MayNotBeginBelowTheMark) {
  const Bench bench;
  const auto store = bench.open();
  ASSERT_TRUE(store->accept_reservation(Pool::auth_ab, {100, 200}).ok());
  EXPECT_EQ(code_of(store->accept_reservation(Pool::auth_ab, {199, 300})), Code::refused);
  EXPECT_EQ(code_of(store->accept_reservation(Pool::auth_ab, {200, 200})), Code::refused);
  EXPECT_EQ(store->marks()[0], 200u);
}

TEST(AcceptedReservation, BurnsWhatItSkips) {
  const Bench bench;
  const auto store = bench.open();
  ASSERT_TRUE(store->accept_reservation(Pool::auth_ab, {100, 200}).ok());
  EXPECT_EQ(code_of(store->take_pad(Pool::auth_ab, {0, 100})), Code::refused);
}

TEST(AcceptedReservation, MustFitThePool) {
  const Bench bench;
  EXPECT_EQ(code_of(bench.open()->accept_reservation(Pool::auth_ab, {8000, 8193})), Code::exhausted);
}

TEST(MarksMet, MoveForwardDurablyAndNeverBack) {
  const Bench bench;
  {
    const auto store = bench.open();
    ASSERT_TRUE(store->reserve(Pool::auth_ba, 512).ok());
    ASSERT_TRUE(store->advance_marks({256, 128, 0, 0}, 384).ok());
    EXPECT_EQ(store->marks(), (Marks{256, 512, 0, 0}));
  }
  EXPECT_EQ(bench.open()->marks(), (Marks{256, 512, 0, 0}));
}

TEST(MarksMet, RefuseAPeerThatWasSetBack) {
  const Bench bench;
  ASSERT_TRUE(bench.open()->advance_marks({256, 0, 0, 0}, 384).ok());
  const auto store = bench.open();
  EXPECT_EQ(code_of(store->advance_marks({255, 999, 0, 0}, 384)), Code::refused);
  EXPECT_EQ(store->marks(), (Marks{256, 0, 0, 0}));
}

TEST(MarksMet, RefuseAPeerSetBackBelowAReservationItMade) {
  const Bench bench;
  const auto store = bench.open();
  ASSERT_TRUE(store->accept_reservation(Pool::auth_ab, {0, 384}).ok());
  EXPECT_EQ(code_of(store->advance_marks({0, 0, 0, 0}, 384)), Code::refused);
}

TEST(MarksMet, RefuseAGapOfMoreThanAThousandReservations) {
  const Bench bench;
  const auto store = bench.open();
  EXPECT_EQ(code_of(store->advance_marks({8001, 0, 0, 0}, 8)), Code::refused);
  EXPECT_EQ(store->marks(), Marks{});
  EXPECT_TRUE(store->advance_marks({8000, 0, 0, 0}, 8).ok());
}

TEST(MarksMet, RefuseAMarkBeyondAnyBitBothCanHold) {
  const Bench bench;
  EXPECT_EQ(code_of(bench.open()->advance_marks({8193, 0, 0, 0}, 1u << 20)), Code::refused);
}

TEST(MarksMet, LetThePeerUseAKeyThatIsStillPendingHere) {
  const Bench bench;
  const auto alice = bench.open("alice"), bob = bench.open("bob");
  add_key(*alice, 1, kPads);
  ASSERT_TRUE(bob->put(pending_key(1, 8192), kPads, {}).ok());
  const auto loan = alice->take_otp(Pool::otp_ab, 128);
  ASSERT_TRUE(loan.ok());
  ASSERT_TRUE(bob->advance_marks(alice->marks(), 384).ok());
  EXPECT_EQ(status(*bob, Pool::otp_ab).available(), 0u);
  ASSERT_TRUE(bob->settle(id_of(1), available(id_of(1))).ok());
  const auto bits = bob->take_otp_at(Pool::otp_ab, loan->interval);
  ASSERT_TRUE(bits.ok()) << describe(bits.error());
  EXPECT_EQ(bits_of(*bits, 128), bits_of(loan->bits, 128));
}

TEST(OneTimePad, IsTheSameOnBothSidesAndEachBitServesOnce) {
  const Bench bench;
  const auto alice = bench.open("alice"), bob = bench.open("bob");
  for (KeyStore* s : {alice.get(), bob.get()}) add_key(*s, 1, kPads);
  const auto loan = alice->take_otp(Pool::otp_ab, 1000);
  const auto mine = bob->take_otp_at(Pool::otp_ab, loan->interval);
  ASSERT_TRUE(mine.ok());
  EXPECT_EQ(bits_of(*mine, 1000), bits_of(loan->bits, 1000));
  EXPECT_EQ(code_of(bob->take_otp_at(Pool::otp_ab, loan->interval)), Code::refused);
  EXPECT_EQ(code_of(bob->take_otp_at(Pool::otp_ab, {999, 1001})), Code::refused);
  EXPECT_EQ(alice->take_otp(Pool::otp_ab, 8)->interval.begin, 1000u);
}

TEST(OneTimePad, OpensMessagesOutOfOrderOnceEachAcrossRestarts) {
  const Bench bench;
  add_key(*bench.open(), 1, kPads);
  EXPECT_TRUE(bench.open()->take_otp_at(Pool::otp_ab, {2000, 3000}).ok());
  EXPECT_TRUE(bench.open()->take_otp_at(Pool::otp_ab, {500, 1000}).ok());
  const auto store = bench.open();
  EXPECT_EQ(code_of(store->take_otp_at(Pool::otp_ab, {500, 600})), Code::refused);
  EXPECT_EQ(code_of(store->take_otp_at(Pool::otp_ab, {900, 1100})), Code::refused);
  EXPECT_TRUE(store->take_otp_at(Pool::otp_ab, {1000, 2000}).ok());
  EXPECT_TRUE(store->take_otp_at(Pool::otp_ab, {0, 500}).ok());
  EXPECT_EQ(code_of(store->take_otp_at(Pool::otp_ab, {0, 1})), Code::refused);
}

TEST(OneTimePad, StaysOpenForAReceiverWhoseMarkThePeerMoved) {
  const Bench bench;
  const auto store = bench.open();
  add_key(*store, 1, kPads);
  ASSERT_TRUE(store->advance_marks({0, 0, 3000, 0}, 384).ok());
  EXPECT_TRUE(store->take_otp_at(Pool::otp_ab, {0, 1000}).ok());
  EXPECT_TRUE(store->take_otp_at(Pool::otp_ab, {2500, 3500}).ok());
  EXPECT_EQ(code_of(store->take_otp_at(Pool::otp_ab, {2500, 2501})), Code::refused);
}

TEST(OneTimePad, NeverSendsBitsThePeerMayHaveUsed) {
  const Bench bench;
  const auto store = bench.open();
  add_key(*store, 1, kPads);
  ASSERT_TRUE(store->advance_marks({0, 0, 3000, 0}, 384).ok());
  EXPECT_EQ(store->take_otp(Pool::otp_ab, 8)->interval.begin, 3000u);
}

TEST(OneTimePad, KeepsABoundedNumberOfGaps) {
  const Bench bench;
  const auto store = bench.open();
  add_key(*store, 1, kPads);
  for (std::uint64_t i = 0; i < 100; ++i) ASSERT_TRUE(store->take_otp_at(Pool::otp_ab, {16 * i + 8, 16 * i + 16}).ok());
  EXPECT_EQ(code_of(store->take_otp_at(Pool::otp_ab, {0, 8})), Code::refused);
  EXPECT_TRUE(store->take_otp_at(Pool::otp_ab, {16 * 99, 16 * 99 + 8}).ok());
}

TEST(OneTimePad, IsNotTakenFromAuthenticationPools) {
  const Bench bench;
  EXPECT_EQ(code_of(bench.open()->take_otp_at(Pool::auth_ab, {0, 64})), Code::refused);
}

TEST(OneTimePad, SpansKeys) {
  const Bench bench;
  const auto store = bench.open();
  add_key(*store, 1, {.pools = {0, 0, 64, 0}, .delivery = 0});
  add_key(*store, 2, {.pools = {0, 0, 64, 0}, .delivery = 0});
  const auto loan = store->take_otp(Pool::otp_ab, 128);
  ASSERT_TRUE(loan.ok()) << describe(loan.error());
  auto expected = key_bits(1, 0, 64);
  const auto second = key_bits(2, 0, 64);
  expected.insert(expected.end(), second.begin(), second.end());
  EXPECT_EQ(bits_of(loan->bits, 128), expected);
}

TEST(OneTimePad, ReadsAcrossSealedChunks) {
  const Bench bench;
  const auto store = bench.open();
  add_key(*store, 1, {.pools = {0, 0, 100'000, 0}, .delivery = 0});
  ASSERT_TRUE(store->take_otp(Pool::otp_ab, 32'765).ok());
  const auto loan = store->take_otp(Pool::otp_ab, 40'000);
  ASSERT_TRUE(loan.ok()) << describe(loan.error());
  EXPECT_EQ(bits_of(loan->bits, 40'000), key_bits(1, 32'765, 40'000));
}

TEST(UsedBits, LeaveTheDiskWithTheLastOfTheirFile) {
  const Bench bench;
  const auto store = bench.open();
  add_key(*store, 1, {.pools = {0, 0, 128, 0}, .delivery = 0});
  const fs::path file = bench.state() / "store/keys/01010101-0101-0101-0101-010101010101.bits";
  ASSERT_TRUE(store->take_otp(Pool::otp_ab, 64).ok());
  EXPECT_TRUE(fs::exists(file));
  ASSERT_TRUE(store->take_otp(Pool::otp_ab, 64).ok());
  EXPECT_FALSE(fs::exists(file));
}

TEST(UsedBits, BurntByARestartLeaveTheDiskToo) {
  const Bench bench;
  {
    const auto store = bench.open();
    add_key(*store, 1, {.pools = {0, 0, 128, 0}, .delivery = 0});
    ASSERT_TRUE(store->reserve(Pool::otp_ab, 128).ok());
  }
  bench.open();
  EXPECT_FALSE(fs::exists(bench.state() / "store/keys/01010101-0101-0101-0101-010101010101.bits"));
}

}  // namespace
}  // namespace nicol::keystore::test
