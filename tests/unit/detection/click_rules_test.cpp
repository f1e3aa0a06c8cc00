// SPDX-License-Identifier: Apache-2.0
// Every rule of DESIGN.md 6.2, by hand-made tags.
#include <gtest/gtest.h>

#include "tests/unit/detection/hand_made.hpp"

namespace nicol::detection::test {
namespace {

TEST(Click, HasTheBasisAndBitOfItsChannel) {
  Stream s;
  s.marks();
  for (std::uint16_t c = 0; c < 4; ++c) s.click(std::uint64_t{10} + 10U * c, c);
  const Seen seen = detect(s);
  ASSERT_EQ(seen.slots, (Slots{10, 20, 30, 40}));
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(seen.bases.get(i), i >= 2) << i;
    EXPECT_EQ(seen.bits.get(i), i % 2 == 1) << i;
  }
}

TEST(Click, IsInTheNearestSlotWhoseGateHoldsTheTag) {
  Stream s;
  s.marks();
  s.click(10, 0, -1'000);  // the gate begins here
  s.click(20, 0, 999);     // its last picosecond
  EXPECT_EQ(detect(s).slots, (Slots{10, 20}));
}

TEST(Click, NeedsItsGate) {
  Stream s;
  s.marks();
  s.click(10, 0, -1'001);
  s.click(20, 0, 1'000);
  s.click(30, 0, 5'000);
  const Seen seen = detect(s);
  EXPECT_TRUE(seen.slots.empty());
  EXPECT_EQ(seen.report.out_of_gate, 3U);
}

TEST(Click, HasItsChannelsDelaySubtracted) {
  Stream s;
  s.timing.channels[1].delay = {43'500};  // four slots and a bit
  s.timing.channels[2].delay = {-7'000};
  s.marks();
  s.click(10, 1);
  s.click(20, 2);
  const Seen seen = detect(s);
  ASSERT_EQ(seen.slots, (Slots{10, 20}));
  EXPECT_TRUE(seen.bits.get(0));
  EXPECT_TRUE(seen.bases.get(1));
}

TEST(Click, OutsideTheBlockIsNone) {
  Stream s;
  s.marks();
  s.at(s.zero - 40'000 + 3'000, 0);
  s.click(99, 0);
  s.click(103, 0);
  const Seen seen = detect(s);
  EXPECT_EQ(seen.slots, (Slots{99}));
  EXPECT_EQ(seen.report.in_gate, 1U);
}

TEST(Liveness, AnyTagBlindsEveryDetector) {
  Stream s;
  s.marks();
  s.click(10, 0);
  s.click(11, 3);
  const Seen seen = detect(s);
  EXPECT_EQ(seen.slots, (Slots{10}));
  EXPECT_EQ(seen.report.blinded, 1U);
}

TEST(Liveness, IsLostByTagsOutOfTheirGateToo) {
  Stream s;
  s.marks();
  s.click(10, 0, 5'000);
  s.click(11, 1);
  s.click(20, 0, -4'000);  // before the gate of its own slot
  s.click(20, 1);
  EXPECT_TRUE(detect(s).slots.empty());
}

TEST(Liveness, IsLostByTagsBeforeTheBlock) {
  Stream s;
  s.marks();
  s.at(s.zero + 3'000 - 12'000, 2);
  s.click(0, 0);
  s.click(5, 0);
  EXPECT_EQ(detect(s).slots, (Slots{5}));
}

TEST(Liveness, IsLostByBlindedTagsInTheirTurn) {
  Stream s;
  s.marks();
  for (std::uint64_t k = 10; k < 20; ++k) s.click(k, 0);
  s.click(21, 0);
  EXPECT_EQ(detect(s).slots, (Slots{10, 21}));
}

TEST(Liveness, IsWholeAgainWhenBlindnessEndsAsTheGateOpens) {
  Stream s;
  s.marks();
  s.click(10, 0, -500);
  s.at(s.start(12) - 1'000 - 15'000 + s.delay(0), 0);  // blind until slot 12's gate opens
  s.click(12, 1);
  s.click(20, 0, 0);
  s.at(s.start(32) - 1'000 - 15'000 + s.delay(0) + 1, 0);  // a picosecond into it
  s.click(32, 1);
  EXPECT_EQ(detect(s).slots, (Slots{10, 12, 20}));
}

TEST(Liveness, LeavesTheClicksOwnSlot) {
  Stream s;
  s.marks();
  s.click(10, 0, -900);
  s.click(10, 0, 900);
  EXPECT_EQ(detect(s).slots, (Slots{10}));
}

TEST(Liveness, DoesNotDependOnWhichDetectorFired) {
  std::vector<Slots> seen;
  for (std::uint16_t first = 0; first < 4; ++first)
    for (std::uint16_t second = 0; second < 4; ++second) {
      Stream s;
      for (std::uint16_t c = 0; c < 4; ++c) s.timing.channels[c].delay = {3'000 + 4'000 * c};
      s.marks();
      s.click(10, first, 300);
      s.click(11, second);
      s.click(12, second);
      s.click(14, second, 0);
      seen.push_back(detect(s).slots);
    }
  for (const Slots& slots : seen) EXPECT_EQ(slots, seen.front());
}

TEST(MultiClick, RepeatsOfOneDetectorAreOneClick) {
  Stream s;
  s.marks();
  for (int i = 0; i < 3; ++i) s.click(10, 1, 100 * i);
  const Seen seen = detect(s);
  ASSERT_EQ(seen.slots, (Slots{10}));
  EXPECT_TRUE(seen.bits.get(0));
  EXPECT_EQ(seen.report.repeats, 2U);
  EXPECT_EQ(seen.report.same_basis_multi, 0U);
}

Stream doubles(std::uint16_t one, std::uint16_t two) {
  Stream s;
  s.slots = 12'000;
  s.marks();
  for (std::uint64_t k = 10; k < s.slots; k += 3) {
    s.click(k, one);
    s.click(k, two, 200);
  }
  return s;
}

TEST(MultiClick, OfOneBasisGivesARandomBitOfIt) {
  const Seen seen = detect(doubles(2, 3));
  const std::size_t n = 3'997;
  ASSERT_EQ(seen.slots.size(), n);
  EXPECT_EQ(seen.bases.popcount(), n);
  EXPECT_NEAR(static_cast<double>(seen.bits.popcount()), n / 2.0, 5 * 31.6);
  EXPECT_EQ(seen.report.same_basis_multi, n);
  EXPECT_EQ(seen.report.cross_basis_multi, 0U);
}

TEST(MultiClick, OfBothBasesGivesARandomBasisAndBit) {
  const Seen seen = detect(doubles(1, 2));
  ASSERT_EQ(seen.slots.size(), 3'997U);
  std::array<double, 4> counts{};
  for (std::size_t i = 0; i < seen.slots.size(); ++i)
    counts[(seen.bases.get(i) ? 2U : 0U) + (seen.bits.get(i) ? 1U : 0U)] += 1;
  double chi_square = 0;
  for (const double c : counts) chi_square += (c - 999.25) * (c - 999.25) / 999.25;
  EXPECT_LT(chi_square, 27.7);  // 1e-5 at 3 degrees
  EXPECT_EQ(seen.report.cross_basis_multi, 3'997U);
}

TEST(MultiClick, CoinsBelongToTheSlotWhateverElseHappened) {
  const Seen all = detect(doubles(0, 1));
  Stream one;
  one.slots = 12'000;
  one.marks();
  one.click(10 + 3 * 700, 0);
  one.click(10 + 3 * 700, 1);
  EXPECT_EQ(detect(one).bits.get(0), all.bits.get(700));
}

TEST(ActiveReceiver, TakesBasisAndSwapFromItsSettings) {
  Stream s;
  s.marks();
  secret::PublicBits bases(100), swapped(100);
  for (const std::uint64_t k : {20U, 40U}) bases.set(k, true);
  for (const std::uint64_t k : {30U, 40U}) swapped.set(k, true);
  const auto b = secret::BitString::from_public(bases), w = secret::BitString::from_public(swapped);
  DetectorOptions o = options(s);
  o.settings = {&b, &w};
  for (const std::uint64_t k : {10U, 20U, 30U, 40U}) s.click(k, 1);
  const Seen seen = detect(s, o);
  ASSERT_EQ(seen.slots, (Slots{10, 20, 30, 40}));
  EXPECT_EQ(seen.bases.words().front(), 0b1010U);
  EXPECT_EQ(seen.bits.words().front(), 0b0011U);
}

TEST(ActiveReceiver, GivesARandomBitInItsBasisWhenBothFire) {
  Stream s = doubles(0, 2);  // channels of both bases: the layout's basis is ignored
  secret::PublicBits bases(s.slots);
  for (std::uint64_t k = 0; k < s.slots; k += 2) bases.set(k, true);
  const auto b = secret::BitString::from_public(bases);
  DetectorOptions o = options(s);
  o.settings = {&b, nullptr};
  const Seen seen = detect(s, o);
  ASSERT_EQ(seen.slots.size(), 3'997U);
  for (std::size_t i = 0; i < seen.slots.size(); ++i) EXPECT_EQ(seen.bases.get(i), seen.slots[i] % 2 == 0);
  EXPECT_NEAR(static_cast<double>(seen.bits.popcount()), 3'997 / 2.0, 5 * 31.6);
  EXPECT_EQ(seen.report.same_basis_multi, 3'997U);
}

TEST(ActiveReceiver, RefusesSettingsForFewerSlotsThanTheBlock) {
  Stream s;
  const secret::BitString bases(99);
  DetectorOptions o = options(s);
  o.settings.bases = &bases;
  const auto random = make_seeded_random(1, NodeId::bob);
  EXPECT_THROW(SlotDetector(s.timing, s.tick, o, *random), std::invalid_argument);
}

TEST(Report, ShowsEachDetectorsArrivals) {
  Stream s;
  s.marks();
  s.click(10, 1, -1'500);
  s.click(20, 1, 500);
  s.click(30, 2, 0);
  s.click(40, 0, 4'000);
  const DetectionReport r = detect(s).report;
  ASSERT_EQ(r.arrival.size(), 4U);
  const auto bin = [&](std::int64_t offset) {
    const auto bins = static_cast<std::int64_t>(r.arrival[1].size());
    return static_cast<std::size_t>((offset + bins * r.histogram_bin.count / 2) / r.histogram_bin.count);
  };
  EXPECT_EQ(r.arrival[1][bin(-1'500)], 1U);
  EXPECT_EQ(r.arrival[1][bin(500)], 1U);
  EXPECT_EQ(r.arrival[2][bin(0)], 1U);
  EXPECT_EQ(r.per_channel, (std::vector<std::uint64_t>{0, 1, 1, 0}));
  EXPECT_EQ(r.in_gate, 2U);
  EXPECT_EQ(r.out_of_gate, 2U);
}

}  // namespace
}  // namespace nicol::detection::test
