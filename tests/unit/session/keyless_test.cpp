// SPDX-License-Identifier: Apache-2.0
// Blocks that make no key still end with Alice's tag: what Bob counted of them is then known to be the link's, and not
// the invention of whoever holds the wire.
#include <gtest/gtest.h>

#include "tests/unit/session/tampering.hpp"

namespace nicol::test {
namespace {

using session::BlockReason;
using session::BlockStatus;

LinkModel noisy() {
  LinkModel model;
  model.qber = 0.2;
  return model;
}

void expect_verified(TwoNodes& nodes, BlockReason reason) {
  nodes.run_block();
  ASSERT_EQ(nodes.bob().results.size(), 1U);
  EXPECT_EQ(nodes.alice().results.at(0).reason, reason) << nodes.alice().results[0].detail;
  EXPECT_EQ(nodes.bob().results[0].reason, reason) << nodes.bob().results[0].detail;
  EXPECT_TRUE(nodes.bob().results[0].statistics_verified);
  EXPECT_FALSE(nodes.alice().results[0].statistics_verified) << "he sends her no tag over his sample";
  EXPECT_EQ(nodes.types_seen().back(), FrameType::transcript_tag);
  EXPECT_TRUE(nodes.connected());
}

TEST(SessionKeyless, ABlockWithTooManyErrorsIsVerifiedByBob) {
  TwoNodes nodes(noisy());
  expect_verified(nodes, BlockReason::qber);
}

TEST(SessionKeyless, ABlockWithTooFewBitsIsVerifiedByBob) {
  TwoNodes nodes;
  for (Node* n : {&nodes.alice(), &nodes.bob()}) n->config.agreement.minimum_key_bits = 100'000;
  expect_verified(nodes, BlockReason::too_few);
}

TEST(SessionKeyless, ABlockWhoseLengthLeavesNothingIsVerifiedByBob) {
  LinkModel model;
  model.qber = 0.1;
  TwoNodes nodes(model);
  expect_verified(nodes, BlockReason::too_few);
  EXPECT_GT(nodes.bob().results[0].rounds, 0U) << "it was to be reconciled";
}

TEST(SessionKeyless, ABlockWithKeyIsVerifiedByBoth) {
  TwoNodes nodes;
  nodes.run_block();
  EXPECT_TRUE(nodes.alice().results.at(0).statistics_verified);
  EXPECT_TRUE(nodes.bob().results.at(0).statistics_verified);
}

TEST(SessionKeyless, ABlockThatWasGivenUpIsNotVerified) {
  TwoNodes nodes;
  nodes.drive_light = false;
  nodes.run_block();
  nodes.apply(Side::alice, nodes.alice().session->abort_block(BlockReason::device, "stuck"));
  nodes.pump();
  EXPECT_FALSE(nodes.bob().results.at(0).statistics_verified);
}

/// Frames that shape his counts, and the tag over them.
class ChangedKeyless : public testing::TestWithParam<FrameType> {};

TEST_P(ChangedKeyless, IsAForgeryAndNotVerified) {
  TwoNodes nodes(noisy());
  nodes.line = flip_first(GetParam(), -1);
  nodes.run_block();
  ASSERT_EQ(nodes.bob().results.size(), 1U);
  EXPECT_EQ(nodes.bob().results[0].reason, BlockReason::authentication);
  EXPECT_FALSE(nodes.bob().results[0].statistics_verified);
}

INSTANTIATE_TEST_SUITE_P(Frames, ChangedKeyless, testing::Values(FrameType::bases, FrameType::transcript_tag),
                         [](const auto& param) { return type_name(param.param); });

TEST(SessionKeyless, ATagThatNeverComesLeavesTheBlockUnverified) {
  TwoNodes nodes(noisy());
  nodes.line = drop_first(FrameType::transcript_tag);
  nodes.run_block();
  EXPECT_TRUE(nodes.bob().results.empty());
  nodes.let_time_pass();
  ASSERT_EQ(nodes.bob().results.size(), 1U);
  EXPECT_EQ(nodes.bob().results[0].reason, BlockReason::peer);
  EXPECT_FALSE(nodes.bob().results[0].statistics_verified);
}

TEST(SessionKeyless, TheTagsPadIsTheReservationsAndNoOther) {
  TwoNodes nodes(noisy());
  nodes.run_block();
  nodes.run_block();
  const std::uint64_t spent = nodes.bob().results.at(0).auth_bits_spent;
  EXPECT_EQ(nodes.bob().results.at(1).auth_bits_spent, spent);
  EXPECT_EQ(nodes.alice().store->pools()[0].end - nodes.alice().store->pools()[0].available(), spent)
      << "two blocks, half of it in each direction";
}

/// Alice is done and asks for the next block while he, who still waits for her tag, gives this one up.
TEST(SessionKeyless, GivingUpWhileSheAsksForTheNextBlockIsNoConflict) {
  TwoNodes nodes(noisy());
  std::vector<Bytes> late;
  nodes.line = [&late](Bytes frame) -> std::vector<Bytes> {
    if (header_of(frame).type != FrameType::transcript_tag) return {std::move(frame)};
    late.push_back(std::move(frame));
    return {};
  };
  nodes.run_block();
  nodes.line = {};
  ASSERT_EQ(late.size(), 1U);
  auto asked = nodes.alice().session->ask_ready();
  auto given_up = nodes.bob().session->abort_block(BlockReason::cancelled, "stop");
  nodes.apply(Side::bob, nodes.bob().session->on_frame(late[0]));
  nodes.apply(Side::alice, std::move(asked));
  nodes.apply(Side::bob, std::move(given_up));
  nodes.pump();
  EXPECT_EQ(nodes.bob().asked, 1) << "else she would wait for his answer in vain";
  EXPECT_EQ(nodes.bob().results.at(0).reason, BlockReason::cancelled);
  EXPECT_TRUE(nodes.connected());
}

}  // namespace
}  // namespace nicol::test
