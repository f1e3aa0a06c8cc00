// SPDX-License-Identifier: Apache-2.0
// A block of shared pairs: her list first, then his, then bases; and Eve at the frames that only such a block has.
#include <gtest/gtest.h>

#include <cmath>

#include "controller/session/authenticator.hpp"
#include "tests/unit/session/shared_pairs.hpp"
#include "tests/unit/session/tampering.hpp"

namespace nicol::test {
namespace {

using session::BlockReason;
using session::BlockStatus;

class PairBlock : public testing::Test {
 protected:
  const session::BlockResult& last(Side side) { return nodes_.node(side).results.back(); }
  /// Light is on, and nobody has measured anything yet.
  void until_both_measure() {
    nodes_.connect();
    nodes_.also = {};
    nodes_.run_block();
    nodes_.apply(Side::bob, nodes_.bob().session->receiver_ready());
    nodes_.pump();
  }
  TwoNodes nodes_;
};

TEST_F(PairBlock, MakesTheSameKeyOnBothSides) {
  const SharedPairs pairs(nodes_, key_pairs());
  nodes_.run_block();
  ASSERT_EQ(last(Side::alice).status, BlockStatus::key) << last(Side::alice).detail;
  EXPECT_EQ(last(Side::bob).status, BlockStatus::key);
  EXPECT_GT(last(Side::alice).secret_bits, 200U);
  EXPECT_TRUE(stores_agree(nodes_));
  ASSERT_EQ(pairs.reports().size(), 1U);
  EXPECT_GT(pairs.reports()[0].sigma, 6);
}

TEST_F(PairBlock, HasTheErrorRateOfItsVisibility) {
  const SharedPairs pairs(nodes_, key_pairs());
  nodes_.run_block();
  for (const auto& sample : last(Side::bob).facts.sample)
    EXPECT_NEAR(static_cast<double>(sample.errors), 0.015 * static_cast<double>(sample.bits),
                5 * std::sqrt(0.015 * static_cast<double>(sample.bits)) + 1);
}

TEST_F(PairBlock, MakesAKeyFromTheOtherStateToo) {
  PairSpec spec = key_pairs();
  spec.state = PairState::phi_plus;
  const SharedPairs pairs(nodes_, spec);
  nodes_.run_block();
  EXPECT_EQ(last(Side::alice).status, BlockStatus::key) << last(Side::alice).detail;
}

TEST_F(PairBlock, DoesNotMindWhoIsThroughFirst) {
  const SharedPairs pairs(nodes_, key_pairs(), SharedPairs::First::bob);
  nodes_.run_block();
  EXPECT_EQ(last(Side::alice).status, BlockStatus::key) << last(Side::alice).detail;
  EXPECT_TRUE(stores_agree(nodes_));
}

TEST_F(PairBlock, BindsHerListThenHisBeforeAnyBasisOfHers) {
  const SharedPairs pairs(nodes_, key_pairs());
  nodes_.run_block();
  std::vector<FrameType> lists;
  for (const FrameType type : nodes_.types_seen())
    if (type == FrameType::closed || type == FrameType::detections || type == FrameType::bases) lists.push_back(type);
  EXPECT_EQ(lists, (std::vector<FrameType>{FrameType::closed, FrameType::detections, FrameType::bases}));
}

TEST_F(PairBlock, KeepsTheLockForTheNextOne) {
  SharedPairs pairs(nodes_, key_pairs());
  nodes_.run_block();
  pairs.spec.pairs = 800;  // too few to be found anywhere in a second
  nodes_.run_block();
  ASSERT_EQ(pairs.reports().size(), 2U);
  EXPECT_EQ(pairs.reports()[1].locks, 1U);
  EXPECT_LT(pairs.reports()[1].sigma, pairs.reports()[0].sigma);
}

TEST_F(PairBlock, ReservesOneTagMoreForHerList) {
  const SharedPairs pairs(nodes_, key_pairs());
  nodes_.run_block();
  EXPECT_EQ(last(Side::alice).auth_bits_spent, (2 * session::kTagsEachWay + 1) * 64);
  EXPECT_EQ(last(Side::bob).auth_bits_spent, (2 * session::kTagsEachWay + 1) * 64);
}

TEST_F(PairBlock, CountsTheTagOfHerListAsAChanceToForge) {
  const SharedPairs pairs(nodes_, key_pairs());
  nodes_.run_block();
  const double with = last(Side::alice).epsilon.auth;
  std::uint64_t bytes = 0;
  for (const Bytes& frame : nodes_.log())
    if (header_of(frame).type == FrameType::closed) bytes = frame.size();
  // CLOSED, TRANSCRIPT and VERDICT each cover her list.
  EXPECT_GT(with, 3 * static_cast<double>(bytes) / 16 * std::pow(2.0, -64));
}

TEST_F(PairBlock, WithoutPairsMakesNoKeyAndSaysTooFew) {
  PairSpec spec = key_pairs();
  spec.pairs = 0;
  const SharedPairs pairs(nodes_, spec);
  nodes_.run_block();
  for (const Side side : {Side::alice, Side::bob}) {
    EXPECT_EQ(last(side).status, BlockStatus::no_key);
    EXPECT_EQ(last(side).reason, BlockReason::too_few);
  }
  EXPECT_EQ(available_keys(*nodes_.alice().store), 0U);
}

TEST_F(PairBlock, IsNotMixedWithPreparedLight) {
  const SharedPairs pairs(nodes_, key_pairs());
  nodes_.bob().config.agreement.protocol = session::Protocol::bb84;
  nodes_.connect();
  ASSERT_TRUE(nodes_.bob().closed);
  EXPECT_NE(nodes_.bob().closed->why.find("protocol: peer has bbm92, this side bb84"), std::string::npos)
      << nodes_.bob().closed->why;
  EXPECT_FALSE(nodes_.alice().ready);
}

TEST_F(PairBlock, IsRefusedWhereTheStatesDiffer) {
  const SharedPairs pairs(nodes_, key_pairs());
  nodes_.bob().config.agreement.pairs.state = detection::pairs::PairState::phi_plus;
  nodes_.connect();
  ASSERT_TRUE(nodes_.bob().closed);
  EXPECT_NE(nodes_.bob().closed->why.find("pairs.state"), std::string::npos);
}

TEST_F(PairBlock, TakesNoPause) {
  const SharedPairs pairs(nodes_, key_pairs());
  until_both_measure();
  EXPECT_TRUE(nodes_.bob().session->pause(0, session::PauseReason::unplugged).send.empty());
  EXPECT_TRUE(nodes_.alice().session->pause(0, session::PauseReason::unplugged).send.empty());
}

/// He faltered at once; she may measure for the whole block before her list can come.
TEST_F(PairBlock, GivesHerTheWholeBlockBesideTheLightsPatience) {
  const SharedPairs pairs(nodes_, key_pairs());
  until_both_measure();
  nodes_.apply(Side::bob, nodes_.bob().session->measurement_finished());
  const auto due = nodes_.bob().session->next_timeout();
  ASSERT_TRUE(due);
  const auto block = std::chrono::milliseconds(1500);
  EXPECT_EQ(due->at - nodes_.deadlines.now(), nodes_.bob().config.light_timeout + block);
}

class EveAtHerList : public PairBlock {
 protected:
  void attack(Line line) {
    nodes_.line = std::move(line);
    nodes_.run_block();
    EXPECT_FALSE(saw(nodes_, FrameType::detections));
    EXPECT_FALSE(saw(nodes_, FrameType::bases));
    if (nodes_.connected()) nodes_.let_time_pass();
    EXPECT_EQ(available_keys(*nodes_.alice().store) + available_keys(*nodes_.bob().store), 0U);
    nodes_.line = {};
    nodes_.run_block();
    EXPECT_EQ(last(Side::alice).status, BlockStatus::key) << last(Side::alice).detail;
    EXPECT_TRUE(stores_agree(nodes_));
  }
  SharedPairs pairs_{nodes_, key_pairs()};
};

TEST_F(EveAtHerList, ChangesATimeAndLearnsNoBasis) { attack(flip_first(FrameType::closed, 200)); }
TEST_F(EveAtHerList, ChangesItsTagAndLearnsNoBasis) { attack(flip_first(FrameType::closed, -1)); }
TEST_F(EveAtHerList, DropsItAndLearnsNoBasis) { attack(drop_first(FrameType::closed)); }
TEST_F(EveAtHerList, SendsItTwiceAndGainsNothing) {
  nodes_.line = duplicate_first(FrameType::closed);
  nodes_.run_block();
  EXPECT_EQ(available_keys(*nodes_.alice().store) + available_keys(*nodes_.bob().store), 0U);
}

TEST_F(EveAtHerList, ChangesHisAndLearnsNoBasisOfHers) {
  nodes_.line = flip_first(FrameType::detections, 100);
  nodes_.run_block();
  EXPECT_FALSE(saw(nodes_, FrameType::bases));
  EXPECT_EQ(available_keys(*nodes_.alice().store), 0U);
}

}  // namespace
}  // namespace nicol::test
