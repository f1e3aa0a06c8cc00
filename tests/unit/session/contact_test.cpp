// SPDX-License-Identifier: Apache-2.0
// Contact and its refusals: a weaker peer is named by field, marks meet at the larger, two Alices do not talk.
#include <gtest/gtest.h>

#include "controller/session/agreement.hpp"
#include "tests/unit/session/tampering.hpp"

namespace nicol::test {
namespace {

using session::Agreement;

struct Weakness {
  std::string field;
  std::function<void(Agreement&)> make;
};

const Weakness kWeaknesses[] = {
    {"tag_bits", [](Agreement& a) { a.tag_bits = 32; }},
    {"verification_bits", [](Agreement& a) { a.verification_bits = 56; }},
    {"epsilon.at", [](Agreement& a) { a.epsilon.at *= 2; }},
    {"epsilon.pa", [](Agreement& a) { a.epsilon.pa *= 2; }},
    {"epsilon.ev", [](Agreement& a) { a.epsilon.ev *= 2; }},
    {"epsilon.mp", [](Agreement& a) { a.epsilon.mp *= 2; }},
    {"length", [](Agreement& a) { a.length = distillation::LengthFunction::sps_g2; }},
    {"sample.key_bases", [](Agreement& a) { a.sample.key_bases = sifting::KeyBases::both; }},
    {"sample.key_basis_share", [](Agreement& a) { a.sample.key_basis_share = 0.05; }},
    {"sample.key_basis_minimum", [](Agreement& a) { a.sample.key_basis_minimum = 100; }},
    {"p_alice_diagonal", [](Agreement& a) { a.p_alice_diagonal = 0.4; }},
    {"p_bob_diagonal", [](Agreement& a) { a.p_bob_diagonal = 0.4; }},
    {"pools.auth_high_water", [](Agreement& a) { a.pools.auth_high_water = 64; }},
    {"pools.otp_share", [](Agreement& a) { a.pools.otp_share = 0.5; }},
    {"qber_abort", [](Agreement& a) { a.qber_abort = 0.2; }},
    {"minimum_key_bits", [](Agreement& a) { a.minimum_key_bits = 1; }},
};

class AWeakerPeer : public testing::TestWithParam<Weakness> {};

TEST_P(AWeakerPeer, IsRefusedByNameOnEitherSide) {
  for (const Side weak : {Side::alice, Side::bob}) {
    TwoNodes nodes;
    GetParam().make(nodes.node(weak).config.agreement);
    nodes.connect();
    const Node& strong = nodes.node(weak == Side::alice ? Side::bob : Side::alice);
    ASSERT_TRUE(strong.closed);
    EXPECT_EQ(strong.closed->code, Code::refused);
    EXPECT_NE(strong.closed->why.find(GetParam().field + ":"), std::string::npos) << strong.closed->why;
    EXPECT_FALSE(strong.ready);
  }
}

TEST_P(AWeakerPeer, LeavesTheMarksWhereTheyWere) {
  TwoNodes nodes;
  const auto before = nodes.alice().store->marks();
  GetParam().make(nodes.bob().config.agreement);
  nodes.connect();
  EXPECT_EQ(nodes.alice().store->marks(), before);
}

INSTANTIATE_TEST_SUITE_P(EachField, AWeakerPeer, testing::ValuesIn(kWeaknesses), [](const auto& param) {
  std::string name = param.param.field;
  for (char& c : name) c = c == '.' ? '_' : c;
  return name;
});

TEST(SessionContact, MakesBothSidesReady) {
  TwoNodes nodes;
  nodes.connect();
  EXPECT_TRUE(nodes.alice().ready);
  EXPECT_TRUE(nodes.bob().ready);
}

TEST(SessionContact, OfTwoAlicesIsRefused) {
  TwoNodes nodes;
  nodes.bob().config.side = Side::alice;
  nodes.connect();
  ASSERT_TRUE(nodes.alice().closed);
  EXPECT_EQ(nodes.alice().closed->code, Code::refused);
  EXPECT_NE(nodes.alice().closed->why.find("two Alices"), std::string::npos) << nodes.alice().closed->why;
}

TEST(SessionContact, WithAnotherPresharedKeyIsRefused) {
  TwoNodes nodes, strangers;
  std::swap(nodes.bob().store, strangers.bob().store);
  nodes.connect();
  ASSERT_TRUE(nodes.alice().closed);
  EXPECT_NE(nodes.alice().closed->why.find("pre-shared key"), std::string::npos);
}

TEST(SessionContact, OfAnotherOriginThanTheOwnPoolsNeverStarts) {
  TwoNodes nodes;
  nodes.alice().config.origin = distillation::Origin::production;
  nodes.connect();
  ASSERT_TRUE(nodes.alice().closed);
  EXPECT_NE(nodes.alice().closed->why.find("origin"), std::string::npos);
  for (const Bytes& frame : nodes.log()) EXPECT_EQ(header_of(frame).direction, Direction::b_to_a);
}

TEST(SessionContact, RefusesMixedPoolClasses) {
  session::Hello mine, theirs;
  theirs.side = Side::bob;
  theirs.pool_class = distillation::Origin::production;
  const auto why = session::refusal(theirs, mine);
  ASSERT_TRUE(why);
  EXPECT_EQ(*why, "pool class: peer has production, this side simulated");
}

TEST(SessionContact, RefusesAnotherProtocolVersionNamingBoth) {
  session::Hello mine, theirs;
  theirs.side = Side::bob;
  theirs.protocol = session::kProtocolVersion + 1;
  EXPECT_EQ(session::refusal(theirs, mine), "protocol version: peer has 3, this side 2");
}

TEST(SessionContact, MovesBothMarksToTheLarger) {
  TwoNodes nodes;
  ASSERT_TRUE(nodes.alice().store->reserve(keystore::Pool::auth_ab, 640).ok());
  ASSERT_TRUE(nodes.bob().store->reserve(keystore::Pool::auth_ba, 320).ok());
  nodes.connect();
  EXPECT_EQ(nodes.alice().store->marks(), nodes.bob().store->marks());
  EXPECT_EQ(nodes.bob().store->marks()[0], 640U);
  EXPECT_EQ(nodes.alice().store->marks()[1], 320U);
}

TEST(SessionContact, WithForgedMarksMovesNothing) {
  TwoNodes nodes;
  ASSERT_TRUE(nodes.alice().store->reserve(keystore::Pool::auth_ab, 640).ok());
  nodes.line = [](Bytes frame) {
    if (header_of(frame).type == FrameType::marks) frame[session::kHeaderBytes + 17] ^= 1;
    return std::vector<Bytes>{std::move(frame)};
  };
  nodes.connect();
  ASSERT_TRUE(nodes.bob().closed);
  EXPECT_EQ(nodes.bob().store->marks()[0], 0U);
}

TEST(SessionContact, WithAMarkThatWentBackIsAnAlarm) {
  TwoNodes nodes;
  nodes.run_block();
  nodes.connect();  // Alice hears where Bob stands
  nodes.set_back(Side::bob);
  nodes.connect();
  ASSERT_FALSE(nodes.alice().alarms.empty());
  EXPECT_EQ(nodes.alice().alarms.back().name, "pool marks");
  EXPECT_FALSE(nodes.alice().ready);
}

TEST(SessionContact, RefusesABlockLargerThanBobAllows) {
  TwoNodes nodes;
  nodes.bob().config.maximum_block_slots = nodes.model.slots - 1;
  const auto before = nodes.bob().store->marks();
  nodes.run_block();
  ASSERT_TRUE(nodes.bob().closed);
  EXPECT_NE(nodes.bob().closed->why.find("block_slots"), std::string::npos);
  EXPECT_EQ(nodes.bob().store->marks(), before);
  EXPECT_EQ(nodes.alice().closed->code, Code::refused) << "Alice hears why";
}

TEST(SessionContact, ThatStaysSilentTimesOut) {
  TwoNodes nodes;
  nodes.line = cut_from(FrameType::hello);
  nodes.connect();
  ASSERT_TRUE(nodes.alice().session->next_timeout());
  nodes.let_time_pass();
  ASSERT_TRUE(nodes.alice().closed);
  EXPECT_EQ(nodes.alice().closed->code, Code::timeout);
}

TEST(SessionContact, EndsWithAGoodbyeThatBothUnderstand) {
  TwoNodes nodes;
  nodes.connect();
  nodes.apply(Side::alice, nodes.alice().session->goodbye());
  nodes.pump();
  ASSERT_TRUE(nodes.bob().closed);
  EXPECT_EQ(nodes.bob().closed->code, Code::disconnected);
}

}  // namespace
}  // namespace nicol::test
