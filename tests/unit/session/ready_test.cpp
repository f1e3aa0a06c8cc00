// SPDX-License-Identifier: Apache-2.0
// Before a block Alice asks whether Bob's rig is ready: a question and an answer that cost nothing, whoever speaks.
#include <gtest/gtest.h>

#include "tests/unit/session/tampering.hpp"

namespace nicol::test {
namespace {

class AQuestion : public testing::Test {
 protected:
  AQuestion() { nodes_.connect(); }
  void ask() {
    nodes_.apply(Side::alice, nodes_.alice().session->ask_ready());
    nodes_.pump();
  }
  void answer(const std::string& why_not) {
    nodes_.apply(Side::bob, nodes_.bob().session->rig_ready(why_not));
    nodes_.pump();
  }
  std::uint64_t pads(Side side) {
    std::uint64_t bits = 0;
    for (const auto& pool : nodes_.node(side).store->pools()) bits += pool.available();
    return bits;
  }
  TwoNodes nodes_;
};

TEST_F(AQuestion, IsAnsweredAndTheBlockOpens) {
  ask();
  EXPECT_EQ(nodes_.bob().asked, 1);
  answer("");
  ASSERT_EQ(nodes_.alice().answers.size(), 1U);
  EXPECT_TRUE(nodes_.alice().answers[0].why_not.empty());
  nodes_.run_block();
  ASSERT_EQ(nodes_.alice().results.size(), 1U);
  EXPECT_EQ(nodes_.alice().results[0].status, session::BlockStatus::key) << nodes_.alice().results[0].detail;
}

TEST_F(AQuestion, CostsNothingHoweverOftenItIsAnsweredNo) {
  const std::uint64_t hers = pads(Side::alice), his = pads(Side::bob);
  for (int i = 0; i < 5; ++i) {
    ask();
    answer("the tagger is disconnected");
  }
  ASSERT_EQ(nodes_.alice().answers.size(), 5U);
  EXPECT_EQ(nodes_.alice().answers[4].why_not, "the tagger is disconnected");
  EXPECT_EQ(pads(Side::alice), hers);
  EXPECT_EQ(pads(Side::bob), his);
  EXPECT_FALSE(saw(nodes_, FrameType::block_open));
}

TEST_F(AQuestion, IsAskedOnceAtATime) {
  ask();
  ask();
  EXPECT_EQ(nodes_.bob().asked, 1);
}

TEST_F(AQuestion, ThatIsNotAnsweredEndsTheConnection) {
  ask();
  nodes_.let_time_pass();
  ASSERT_TRUE(nodes_.alice().closed.has_value());
  EXPECT_EQ(nodes_.alice().closed->code, Code::timeout);
}

TEST_F(AQuestion, IsNotAnsweredByAnybodyElse) {
  ask();
  nodes_.line = flip_first(FrameType::rig_ready, -1);
  answer("");
  EXPECT_TRUE(nodes_.alice().answers.empty());
  ASSERT_TRUE(nodes_.alice().closed.has_value());
  EXPECT_EQ(nodes_.alice().closed->code, Code::authentication);
}

TEST_F(AQuestion, IsNotAnsweredBeforeItIsAsked) {
  answer("");
  EXPECT_TRUE(nodes_.alice().answers.empty());
  EXPECT_FALSE(saw(nodes_, FrameType::rig_ready));
}

TEST_F(AQuestion, IsNotAskedInTheMidstOfABlock) {
  nodes_.drive_light = false;
  nodes_.run_block();
  ask();
  EXPECT_EQ(nodes_.bob().asked, 0);
}

}  // namespace
}  // namespace nicol::test
