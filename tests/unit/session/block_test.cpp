// SPDX-License-Identifier: Apache-2.0
// The honest flow: two nodes, light in, equal keys out, pools filled, results alike on both sides.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/session/two_nodes.hpp"

namespace nicol::test {
namespace {

using session::BlockReason;
using session::BlockStatus;

TEST(SessionBlock, MakesEqualKeysOnBothSides) {
  TwoNodes nodes;
  nodes.run_block();
  ASSERT_EQ(nodes.alice().results.size(), 1U);
  EXPECT_EQ(nodes.alice().results[0].status, BlockStatus::key) << nodes.alice().results[0].detail;
  EXPECT_EQ(available_keys(*nodes.alice().store), 1U);
  EXPECT_TRUE(stores_agree(nodes));
}

TEST(SessionBlock, IsReportedAlikeByBothSides) {
  TwoNodes nodes;
  nodes.run_block();
  ASSERT_EQ(nodes.bob().results.size(), 1U);
  const session::BlockResult &a = nodes.alice().results[0], &b = nodes.bob().results[0];
  EXPECT_EQ(a.block, b.block);
  EXPECT_EQ(a.detections, b.detections);
  EXPECT_EQ(a.parity_bits, b.parity_bits);
  EXPECT_EQ(a.facts.ledger, b.facts.ledger);
  EXPECT_EQ(a.secret_bits, b.secret_bits);
  EXPECT_EQ(a.key_id, b.key_id);
  EXPECT_EQ(a.check, b.check);
  EXPECT_EQ(a.rounds, b.rounds);
  EXPECT_EQ(a.epsilon.auth, b.epsilon.auth);
  EXPECT_EQ(a.epsilon.cumulative, b.epsilon.cumulative);
  EXPECT_EQ(a.correlators.same, b.correlators.same);
  EXPECT_EQ(a.auth_bits_replenished, b.auth_bits_replenished);
}

TEST(SessionBlock, CountsTheForgeryProbabilityOfItsTags) {
  TwoNodes nodes;
  nodes.run_block();
  const auto& epsilon = nodes.alice().results.at(0).epsilon;
  EXPECT_GT(epsilon.auth, 4 * std::ldexp(1.0, -64));
  EXPECT_LT(epsilon.auth, 1e-14);
  EXPECT_DOUBLE_EQ(epsilon.total, epsilon.sec + epsilon.cor + epsilon.auth);
}

TEST(SessionBlock, ReplenishesTheAuthenticationPools) {
  TwoNodes nodes;
  for (int i = 0; i < 3; ++i) nodes.run_block();
  ASSERT_EQ(nodes.alice().results.size(), 3U);
  const auto high_water = nodes.alice().config.agreement.pools.auth_high_water;
  for (const auto& result : nodes.alice().results) {
    EXPECT_EQ(result.status, BlockStatus::key) << result.detail;
    EXPECT_EQ(result.auth_bits_replenished, result.auth_bits_spent);
  }
  EXPECT_EQ(nodes.alice().store->pools()[0].available(), high_water);
  EXPECT_TRUE(stores_agree(nodes));
}

TEST(SessionBlock, AddsUpTheCumulativeEpsilon) {
  TwoNodes nodes;
  for (int i = 0; i < 2; ++i) nodes.run_block();
  const auto& results = nodes.bob().results;
  ASSERT_EQ(results.size(), 2U);
  EXPECT_DOUBLE_EQ(results[1].epsilon.cumulative, results[0].epsilon.total + results[1].epsilon.total);
  EXPECT_DOUBLE_EQ(nodes.alice().store->cumulative_epsilon(), nodes.bob().store->cumulative_epsilon());
}

TEST(SessionBlock, OfTheSameSeedGivesTheSameCounts) {
  TwoNodes first, second;
  first.run_block();
  second.run_block();
  const session::BlockResult &a = first.alice().results.at(0), &b = second.alice().results.at(0);
  EXPECT_EQ(a.facts.sample, b.facts.sample);
  EXPECT_EQ(a.parity_bits, b.parity_bits);
  EXPECT_EQ(a.secret_bits, b.secret_bits);
}

TEST(SessionBlock, DrawsOnByRunIndexAfterAReconnect) {
  TwoNodes straight, broken;
  straight.run_block();
  straight.run_block();
  broken.run_block();
  broken.connect();
  broken.run_block();
  EXPECT_EQ(broken.alice().results.at(1).index, 1U);
  EXPECT_EQ(straight.alice().results.at(1).facts.sample, broken.alice().results.at(1).facts.sample);
}

TEST(SessionBlock, PassesBobsHintToAlice) {
  TwoNodes nodes;
  nodes.run_block();
  ASSERT_EQ(nodes.alice().hints.size(), 1U);
  EXPECT_EQ(nodes.alice().hints[0].complete_slots, nodes.model.slots / 2);
  EXPECT_TRUE(std::ranges::all_of(nodes.alice().hints[0].clicked,
                                  [&](std::uint64_t slot) { return slot < nodes.model.slots / 2; }));
}

TEST(SessionBlock, WithTooManyErrorsIsAbortedByBothForQber) {
  LinkModel noisy;
  noisy.qber = 0.2;
  TwoNodes nodes(noisy);
  nodes.run_block();
  for (Node* n : {&nodes.alice(), &nodes.bob()}) {
    ASSERT_EQ(n->results.size(), 1U);
    EXPECT_EQ(n->results[0].status, BlockStatus::aborted);
    EXPECT_EQ(n->results[0].reason, BlockReason::qber);
    EXPECT_FALSE(n->closed);
  }
  EXPECT_EQ(available_keys(*nodes.alice().store), 0U);
}

TEST(SessionBlock, WithTooFewBitsMakesNoKeyAndTheLinkLives) {
  LinkModel dim;
  dim.slots = 3'000;
  TwoNodes nodes(dim);
  nodes.run_block();
  for (Node* n : {&nodes.alice(), &nodes.bob()}) {
    ASSERT_EQ(n->results.size(), 1U);
    EXPECT_EQ(n->results[0].status, BlockStatus::no_key);
    EXPECT_EQ(n->results[0].reason, BlockReason::too_few);
    EXPECT_FALSE(n->closed);
  }
  nodes.run_block();
  EXPECT_EQ(nodes.bob().results.size(), 2U);
}

TEST(SessionBlock, BelowItsMinimumOfKeyBitsIsNotReconciled) {
  TwoNodes nodes;
  for (Node* n : {&nodes.alice(), &nodes.bob()}) n->config.agreement.minimum_key_bits = 100'000;
  nodes.run_block();
  EXPECT_EQ(nodes.alice().results.at(0).reason, BlockReason::too_few);
  EXPECT_EQ(nodes.alice().results.at(0).rounds, 0U);
}

TEST(SessionBlock, OfAnEmptyReceiverEndsWithoutKey) {
  LinkModel dark;
  dark.click_probability = 0;
  TwoNodes nodes(dark);
  nodes.run_block();
  EXPECT_EQ(nodes.alice().results.at(0).reason, BlockReason::too_few);
  EXPECT_EQ(nodes.bob().results.at(0).reason, BlockReason::too_few);
}

TEST(SessionBlock, WithKeyInBothBasesWorksToo) {
  TwoNodes nodes;
  for (Node* n : {&nodes.alice(), &nodes.bob()}) {
    n->config.agreement.sample.key_bases = sifting::KeyBases::both;
    n->config.agreement.sample.key_basis_share = 0.4;
  }
  nodes.run_block();
  EXPECT_EQ(nodes.alice().results.at(0).status, BlockStatus::key) << nodes.alice().results.at(0).detail;
  EXPECT_TRUE(stores_agree(nodes));
}

TEST(SessionBlock, IsRefusedAtOnceWhenThePoolCannotPayItsTags) {
  LinkModel noisy;
  noisy.qber = 0.2;
  noisy.slots = 4'000;
  TwoNodes nodes(noisy);
  const auto available = [&] { return nodes.alice().store->pools()[0].available(); };
  std::uint64_t before = 0;
  for (int i = 0; i < 40 && !nodes.alice().closed; ++i) {
    before = available();
    nodes.run_block();
  }
  ASSERT_TRUE(nodes.alice().closed);
  EXPECT_EQ(nodes.alice().closed->code, Code::exhausted);
  EXPECT_EQ(available(), before) << "nothing may be burnt on a block that cannot open";
  EXPECT_EQ(nodes.alice().alarms.back().name, "authentication pool");
}

TEST(SessionBlock, ThatOutgrowsTheLockedScratchIsAbortedForTheDevice) {
  TwoNodes nodes({}, 64);
  nodes.run_block();
  for (Node* n : {&nodes.alice(), &nodes.bob()}) {
    EXPECT_EQ(n->results.at(0).status, BlockStatus::aborted);
    EXPECT_EQ(n->results.at(0).reason, BlockReason::device);
  }
}

TEST(SessionBlock, RaisesAnAlarmAfterThreeFailuresInARow) {
  LinkModel noisy;
  noisy.qber = 0.2;
  TwoNodes nodes(noisy);
  for (int i = 0; i < 2; ++i) nodes.run_block();
  EXPECT_TRUE(nodes.alice().alarms.empty());
  nodes.run_block();
  ASSERT_EQ(nodes.alice().alarms.size(), 1U);
  EXPECT_EQ(nodes.alice().alarms[0].name, "blocks fail");
}

}  // namespace
}  // namespace nicol::test
