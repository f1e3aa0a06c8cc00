// SPDX-License-Identifier: Apache-2.0
// Slots that everybody knows: both nodes want them or neither, and no bit of them is ever sampled or made into key.
#include <gtest/gtest.h>

#include <algorithm>

#include "controller/session/agreement.hpp"
#include "controller/session/messages.hpp"
#include "tests/unit/session/two_nodes.hpp"

namespace nicol::test {
namespace {

using session::BlockReason;
using session::BlockStatus;
using session::PublicSlots;

constexpr PublicSlots kSlots{5'000, 0, 1'000, 32, detection::Basis::rectilinear};

void want(TwoNodes& nodes, const std::optional<PublicSlots>& slots) {
  for (const Side side : {Side::alice, Side::bob}) nodes.node(side).config.agreement.public_slots = slots;
}

detection::PublicPattern pattern_of_first_block(TwoNodes& nodes) {
  return session::pattern_for(kSlots, nodes.alice().results.at(0).block, nodes.model.slots).value();
}

TEST(PublicSlotsOfABlock, MakeNoKeyAndStandInNoList) {
  TwoNodes nodes;
  want(nodes, kSlots);
  detection::Clicks all;
  nodes.before_list = [&](detection::Clicks& clicks) { all.slots = clicks.slots; };
  nodes.run_block();
  ASSERT_EQ(nodes.alice().results.size(), 1U);
  const auto& result = nodes.alice().results[0];
  EXPECT_EQ(result.status, BlockStatus::key) << result.detail;
  EXPECT_TRUE(stores_agree(nodes));
  const auto pattern = pattern_of_first_block(nodes);
  const auto secret = std::count_if(all.slots.begin(), all.slots.end(), [&](auto s) { return !pattern.is_public(s); });
  EXPECT_LT(static_cast<std::size_t>(secret), all.slots.size());
  EXPECT_EQ(result.detections, static_cast<std::uint64_t>(secret));
}

TEST(PublicSlotsOfABlock, AreCountedByBothSides) {
  TwoNodes nodes;
  want(nodes, kSlots);
  nodes.run_block();
  const std::uint64_t slots = pattern_of_first_block(nodes).public_slots();
  EXPECT_EQ(nodes.alice().results.at(0).public_slots, slots);
  EXPECT_EQ(nodes.bob().results.at(0).public_slots, slots);
}

TEST(PublicSlotsOfABlock, AreNotAmongTheSlotsThatAliceKept) {
  TwoNodes nodes;
  want(nodes, kSlots);
  nodes.run_block();
  EXPECT_EQ(nodes.bob().results.at(0).facts.slots_kept,
            nodes.model.slots - pattern_of_first_block(nodes).public_slots());
}

TEST(PublicSlotsOfABlock, AreNoneWhereNobodyWantsThem) {
  TwoNodes nodes;
  nodes.run_block();
  EXPECT_EQ(nodes.alice().results.at(0).public_slots, 0U);
  EXPECT_EQ(nodes.bob().results.at(0).facts.slots_kept, nodes.model.slots);
}

TEST(PublicSlotsOfABlock, GrowByAPreambleAfterAPause) {
  TwoNodes nodes;
  want(nodes, kSlots);
  nodes.drive_light = false;
  nodes.run_block();
  session::Session &alice = *nodes.alice().session, &bob = *nodes.bob().session;
  nodes.apply(Side::bob, bob.receiver_ready());
  nodes.pump();
  nodes.apply(Side::alice, alice.pause(9'000, session::PauseReason::unplugged));
  nodes.apply(Side::alice, alice.resume(10'000));
  nodes.pump();
  nodes.apply(Side::bob, bob.resumed());
  nodes.pump();
  LinkClicks clicks = simulate_link(nodes.model, 1);
  nodes.apply(Side::alice, alice.emission_finished(std::move(clicks.prepared), nodes.model.slots));
  nodes.apply(Side::bob, bob.detection_finished({std::move(clicks.received), {}}));
  nodes.pump();
  auto pattern = pattern_of_first_block(nodes);
  pattern.resume_at(10'000);
  EXPECT_EQ(nodes.alice().results.at(0).status, BlockStatus::key) << nodes.alice().results[0].detail;
  EXPECT_EQ(nodes.alice().results.at(0).public_slots, pattern.public_slots());
  EXPECT_EQ(nodes.bob().results.at(0).public_slots, pattern.public_slots());
}

TEST(PublicSlotsOfABlock, AreRefusedWhereOneSideKnowsNoneOrOthers) {
  for (const std::optional<PublicSlots>& theirs :
       {std::optional<PublicSlots>(), std::optional(PublicSlots{5'000, 0, 1'000, 64, detection::Basis::rectilinear})}) {
    TwoNodes nodes;
    want(nodes, kSlots);
    nodes.bob().config.agreement.public_slots = theirs;
    nodes.connect();
    ASSERT_TRUE(nodes.alice().closed);
    EXPECT_EQ(nodes.alice().closed->code, Code::refused);
    EXPECT_NE(nodes.alice().closed->why.find("public slots:"), std::string::npos) << nodes.alice().closed->why;
  }
}

TEST(PublicSlotsOfABlock, ThatItCannotHoldAreRefusedAtOnce) {
  TwoNodes nodes;
  want(nodes, PublicSlots{nodes.model.slots + 1, 0, 0, 32, detection::Basis::rectilinear});
  const auto why = session::unusable(nodes.alice().config, distillation::Origin::simulated);
  ASSERT_TRUE(why);
  EXPECT_NE(why->find("public slots:"), std::string::npos) << *why;
}

TEST(PublicSlotsOfABlock, AreTheSameAfterTheWire) {
  session::BlockOpen m;
  m.agreement.public_slots = PublicSlots{7, 100, 3, 9, detection::Basis::diagonal};
  const auto again = session::decode_block_open(encode(m));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->agreement.public_slots, m.agreement.public_slots);
}

TEST(ABlockWithTooLittleLight, EndsInTheSameWordsOnBothSides) {
  TwoNodes nodes;
  nodes.drive_light = false;
  nodes.run_block();
  nodes.apply(Side::bob, nodes.bob().session->receiver_ready());
  nodes.pump();
  nodes.apply(Side::bob, nodes.bob().session->abort_block(BlockReason::too_few, "no lock"));
  nodes.pump();
  for (const Side side : {Side::alice, Side::bob}) {
    ASSERT_EQ(nodes.node(side).results.size(), 1U);
    EXPECT_EQ(nodes.node(side).results[0].status, BlockStatus::no_key);
    EXPECT_EQ(nodes.node(side).results[0].reason, BlockReason::too_few);
    EXPECT_NE(nodes.node(side).results[0].detail.find("no lock"), std::string::npos);
  }
}

}  // namespace
}  // namespace nicol::test
