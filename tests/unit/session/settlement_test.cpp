// SPDX-License-Identifier: Apache-2.0
// Keys in doubt: whatever frames are lost and whoever restarts, both stores end with the same key or with none.
#include <gtest/gtest.h>

#include "tests/unit/session/tampering.hpp"

namespace nicol::test {
namespace {

using distillation::Verdict;
using session::BlockStatus;

TEST(Settlement, MakesAvailableWhatAliceMadeAvailable) {
  TwoNodes nodes;
  nodes.line = cut_from(FrameType::verdict);
  nodes.run_block();
  nodes.let_time_pass();
  ASSERT_TRUE(nodes.bob().store->pending());
  EXPECT_EQ(available_keys(*nodes.alice().store), 1U);
  nodes.line = {};
  nodes.connect();
  ASSERT_EQ(nodes.bob().settled.size(), 1U);
  EXPECT_EQ(nodes.bob().settled[0].kind, Verdict::Kind::available);
  EXPECT_TRUE(nodes.alice().ready && nodes.bob().ready);
  EXPECT_TRUE(stores_agree(nodes));
}

TEST(Settlement, DestroysWhatAliceNeverAccepted) {
  TwoNodes nodes;
  nodes.line = cut_from(FrameType::accept_tag);
  nodes.run_block();
  nodes.let_time_pass();
  ASSERT_TRUE(nodes.bob().store->pending());
  nodes.line = {};
  nodes.connect();
  EXPECT_EQ(nodes.bob().settled.at(0).kind, Verdict::Kind::destroyed);
  EXPECT_EQ(available_keys(*nodes.bob().store), 0U);
  EXPECT_TRUE(stores_agree(nodes));
}

TEST(Settlement, SurvivesARestartOfBothSides) {
  TwoNodes nodes;
  nodes.line = cut_from(FrameType::verdict);
  nodes.run_block();
  nodes.line = {};
  nodes.restart(Side::alice);
  nodes.restart(Side::bob);
  nodes.connect();
  EXPECT_EQ(available_keys(*nodes.bob().store), 1U);
  EXPECT_TRUE(stores_agree(nodes));
}

TEST(Settlement, ComesBeforeTheNextBlock) {
  TwoNodes nodes;
  nodes.line = cut_from(FrameType::verdict);
  nodes.run_block();
  nodes.disconnect();
  nodes.line = {};
  nodes.clear_log();
  nodes.run_block();
  const auto types = nodes.types_seen();
  const auto at = [&](FrameType t) { return std::find(types.begin(), types.end(), t) - types.begin(); };
  EXPECT_LT(at(FrameType::settle_done), at(FrameType::block_open));
  EXPECT_EQ(nodes.alice().results.back().status, BlockStatus::key);
  EXPECT_TRUE(stores_agree(nodes));
}

TEST(Settlement, MakesAliceForgetTheVerdict) {
  TwoNodes nodes;
  nodes.line = cut_from(FrameType::verdict);
  nodes.run_block();
  nodes.disconnect();
  ASSERT_EQ(nodes.alice().store->remembered().size(), 1U);
  nodes.line = {};
  nodes.connect();
  EXPECT_TRUE(nodes.alice().store->remembered().empty());
}

TEST(Settlement, WhoseLastFrameWasLostIsConfirmedByTheNextMarks) {
  TwoNodes nodes;
  nodes.line = cut_from(FrameType::settle_done);
  nodes.run_block();
  nodes.let_time_pass();
  EXPECT_EQ(nodes.alice().results.at(0).status, BlockStatus::key);
  EXPECT_EQ(nodes.alice().store->remembered().size(), 1U);
  nodes.line = {};
  nodes.connect();
  EXPECT_TRUE(nodes.alice().store->remembered().empty());
  EXPECT_TRUE(stores_agree(nodes));
}

TEST(Settlement, SpendsAnotherPadWhenAnAnswerIsLost) {
  TwoNodes nodes;
  nodes.line = cut_from(FrameType::verdict);
  nodes.run_block();
  nodes.line = cut_from(FrameType::settle_answer);
  nodes.connect();
  nodes.restart(Side::alice);
  nodes.line = cut_from(FrameType::settle_query);
  nodes.restart(Side::bob);
  nodes.connect();
  ASSERT_TRUE(nodes.bob().store->pending());
  nodes.line = {};
  nodes.connect();
  EXPECT_TRUE(stores_agree(nodes));
  EXPECT_EQ(nodes.bob().settled.size(), 1U);
}

TEST(Settlement, WithAllPadsSpentKeepsTheKeyPendingAndRaisesAnAlarm) {
  TwoNodes nodes;
  nodes.line = cut_from(FrameType::verdict);
  nodes.run_block();
  for (int i = 0; i < 3; ++i) {
    nodes.line = cut_from(FrameType::settle_answer);
    nodes.connect();
  }
  nodes.line = {};
  nodes.connect();
  EXPECT_TRUE(nodes.bob().store->pending());
  EXPECT_FALSE(nodes.alice().ready);
  ASSERT_FALSE(nodes.bob().alarms.empty());
  EXPECT_EQ(nodes.bob().alarms.back().name, "settlement");
}

TEST(Settlement, WithAForgedAnswerChangesNothing) {
  for (const std::ptrdiff_t byte : {-1, -9, -10}) {  // tag, attempt, verdict
    TwoNodes nodes;
    nodes.line = cut_from(FrameType::verdict);
    nodes.run_block();
    nodes.line = flip_first(FrameType::settle_answer, byte);
    nodes.connect();
    EXPECT_TRUE(nodes.bob().store->pending()) << byte;
    EXPECT_TRUE(nodes.bob().settled.empty()) << byte;
    nodes.line = {};
    nodes.connect();
    EXPECT_TRUE(stores_agree(nodes)) << byte;
  }
}

TEST(Settlement, WithAForgedQueryIsNotAnswered) {
  TwoNodes nodes;
  nodes.line = cut_from(FrameType::verdict);
  nodes.run_block();
  nodes.clear_log();
  nodes.line = flip_first(FrameType::settle_query, -1);
  nodes.connect();
  EXPECT_FALSE(saw(nodes, FrameType::settle_answer));
  EXPECT_EQ(nodes.alice().alarms.back().name, "settlement");
}

TEST(Settlement, NeverShowsATagTwice) {
  TwoNodes nodes;
  nodes.line = cut_from(FrameType::verdict);
  nodes.run_block();
  for (int i = 0; i < 3; ++i) {
    nodes.line = cut_from(FrameType::settle_answer);
    nodes.connect();
  }
  std::vector<Bytes> tags;
  for (const Bytes& frame : nodes.log())
    if (header_of(frame).type == FrameType::settle_query || header_of(frame).type == FrameType::settle_answer)
      tags.emplace_back(frame.end() - 8, frame.end());
  ASSERT_EQ(tags.size(), 6U);
  std::sort(tags.begin(), tags.end());
  EXPECT_EQ(std::unique(tags.begin(), tags.end()), tags.end());
}

TEST(Settlement, OfAPendingKeyIsTheOnlyWayToUseIt) {
  TwoNodes nodes;
  nodes.line = cut_from(FrameType::verdict);
  nodes.run_block();
  const auto pending = nodes.bob().store->pending();
  ASSERT_TRUE(pending);
  EXPECT_FALSE(nodes.bob().store->deliver(pending->id).ok());
}

}  // namespace
}  // namespace nicol::test
