// SPDX-License-Identifier: Apache-2.0
// A block costs pads whatever becomes of it: none opens before both rigs are ready, and the side that is not says so.
#include <algorithm>

#include "tests/integration/pausable_nodes.hpp"

namespace nicol::test {
namespace {

using service::Command;
using service::NodeState;
using std::chrono::milliseconds;

std::size_t asked(PausableNodes& nodes) {
  const auto records = nodes.link().proxy().records();
  return count_of(records, FrameType::ask_ready, 0, records.size());
}

/// Alice wants a block and hears more than once that Bob has none to give.
void expect_no_block(PausableNodes& nodes, const std::string& why) {
  nodes.wait_for("contact", [&] { return nodes.alice().snapshot()->session_state == "idle"; });
  const std::uint64_t pads = nodes.pads();
  const std::size_t before = nodes.blocks(Side::alice), asks = asked(nodes);
  nodes.open_block();
  nodes.wait_for("alarm", [&] { return nodes.has_alarm(Side::alice, "peer-not-ready"); });
  nodes.wait_for("more questions", [&] { return asked(nodes) >= asks + 4; });
  EXPECT_EQ(nodes.blocks(Side::alice), before);
  EXPECT_EQ(nodes.blocks(Side::bob), before);
  EXPECT_EQ(nodes.pads(), pads);
  EXPECT_NE(nodes.alice().snapshot()->last_error.find(why), std::string::npos) << nodes.alice().snapshot()->last_error;
}

TEST(ABobWhoseRigIsNotWhole, CostsAliceNoPads) {
  PausableNodes nodes;
  nodes.tagger().unplug();
  expect_no_block(nodes, "tagger is disconnected");
  nodes.wait_for("alarm", [&] { return nodes.has_alarm(Side::bob, "device-unplugged"); });
  nodes.tagger().replug();
  expect_good_key(nodes);
}

TEST(ABobWhoseRigIsNotWhole, IsNoAlarmAnyMoreOnceItIs) {
  PausableNodes nodes;
  nodes.plate().unplug();
  expect_no_block(nodes, "compensator-1");
  nodes.plate().replug();
  nodes.wait_for("all well", [&] { return !nodes.has_alarm(Side::alice, "peer-not-ready"); });
  expect_good_key(nodes);
}

TEST(ABobWhoseRigIsNotWhole, IsAskedMoreAndMoreSeldom) {
  PausableNodes nodes;
  nodes.tagger().unplug();
  const auto start = std::chrono::steady_clock::now();
  expect_no_block(nodes, "tagger");
  nodes.wait_for("another question", [&] { return asked(nodes) >= 6; });
  // 200, 400, 800, 1600 and then 2000 ms lie between two questions.
  EXPECT_GE(std::chrono::steady_clock::now() - start, milliseconds(4'900));
}

TEST(ANodeWhoseLightIsSwitchedOff, OpensNoEyesForABlockOfThePeers) {
  PausableNodes nodes;
  nodes.bob().light_off();
  expect_no_block(nodes, "light is switched off");
  EXPECT_FALSE(nodes.eyes_were_open());
  nodes.bob().submit({Command::Kind::reset_safe_off, 0, "", "test"});
  expect_good_key(nodes);
}

TEST(ADeviceThatCameBackWithOtherSettings, HasItsOwnBeforeLightGoesOn) {
  PausableNodes nodes;
  const hal::Value bias = must(nodes.detector().read_property("bias"));
  nodes.reach_midblock();
  nodes.plate().unplug();
  nodes.wait_for_state(NodeState::paused, NodeState::paused);
  nodes.detector().unplug();
  nodes.detector().replug();
  ASSERT_TRUE(nodes.detector().write_property("bias", 3.0).ok());
  nodes.plate().replug();  // nothing goes on before it is back
  EXPECT_EQ(nodes.result().status, session::BlockStatus::key);
  EXPECT_EQ(must(nodes.detector().read_property("bias")), bias);
}

TEST(ASourceThatNobodyHasArmed, OpensNoBlockAndSpendsNoPads) {
  PausableNodes::Options options;
  options.consent = service::Consent::operator_only;
  PausableNodes nodes(options);
  nodes.open_block();
  nodes.wait_for("alarm", [&] { return nodes.has_alarm(Side::alice, "source-needs-arming"); });
  const auto pads = nodes.alice().snapshot()->pools;
  std::this_thread::sleep_for(milliseconds(1'500));
  EXPECT_TRUE(nodes.alice().blocks_since(0, 8).empty());
  EXPECT_EQ(nodes.alice().snapshot()->state, NodeState::arm_wait);
  for (std::size_t i = 0; i < pads.size(); ++i)
    EXPECT_EQ(nodes.alice().snapshot()->pools[i].available(), pads[i].available());
  nodes.alice().submit({service::Command::Kind::arm, 0, "", "test"});
  expect_good_key(nodes);
}

TEST(ARigWithACableOut, OpensNoBlockAndSaysWhy) {
  PausableNodes nodes;
  nodes.source().unplug();
  nodes.wait_for("alarm", [&] { return nodes.has_alarm(Side::alice, "device-unplugged"); });
  nodes.open_block();
  std::this_thread::sleep_for(milliseconds(300));
  EXPECT_TRUE(nodes.alice().blocks_since(0, 8).empty());
  nodes.source().replug();
  expect_good_key(nodes);
}

}  // namespace
}  // namespace nicol::test
