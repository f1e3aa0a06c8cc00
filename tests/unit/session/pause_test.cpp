// SPDX-License-Identifier: Apache-2.0
// Pauses of the light: either side asks, both wait, Alice names the slot, Bob gets ready, the block makes its key. What
// no honest peer sends is an attack; what only crossed on the wire is not.
#include <gtest/gtest.h>

#include "controller/detection/dropped_slots.hpp"
#include "controller/session/link.hpp"
#include "controller/session/messages.hpp"
#include "tests/unit/session/tampering.hpp"

namespace nicol::test {
namespace {

using session::BlockReason;
using session::BlockStatus;
using session::PauseReason;

/// A block whose light is open; the test plays both rigs.
class OpenLight : public testing::Test {
 protected:
  OpenLight() {
    nodes_.drive_light = false;
    nodes_.run_block();
    nodes_.apply(Side::bob, nodes_.bob().session->receiver_ready());
    nodes_.pump();
  }
  session::Session& alice() { return *nodes_.alice().session; }
  session::Session& bob() { return *nodes_.bob().session; }
  void pause(Side side, std::uint64_t from = 100) {
    nodes_.apply(side, nodes_.node(side).session->pause(from, PauseReason::unplugged));
  }
  void resume(std::uint64_t slot) { nodes_.apply(Side::alice, alice().resume(slot)); }
  void bob_ready() { nodes_.apply(Side::bob, bob().resumed()); }
  void go_on(std::uint64_t slot) {
    resume(slot);
    nodes_.pump();
    bob_ready();
    nodes_.pump();
  }
  /// Light of the whole block at once, slots [from, to) dropped at Bob's.
  void finish(std::uint64_t from = 0, std::uint64_t to = 0) {
    LinkClicks clicks = simulate_link(nodes_.model, 1);
    if (to > from) drop(clicks.received, from, to);
    close(std::move(clicks));
  }
  void close(LinkClicks clicks) {
    nodes_.apply(Side::alice, alice().emission_finished(std::move(clicks.prepared), nodes_.model.slots));
    nodes_.apply(Side::bob, bob().detection_finished({std::move(clicks.received), {}}));
    nodes_.pump();
  }
  static void drop(detection::Clicks& clicks, std::uint64_t from, std::uint64_t to) {
    clicks.dropped = {{from, to}};
    detection::remove_dropped(clicks);
  }
  void expect_key() {
    ASSERT_EQ(nodes_.alice().results.size(), 1U);
    EXPECT_EQ(nodes_.alice().results[0].status, BlockStatus::key) << nodes_.alice().results[0].detail;
    EXPECT_TRUE(stores_agree(nodes_));
  }
  void expect_attack() {
    ASSERT_EQ(nodes_.alice().results.size(), 1U);
    EXPECT_EQ(nodes_.alice().results[0].reason, BlockReason::authentication) << nodes_.alice().results[0].detail;
    EXPECT_EQ(available_keys(*nodes_.alice().store), 0U);
  }
  /// A frame that one side's session would never send now, in its own numbering.
  void forge(Side from, FrameType type, const Bytes& body) {
    nodes_.line = [from, type, body, done = false](Bytes frame) mutable {
      session::FrameHeader header = header_of(frame);
      if (done || header.direction != session::direction_from(from)) return std::vector<Bytes>{std::move(frame)};
      done = true;
      header.type = type;
      header.length = session::kStampBytes + body.size();
      const auto start = session::encode_header(header);
      Bytes forged(start.begin(), start.end());
      forged.insert(forged.end(), frame.begin() + session::kHeaderBytes,
                    frame.begin() + session::kHeaderBytes + session::kStampBytes);
      forged.insert(forged.end(), body.begin(), body.end());
      return std::vector<Bytes>{std::move(forged)};
    };
  }
  TwoNodes nodes_;
};

TEST_F(OpenLight, PausedByEitherSideGoesOnToAKey) {
  for (const Side side : {Side::alice, Side::bob}) {
    pause(side);
    nodes_.pump();
    EXPECT_TRUE(alice().light_paused());
    EXPECT_TRUE(bob().light_paused());
    go_on(side == Side::alice ? 1'000 : 2'000);
    EXPECT_FALSE(alice().light_paused());
    EXPECT_FALSE(bob().light_paused());
  }
  finish(100, 2'000);
  expect_key();
}

TEST_F(OpenLight, TellsThePeerFromWhichSlotOnNothingIsVouchedFor) {
  pause(Side::bob, 1'234);
  nodes_.pump();
  ASSERT_EQ(nodes_.alice().pauses.size(), 1U);
  EXPECT_EQ(nodes_.alice().pauses[0].from_slot, 1'234U);
  EXPECT_TRUE(nodes_.bob().pauses.empty());
}

TEST_F(OpenLight, GoesOnOnlyOnceBobIsReady) {
  pause(Side::alice);
  resume(500);
  nodes_.pump();
  ASSERT_EQ(nodes_.bob().prepares.size(), 1U);
  EXPECT_EQ(nodes_.bob().prepares[0].first_slot, 500U);
  EXPECT_TRUE(nodes_.alice().resumes.empty());
  bob_ready();
  nodes_.pump();
  ASSERT_EQ(nodes_.alice().resumes.size(), 1U);
  EXPECT_EQ(nodes_.alice().resumes[0].first_slot, 500U);
}

TEST_F(OpenLight, PausedByBothAtOncePausesOnce) {
  pause(Side::alice);
  pause(Side::bob);
  nodes_.pump();
  go_on(700);
  finish(100, 700);
  expect_key();
}

TEST_F(OpenLight, TakesAPauseThatCrossesTheWayBack) {
  pause(Side::alice);
  resume(700);
  pause(Side::bob);  // before he has heard of hers
  nodes_.pump();
  bob_ready();
  nodes_.pump();
  EXPECT_FALSE(alice().light_paused());
  finish(100, 700);
  expect_key();
}

TEST_F(OpenLight, TakesHintsThatWereOnTheirWay) {
  pause(Side::alice);
  nodes_.apply(Side::bob, bob().hint(50, {7}));
  nodes_.pump();
  ASSERT_EQ(nodes_.alice().hints.size(), 1U);
  EXPECT_EQ(nodes_.alice().hints[0].complete_slots, 50U);
}

TEST_F(OpenLight, ThatBobHadClosedNeedsNothingMore) {
  LinkClicks clicks = simulate_link(nodes_.model, 1);
  drop(clicks.received, 5'000, nodes_.model.slots);
  pause(Side::alice);
  resume(6'000);
  nodes_.apply(Side::bob, bob().detection_finished({std::move(clicks.received), {}}));
  nodes_.pump();
  ASSERT_EQ(nodes_.alice().resumes.size(), 1U);
  EXPECT_EQ(nodes_.alice().resumes[0].first_slot, nodes_.model.slots);
  EXPECT_FALSE(saw(nodes_, FrameType::bases)) << "her light is not said to be over";
  drop(clicks.prepared, 6'000, nodes_.model.slots);
  nodes_.apply(Side::alice, alice().emission_finished(std::move(clicks.prepared), 6'000));
  nodes_.pump();
  EXPECT_TRUE(saw(nodes_, FrameType::bases));
  EXPECT_EQ(nodes_.alice().results.size(), 1U);
  EXPECT_NE(nodes_.alice().results[0].reason, BlockReason::authentication);
}

TEST_F(OpenLight, ThatIsOverAtHersIsSaidToBeOverAtOnce) {
  LinkClicks clicks = simulate_link(nodes_.model, 1);
  nodes_.apply(Side::alice, alice().emission_finished(std::move(clicks.prepared), nodes_.model.slots));
  pause(Side::bob, nodes_.model.slots - 500);
  nodes_.pump();
  ASSERT_EQ(nodes_.bob().prepares.size(), 1U);
  EXPECT_EQ(nodes_.bob().prepares[0].first_slot, nodes_.model.slots);
  bob_ready();
  drop(clicks.received, nodes_.model.slots - 500, nodes_.model.slots);
  nodes_.apply(Side::bob, bob().detection_finished({std::move(clicks.received), {}}));
  nodes_.pump();
  expect_key();
}

TEST_F(OpenLight, HonoursWhatAliceDropped) {
  LinkClicks clicks = simulate_link(nodes_.model, 1);
  const std::size_t before = clicks.received.slots.size();
  pause(Side::alice, 100);
  nodes_.pump();
  go_on(4'000);
  drop(clicks.prepared, 100, 4'000);  // Bob has clicks there: light that nobody confirmed
  close(std::move(clicks));
  expect_key();
  const auto& facts = nodes_.bob().results.at(0).facts;
  EXPECT_LT(facts.sifted[0] + facts.sifted[1], before * 9 / 10 / 2 + 1'000);
  EXPECT_EQ(facts.sifted, nodes_.alice().results[0].facts.sifted);
}

TEST_F(OpenLight, PausedForTooLongIsAbortedForTheDeviceOnBothSides) {
  pause(Side::bob);
  nodes_.pump();
  nodes_.deadlines.advance(std::chrono::seconds(119));
  for (const Side side : {Side::alice, Side::bob}) nodes_.apply(side, nodes_.node(side).session->on_timeout());
  EXPECT_TRUE(nodes_.alice().results.empty());
  nodes_.deadlines.advance(std::chrono::seconds(2));
  for (const Side side : {Side::alice, Side::bob}) nodes_.apply(side, nodes_.node(side).session->on_timeout());
  nodes_.pump();
  for (const Side side : {Side::alice, Side::bob}) {
    Node& n = nodes_.node(side);
    ASSERT_EQ(n.results.size(), 1U);
    EXPECT_EQ(n.results[0].status, BlockStatus::aborted);
    EXPECT_EQ(n.results[0].reason, BlockReason::device);
    EXPECT_EQ(n.light_closed, 1);
    EXPECT_FALSE(n.closed);
  }
  nodes_.drive_light = true;
  nodes_.run_block();
  EXPECT_EQ(nodes_.alice().results.back().status, BlockStatus::key);
}

TEST_F(OpenLight, HasOnePatienceForAPauseWhateverIsSaidInIt) {
  pause(Side::alice);
  nodes_.deadlines.advance(std::chrono::seconds(60));
  resume(500);
  nodes_.pump();
  nodes_.deadlines.advance(std::chrono::seconds(61));
  nodes_.apply(Side::alice, alice().on_timeout());
  nodes_.pump();
  EXPECT_EQ(nodes_.alice().results.at(0).reason, BlockReason::device);
}

TEST_F(OpenLight, BearsSixtyFourPausesAndNotOneMore) {
  for (std::uint64_t i = 1; i <= session::kMaxPauses; ++i) {
    pause(Side::bob);
    nodes_.pump();
    go_on(i * 10);
  }
  EXPECT_TRUE(nodes_.bob().results.empty());
  pause(Side::bob);
  nodes_.pump();
  ASSERT_EQ(nodes_.bob().results.size(), 1U);
  EXPECT_EQ(nodes_.bob().results[0].reason, BlockReason::device);
}

TEST_F(OpenLight, WithAPauseChangedOnTheWayMakesNoKey) {
  nodes_.line = flip_first(FrameType::pause, -9);
  pause(Side::alice);
  nodes_.line = {};
  nodes_.pump();
  if (nodes_.connected()) {
    go_on(1'000);
    finish(100, 1'000);
  }
  expect_attack();
}

TEST_F(OpenLight, WithoutPauseTakesNoResume) {
  forge(Side::alice, FrameType::resume, session::encode(session::Resume{100}));
  pause(Side::alice);
  nodes_.pump();
  expect_attack();
}

TEST_F(OpenLight, TakesNoReadinessThatWasNotAskedFor) {
  forge(Side::bob, FrameType::resume_ready, session::encode(session::Resume{100}));
  nodes_.apply(Side::bob, bob().hint(10, {}));
  nodes_.pump();
  expect_attack();
}

TEST_F(OpenLight, TakesReadinessForTheOfferedSlotOnly) {
  pause(Side::alice);
  resume(500);
  nodes_.pump();
  forge(Side::bob, FrameType::resume_ready, session::encode(session::Resume{510}));
  bob_ready();
  nodes_.pump();
  expect_attack();
}

TEST_F(OpenLight, NeverGoesBack) {
  pause(Side::alice);
  go_on(500);
  pause(Side::alice);
  forge(Side::alice, FrameType::resume, session::encode(session::Resume{490}));
  resume(600);
  nodes_.pump();
  expect_attack();
}

TEST_F(OpenLight, IsOverForABobWhoCountedOnByTimeAlone) {
  const std::uint64_t near_the_end = nodes_.model.slots - 100;
  LinkClicks clicks = simulate_link(nodes_.model, 1);
  drop(clicks.received, near_the_end, nodes_.model.slots);
  nodes_.apply(Side::bob, bob().hint(nodes_.model.slots - 10, {}));  // while her pause is on its way
  pause(Side::alice, near_the_end);
  resume(near_the_end);
  nodes_.pump();
  ASSERT_EQ(nodes_.bob().prepares.size(), 1U);
  EXPECT_EQ(nodes_.bob().prepares[0].first_slot, nodes_.model.slots);
  bob_ready();
  nodes_.apply(Side::bob, bob().detection_finished({std::move(clicks.received), {}}));
  nodes_.pump();
  ASSERT_EQ(nodes_.alice().resumes.size(), 1U);
  EXPECT_EQ(nodes_.alice().resumes[0].first_slot, nodes_.model.slots);
  drop(clicks.prepared, near_the_end, nodes_.model.slots);
  nodes_.apply(Side::alice, alice().emission_finished(std::move(clicks.prepared), near_the_end));
  nodes_.pump();
  expect_key();
}

TEST(ABlockWithoutLight, TakesNoPause) {
  TwoNodes nodes;
  nodes.drive_light = false;
  nodes.run_block();  // Bob is arming
  nodes.apply(Side::alice, nodes.alice().session->pause(0, PauseReason::unplugged));
  nodes.apply(Side::bob, nodes.bob().session->pause(0, PauseReason::unplugged));
  EXPECT_FALSE(saw(nodes, FrameType::pause));
}

}  // namespace
}  // namespace nicol::test
