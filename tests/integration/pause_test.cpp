// SPDX-License-Identifier: Apache-2.0
// Cables are pulled in the midst of a block: the run pauses, says what to do, and goes on with the same block once they
// are back. Two whole nodes on paced simulated light; the test pulls the cables.
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "controller/session/link.hpp"
#include "controller/session/messages.hpp"
#include "tests/integration/pausable_nodes.hpp"

namespace nicol::test {
namespace {

using service::NodeState;
using session::BlockReason;
using session::BlockStatus;
using std::chrono::milliseconds;

/// Pulls a cable in mid-block, sees both nodes wait, and puts it back.
template <class Device>
void pull_and_put_back(PausableNodes& nodes, Device& device, Side side, const char* serial) {
  nodes.reach_midblock();
  device.unplug();
  nodes.wait_for_state(NodeState::paused, NodeState::paused);
  nodes.wait_for("alarm", [&] { return nodes.has_alarm(side, "device-unplugged"); });
  EXPECT_NE(nodes.advice(side, "device-unplugged").find(std::string("Plug in ")), std::string::npos);
  EXPECT_NE(nodes.advice(side, "device-unplugged").find(serial), std::string::npos);
  EXPECT_NE(nodes.advice(side, "device-unplugged").find("The block waits."), std::string::npos);
  const auto pause = nodes.of(side).snapshot()->pause;
  ASSERT_TRUE(pause.has_value());
  EXPECT_EQ(pause->serial, serial);
  const std::uint64_t emitted = nodes.alice().snapshot()->slots_done;
  std::this_thread::sleep_for(milliseconds(300));
  EXPECT_EQ(nodes.alice().snapshot()->slots_done, emitted) << "light while the block is paused";
  EXPECT_LT(emitted, PausableNodes::kSlots);
  device.replug();
}

TEST(APulledCable, OfBobsTaggerPausesTheBlockWhichThenMakesItsKey) {
  PausableNodes nodes;
  pull_and_put_back(nodes, nodes.tagger(), Side::bob, "bob-tagger");
  expect_good_key(nodes);
}

TEST(APulledCable, OfAlicesTaggerPausesTheBlockWhichThenMakesItsKey) {
  PausableNodes nodes;
  pull_and_put_back(nodes, nodes.heralds(), Side::alice, "alice-tagger");
  expect_good_key(nodes);
}

TEST(APulledCable, OfTheSourcePausesTheBlockWhichThenMakesItsKey) {
  PausableNodes nodes;
  pull_and_put_back(nodes, nodes.source(), Side::alice, "source-0");
  expect_good_key(nodes);
}

TEST(APulledCable, OfACompensatorPlatePausesTheBlockWhichIsHomedAndGoesOn) {
  PausableNodes nodes;
  pull_and_put_back(nodes, nodes.plate(), Side::bob, "compensator-1");
  expect_good_key(nodes);
}

TEST(APulledCable, ClearsItsAlarmWhenItIsBack) {
  PausableNodes nodes;
  pull_and_put_back(nodes, nodes.tagger(), Side::bob, "bob-tagger");
  nodes.wait_for("all well", [&] { return !nodes.has_alarm(Side::bob, "device-unplugged"); });
  expect_good_key(nodes);
}

TEST(APulledCable, PutBackBeforeAnybodyLookedStillMakesAGoodKey) {
  PausableNodes nodes;
  nodes.reach_midblock();
  for (int i = 0; i < 3; ++i) {
    nodes.tagger().unplug();
    nodes.tagger().replug();
    nodes.source().unplug();
    nodes.source().replug();
    std::this_thread::sleep_for(milliseconds(200));
  }
  expect_good_key(nodes);
}

TEST(APlateThatWasKnocked, IsSetAgainAndNoBitOfItsTimeIsKept) {
  PausableNodes nodes;
  nodes.reach_midblock();
  auto moved = nodes.plate().move_absolute(Angle::degrees(30));
  ASSERT_TRUE(moved.ok()) << describe(moved.error());
  expect_good_key(nodes);
}

std::span<const std::uint8_t> body_of(const Record& record, std::size_t trailer = 0) {
  const auto all = std::span<const std::uint8_t>(record.frame);
  return all.subspan(session::kHeaderBytes + session::kStampBytes,
                     all.size() - session::kHeaderBytes - session::kStampBytes - trailer);
}

/// The stretches that the wire shows as in doubt: from the least slot of the PAUSEs to the RESUME that followed.
std::vector<detection::SlotRange> in_doubt(const std::vector<Record>& records) {
  std::vector<detection::SlotRange> out;
  std::uint64_t from = PausableNodes::kSlots;
  for (const Record& r : records) {
    if (r.type == FrameType::pause)
      from = std::min(from, must(session::decode_pause(body_of(r), PausableNodes::kSlots)).from_slot);
    if (r.type != FrameType::resume) continue;
    out.push_back({from, must(session::decode_resume(body_of(r), PausableNodes::kSlots)).first_slot});
    from = PausableNodes::kSlots;
  }
  return out;
}

bool covered(const detection::SlotRange& range, const std::vector<detection::SlotRange>& by) {
  return std::any_of(by.begin(), by.end(), [&](const auto& r) { return r.begin <= range.begin && range.end <= r.end; });
}

/// Bob's list says they are dropped, so neither side has a bit of them.
void expect_dropped_on_both_sides(PausableNodes& nodes) {
  EXPECT_EQ(nodes.result().status, BlockStatus::key);
  const auto records = nodes.link().proxy().records();
  const auto doubts = in_doubt(records);
  ASSERT_FALSE(doubts.empty());
  const auto list =
      std::find_if(records.begin(), records.end(), [](const Record& r) { return r.type == FrameType::detections; });
  ASSERT_NE(list, records.end());
  const auto d = must(session::decode_detections(body_of(*list, 8), PausableNodes::kSlots));
  for (const auto& range : doubts) {
    EXPECT_LT(range.begin, range.end);
    EXPECT_TRUE(covered(range, d.dropped)) << range.begin << ".." << range.end;
    const auto first = std::lower_bound(d.slots.begin(), d.slots.end(), range.begin);
    EXPECT_TRUE(first == d.slots.end() || *first >= range.end);
  }
}

TEST(APausedBlock, DropsOnBothSidesWhatAStageDidNotConfirm) {
  PausableNodes nodes;
  pull_and_put_back(nodes, nodes.plate(), Side::bob, "compensator-1");
  expect_dropped_on_both_sides(nodes);
}

TEST(APausedBlock, DropsOnBothSidesWhatTheSourceDidNotConfirm) {
  PausableNodes nodes;
  pull_and_put_back(nodes, nodes.source(), Side::alice, "source-0");
  expect_dropped_on_both_sides(nodes);
}

TEST(APausedBlock, BeyondItsPatienceIsAbortedForTheDeviceAndTheNextOneWorks) {
  PausableNodes::Options options;
  options.pause_patience = milliseconds(700);
  PausableNodes nodes(options);
  nodes.reach_midblock();
  nodes.tagger().unplug();
  const session::BlockResult r = nodes.result();
  EXPECT_EQ(r.status, BlockStatus::aborted);
  EXPECT_EQ(r.reason, BlockReason::device) << r.detail;
  nodes.tagger().replug();
  nodes.open_block();
  EXPECT_EQ(nodes.result().status, BlockStatus::key);
  EXPECT_EQ(nodes.bob().blocks_since(0, 8).size(), 2U);
}

TEST(APausedBlock, StaysDarkWhenTheOperatorSwitchesLightOff) {
  PausableNodes nodes;
  nodes.reach_midblock();
  nodes.plate().unplug();
  nodes.wait_for_state(NodeState::paused, NodeState::paused);
  nodes.alice().light_off();
  nodes.plate().replug();
  nodes.wait_for("end of the block", [&] { return !nodes.alice().blocks_since(0, 8).empty(); });
  EXPECT_EQ(nodes.alice().blocks_since(0, 8)[0].value.reason, BlockReason::cancelled);
  EXPECT_EQ(nodes.source().light_level(), hal::LightLevel::off);
  EXPECT_EQ(*nodes.source().emission(), hal::EmissionState::off);
}

TEST(ASourceThatOnlyTheOperatorArms, IsNotArmedAgainByItself) {
  PausableNodes::Options options;
  options.consent = service::Consent::operator_only;
  PausableNodes nodes(options);
  nodes.alice().submit({service::Command::Kind::arm, 0, "", "test"});
  nodes.reach_midblock();
  nodes.source().unplug();
  nodes.wait_for_state(NodeState::paused, NodeState::paused);
  nodes.source().replug();
  nodes.wait_for_state(NodeState::arm_wait, NodeState::paused);
  EXPECT_TRUE(nodes.has_alarm(Side::alice, "source-needs-arming"));
  std::this_thread::sleep_for(milliseconds(300));
  EXPECT_EQ(*nodes.source().emission(), hal::EmissionState::off);
  nodes.alice().submit({service::Command::Kind::arm, 0, "", "test"});
  expect_good_key(nodes);
}

}  // namespace
}  // namespace nicol::test
