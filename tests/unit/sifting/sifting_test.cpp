// SPDX-License-Identifier: Apache-2.0
// Both sides keep the same bits, disclose what they must, and believe nothing malformed.
#include <gtest/gtest.h>

#include "tests/unit/sifting/hand_made.hpp"

namespace nicol::sifting::test {
namespace {

TEST(Sifting, KeepsEqualBasesInSlotOrder) {
  const Pair p{100,
               {{3, false, true}, {5, true, true}, {7, false, false}, {9, true, false}, {20, true, true}},
               {{3, false, true}, {4, false, true}, {5, false, true}, {9, true, true}, {20, true, true}}};
  const Sifted s = sift(p);
  EXPECT_EQ(open(s.alice.block.bits(Basis::rectilinear)), bits_of({1}));
  EXPECT_EQ(open(s.alice.block.bits(Basis::diagonal)), bits_of({0, 1}));
  EXPECT_EQ(open(s.bob.block.bits(Basis::diagonal)), bits_of({1, 1}));
  EXPECT_EQ(s.alice.reply.kept, bits_of({1, 0, 1, 1, 1}));
  EXPECT_EQ(s.alice.reply.bases, bits_of({0, 1, 1, 1}));
  EXPECT_EQ(s.alice.reply.mismatched_bits, bits_of({1}));
  EXPECT_EQ(s.bob.mismatched_bits, bits_of({1}));
  EXPECT_EQ(s.alice.reply.slots_kept_total, 5U);
}

class RandomPair : public testing::TestWithParam<std::uint64_t> {};

TEST_P(RandomPair, SiftsAsASlowLoopDoes) {
  const std::uint64_t seed = GetParam();
  const double keeps[] = {1.0, 0.3, 0.02}, hits[] = {0.9, 0.2, 0.5};
  const Pair p = random_pair(seed, 64 * (seed % 7) + seed * 31, keeps[seed % 3], hits[seed / 3 % 3], 0.1);
  std::array<PublicBits, 2> alice, bob;
  PublicBits alice_other, bob_other;
  Mismatched agreement;
  for (std::uint32_t i = 0; i < p.bob.size(); ++i)
    for (const Entry& hers : p.alice) {
      if (hers.slot != p.bob[i].slot) continue;
      const std::size_t b = hers.diagonal ? 1 : 0;
      if (hers.diagonal == p.bob[i].diagonal) {
        alice[b].push_back(hers.bit);
        bob[b].push_back(p.bob[i].bit);
      } else {
        alice_other.push_back(hers.bit);
        bob_other.push_back(p.bob[i].bit);
        ++(hers.bit == p.bob[i].bit ? agreement.same : agreement.different)[b];
      }
    }
  const Sifted s = sift(p);
  for (const Basis b : detection::kBases) {
    const std::size_t i = detection::index(b);
    EXPECT_EQ(open(s.alice.block.bits(b)), alice[i]);
    EXPECT_EQ(open(s.bob.block.bits(b)), bob[i]);
  }
  EXPECT_EQ(s.alice.reply.mismatched_bits, alice_other);
  EXPECT_EQ(s.bob.mismatched_bits, bob_other);
  EXPECT_EQ(s.bob.correlators.same, agreement.same);
  EXPECT_EQ(s.bob.correlators.different, agreement.different);
}

TEST_P(RandomPair, GivesBothSidesTheSameCorrelatorsAndLedger) {
  const Sifted s = sift(random_pair(GetParam(), 900, 0.6, 0.5, 0.02));
  const auto hers = correlate(s.alice.reply, s.list, s.bob.mismatched_bits);
  ASSERT_TRUE(hers.ok());
  EXPECT_EQ(hers->same, s.bob.correlators.same);
  EXPECT_EQ(hers->different, s.bob.correlators.different);
  EXPECT_EQ(s.alice.block.ledger(), s.bob.block.ledger());
  EXPECT_EQ(s.alice.block.ledger().disclosed(LeakClass::mismatched), s.bob.mismatched_bits.size());
  EXPECT_EQ(s.alice.block.ledger().total_cost(), 0U);
  EXPECT_EQ(s.alice.block.slots_kept_total(), s.bob.block.slots_kept_total());
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomPair, testing::Range<std::uint64_t>(0, 20));

TEST(Sifting, OfNothingIsNothing) {
  const Sifted s = sift({100, {}, {}});
  EXPECT_EQ(s.alice.block.size(Basis::rectilinear) + s.bob.block.size(Basis::diagonal), 0U);
}

// ---- D, as read by Alice ----
DetectionList good_list() {
  DetectionList d;
  d.slots = {2, 5, 9, 30};
  d.bases = bits_of({0, 1, 1, 0});
  d.dropped = {{10, 20}, {25, 28}};
  return d;
}
std::string refusal(const DetectionList& list) {
  const auto r = sift_alice(clicks({{2, false, true}, {9, true, true}}), 40, 2, list);
  if (r.ok()) return {};
  EXPECT_EQ(r.error().code, Code::bad_input);
  return r.error().message;
}

TEST(DetectionListCheck, TakesAGoodOne) { EXPECT_EQ(refusal(good_list()), ""); }
TEST(DetectionListCheck, RefusesSlotsOutOfOrder) {
  DetectionList d = good_list();
  d.slots[2] = 5;
  EXPECT_EQ(refusal(d), "detection list: entry 2 is slot 5, expected above 5");
}
TEST(DetectionListCheck, RefusesSlotsOutsideTheBlock) {
  DetectionList d = good_list();
  d.slots[3] = 40;
  EXPECT_EQ(refusal(d), "detection list: entry 3 is slot 40, expected below 40");
}
TEST(DetectionListCheck, RefusesAnotherNumberOfBases) {
  DetectionList d = good_list();
  d.bases.push_back(true);
  EXPECT_EQ(refusal(d), "bases of the detection list: 5 bits, expected 4");
}
TEST(DetectionListCheck, RefusesBitsBeyondTheBases) {
  DetectionList d = good_list();
  d.bases.words()[0] |= 16;
  EXPECT_EQ(refusal(d), "bases of the detection list: unused bits of the last word, expected zero");
}
TEST(DetectionListCheck, RefusesAMissingWord) {
  DetectionList d = good_list();
  d.bases.words().clear();
  EXPECT_EQ(refusal(d), "bases of the detection list: 0 words, expected 1");
}
TEST(DetectionListCheck, RefusesAClickInADroppedRange) {
  DetectionList d = good_list();
  d.slots[3] = 27;
  EXPECT_EQ(refusal(d), "detection list: entry 3 is slot 27, expected outside the dropped range 25..28");
}
TEST(DetectionListCheck, RefusesDroppedRangesThatOverlap) {
  DetectionList d = good_list();
  d.dropped[1].begin = 19;
  EXPECT_EQ(refusal(d), "dropped range 1 is 19..28, expected a range within 20..40");
}
TEST(DetectionListCheck, RefusesAnEmptyDroppedRange) {
  DetectionList d = good_list();
  d.dropped[1] = {25, 25};
  EXPECT_NE(refusal(d), "");
}
TEST(DetectionListCheck, RefusesADroppedRangeOutsideTheBlock) {
  DetectionList d = good_list();
  d.dropped[1].end = 41;
  EXPECT_NE(refusal(d), "");
}

// ---- the reply, as read by Bob ----
BasesReply good_reply() { return {bits_of({1, 0, 1}), bits_of({0, 1}), bits_of({1}), 2}; }
std::string refusal(const BasesReply& reply) {
  const auto r = sift_bob(clicks({{2, false, true}, {3, false, true}, {9, false, true}}), reply);
  if (r.ok()) return {};
  EXPECT_EQ(r.error().code, Code::bad_input);
  return r.error().message;
}

TEST(ReplyCheck, TakesAGoodOne) { EXPECT_EQ(refusal(good_reply()), ""); }
TEST(ReplyCheck, RefusesAnotherNumberOfEntries) {
  BasesReply r = good_reply();
  r.kept.push_back(false);
  EXPECT_EQ(refusal(r), "kept entries: 4 bits, expected 3");
}
TEST(ReplyCheck, RefusesAnotherNumberOfBases) {
  BasesReply r = good_reply();
  r.bases = bits_of({0});
  EXPECT_EQ(refusal(r), "bases of kept entries: 1 bits, expected 2");
}
TEST(ReplyCheck, RefusesAnotherNumberOfMismatchedBits) {
  BasesReply r = good_reply();
  r.mismatched_bits = bits_of({1, 1});
  EXPECT_EQ(refusal(r), "Alice's mismatched bits: 2 bits, expected 1");
}
TEST(ReplyCheck, RefusesFewerSlotsInAllThanKept) {
  BasesReply r = good_reply();
  r.slots_kept_total = 1;
  EXPECT_EQ(refusal(r), "slots kept in all: 1, expected at least the 2 of the list");
}
TEST(ReplyCheck, RefusesAnotherNumberOfBobsMismatchedBits) {
  const Sifted s = sift(random_pair(3, 200, 1, 0.5, 0));
  PublicBits more = s.bob.mismatched_bits;
  more.push_back(true);
  EXPECT_FALSE(correlate(s.alice.reply, s.list, more).ok());
}

TEST(Ledger, SumsByClassAndOverAll) {
  LeakLedger ledger;
  ledger.add(LeakClass::reconciliation, 100, 100);
  ledger.add(LeakClass::answers, 90, 0);
  ledger.add(LeakClass::reconciliation, 20, 20);
  ledger.add(LeakClass::verification, 64, 28);
  EXPECT_EQ(ledger.disclosed(LeakClass::reconciliation), 120U);
  EXPECT_EQ(ledger.disclosed(LeakClass::answers), 90U);
  EXPECT_EQ(ledger.cost(LeakClass::verification), 28U);
  EXPECT_EQ(ledger.total_cost(), 148U);
  EXPECT_EQ(ledger.entries()[2].round, 2U);
  EXPECT_EQ(to_string(LeakClass::preparation), "preparation");
}

TEST(DetectionList, CountsTheSlotsItGivesUp) {
  const DetectionList list{{}, PublicBits(0), {{0, 3}, {10, 11}}};
  EXPECT_EQ(list.dropped_slots(), 4u);
  EXPECT_EQ(DetectionList{}.dropped_slots(), 0u);
}

}  // namespace
}  // namespace nicol::sifting::test
