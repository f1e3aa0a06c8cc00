// SPDX-License-Identifier: Apache-2.0
// Blocks that end early: cancelled, failed, silent or cut off. The link lives where it can, light goes out, and what
// crosses on the way is not mistaken for the next block's.
#include <gtest/gtest.h>

#include "tests/unit/session/tampering.hpp"

namespace nicol::test {
namespace {

using session::BlockReason;
using session::BlockStatus;

/// A block whose light is on, on both sides.
void open_light(TwoNodes& nodes) {
  nodes.drive_light = false;
  nodes.run_block();
  nodes.apply(Side::bob, nodes.bob().session->receiver_ready());
  nodes.pump();
  nodes.drive_light = true;
}

class GivingUp : public testing::TestWithParam<Side> {};

TEST_P(GivingUp, EndsTheBlockOnBothSidesWithItsReason) {
  TwoNodes nodes;
  open_light(nodes);
  nodes.apply(GetParam(), nodes.node(GetParam()).session->abort_block(BlockReason::device, "shutter stuck"));
  nodes.pump();
  for (Node* n : {&nodes.alice(), &nodes.bob()}) {
    ASSERT_EQ(n->results.size(), 1U);
    EXPECT_EQ(n->results[0].status, BlockStatus::aborted);
    EXPECT_EQ(n->results[0].reason, BlockReason::device);
    EXPECT_NE(n->results[0].detail.find("shutter stuck"), std::string::npos);
    EXPECT_FALSE(n->closed);
  }
}

TEST_P(GivingUp, DarkensThePeersLight) {
  TwoNodes nodes;
  open_light(nodes);
  nodes.apply(GetParam(), nodes.node(GetParam()).session->abort_block(BlockReason::device, "stop"));
  nodes.pump();
  EXPECT_EQ(nodes.node(GetParam() == Side::alice ? Side::bob : Side::alice).light_closed, 1);
}

TEST_P(GivingUp, LeavesTheConnectionReadyForTheNextBlock) {
  TwoNodes nodes;
  open_light(nodes);
  nodes.apply(GetParam(), nodes.node(GetParam()).session->abort_block(BlockReason::cancelled, "stop"));
  nodes.pump();
  nodes.run_block();
  EXPECT_EQ(nodes.alice().results.at(1).status, BlockStatus::key);
  EXPECT_FALSE(nodes.alice().closed);
  EXPECT_TRUE(stores_agree(nodes));
}

INSTANTIATE_TEST_SUITE_P(EitherSide, GivingUp, testing::Values(Side::alice, Side::bob),
                         [](const auto& param) { return param.param == Side::alice ? "Alice" : "Bob"; });

TEST(SessionEnding, GivingUpOnBothSidesAtOnceIsNoConflict) {
  TwoNodes nodes;
  open_light(nodes);
  nodes.apply(Side::bob, nodes.bob().session->hint(10, {1, 2}));
  nodes.apply(Side::alice, nodes.alice().session->abort_block(BlockReason::cancelled, "stop"));
  nodes.apply(Side::bob, nodes.bob().session->abort_block(BlockReason::device, "stop"));
  nodes.pump();
  EXPECT_EQ(nodes.alice().results.at(0).reason, BlockReason::cancelled);
  EXPECT_EQ(nodes.bob().results.at(0).reason, BlockReason::device);
  nodes.run_block();
  EXPECT_EQ(nodes.bob().results.at(1).status, BlockStatus::key);
}

TEST(SessionEnding, ALostConnectionEndsTheBlockAndTheNextOneWorks) {
  TwoNodes nodes;
  open_light(nodes);
  nodes.disconnect();
  EXPECT_EQ(nodes.alice().results.at(0).reason, BlockReason::peer);
  EXPECT_EQ(nodes.alice().light_closed, 1);
  EXPECT_EQ(nodes.bob().light_closed, 1);
  nodes.run_block();
  EXPECT_EQ(nodes.alice().results.at(1).status, BlockStatus::key);
}

TEST(SessionEnding, ASilentPeerEndsTheBlockAfterTheTimeout) {
  TwoNodes nodes;
  nodes.line = cut_from(FrameType::samples);
  nodes.run_block();
  EXPECT_TRUE(nodes.alice().results.empty());
  nodes.let_time_pass();
  EXPECT_EQ(nodes.alice().results.at(0).reason, BlockReason::peer);
  EXPECT_EQ(nodes.alice().closed->code, Code::timeout);
}

TEST(SessionEnding, ATimeoutCalledTooEarlyDoesNothing) {
  TwoNodes nodes;
  nodes.line = cut_from(FrameType::samples);
  nodes.run_block();
  const session::Step step = nodes.alice().session->on_timeout();
  EXPECT_TRUE(step.events.empty());
  EXPECT_TRUE(step.send.empty());
}

TEST(SessionEnding, CallsThatComeTooLateDoNothing) {
  TwoNodes nodes;
  nodes.connect();
  LinkClicks clicks = simulate_link({.slots = 100}, 1);
  EXPECT_TRUE(nodes.alice().session->emission_finished(std::move(clicks.prepared), 100).send.empty());
  EXPECT_TRUE(nodes.bob().session->detection_finished({std::move(clicks.received), {}}).send.empty());
  EXPECT_TRUE(nodes.bob().session->hint(1, {}).send.empty());
  EXPECT_TRUE(nodes.bob().session->open_block().send.empty());
  EXPECT_TRUE(nodes.bob().session->abort_block(BlockReason::cancelled, "late").send.empty());
}

TEST(SessionEnding, BlocksThatDiedAreForgottenWhenTheNextOneIsReady) {
  TwoNodes nodes;
  for (int i = 0; i < 3; ++i) {
    open_light(nodes);
    nodes.apply(Side::alice, nodes.alice().session->abort_block(BlockReason::cancelled, "stop"));
    nodes.pump();
  }
  EXPECT_EQ(nodes.alice().store->remembered().size(), 1U);
}

}  // namespace
}  // namespace nicol::test
