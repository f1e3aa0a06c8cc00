// SPDX-License-Identifier: Apache-2.0
// A bad cable, another firmware, an unplug at every moment: bounded, nothing done twice, and said so that a person
// knows what to do.
#include "tests/hal_contract/fixture.hpp"
#include "tests/instruments/rig_fixture.hpp"

namespace nicol::test {
namespace {

using hal_contract::code_of;
using hal_contract::succeeds;
using sim::FaultKind;
using sim::FaultSide;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

Deadline in(std::chrono::milliseconds d) { return SteadyDeadlines().in(d); }

void home(hal::RotationStage& stage) {
  auto motion = stage.home(hal::HomeDirection::positive);
  ASSERT_TRUE(succeeds(motion));
  ASSERT_TRUE(succeeds(motion->wait(in(5000ms))));
}

RigSetup retrying() {
  RigSetup setup = quick();
  setup.timing.usb = {30, 3};
  return setup;
}

/// Every fault at each of the frames that a move is made of: the axis moves once, or not at all and that is said.
class RigBadCable : public testing::TestWithParam<std::tuple<FaultKind, FaultSide, int>> {};

TEST_P(RigBadCable, NeverMovesTwice) {
  const auto [kind, side, at] = GetParam();
  RigFixture rig(retrying());
  auto stage = rig.open<hal::RotationStage>("axis-0");
  home(*stage);
  const std::uint64_t before = rig.bench().moves();
  rig.usb().set_faults({{kind, side, static_cast<std::uint64_t>(at), 1, Picoseconds::seconds(0.3), 0x40}});
  const auto begin = Clock::now();
  auto motion = stage->move_relative(Angle::degrees(5));
  const auto done = motion ? motion->wait(in(3000ms)) : Result<void>(motion.error());
  EXPECT_LT(Clock::now() - begin, 4s);
  EXPECT_LE(rig.bench().moves() - before, 1u);
  if (done) {
    EXPECT_EQ(rig.bench().moves() - before, 1u);
    EXPECT_NEAR(stage->status()->position.degrees(), 5, 0.1);
  } else {
    EXPECT_FALSE(done.error().message.empty());
  }
}

INSTANTIATE_TEST_SUITE_P(Each, RigBadCable,
                         testing::Combine(testing::Values(FaultKind::drop, FaultKind::duplicate, FaultKind::corrupt,
                                                          FaultKind::late, FaultKind::garbage, FaultKind::stall),
                                          testing::Values(FaultSide::to_device, FaultSide::from_device),
                                          testing::Values(0, 1, 2)));

class RigUnplug : public testing::TestWithParam<int> {};

TEST_P(RigUnplug, EndsAMoveWhereverItIs) {
  RigFixture rig(retrying());
  auto stage = rig.open<hal::RotationStage>("axis-0");
  home(*stage);
  rig.usb().set_faults({{FaultKind::unplug, FaultSide::to_device, static_cast<std::uint64_t>(GetParam()), 1, {}, 0}});
  const auto begin = Clock::now();
  auto motion = stage->move_relative(Angle::degrees(90));
  const auto done = motion ? motion->wait(in(3000ms)) : Result<void>(motion.error());
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::disconnected) << describe(done.error());
  EXPECT_LT(Clock::now() - begin, 3s);
  rig.replug(*stage, "1-3");
  EXPECT_EQ(code_of(stage->move_relative(Angle::degrees(1))), Code::not_homed);
}

INSTANTIATE_TEST_SUITE_P(AtEachFrame, RigUnplug, testing::Values(0, 1, 2, 3));

TEST(RigFaults, AMoveToldOnceIsNotRefusedByADroppedAnswer) {
  RigFixture rig(retrying());
  auto stage = rig.open<hal::RotationStage>("axis-0");
  home(*stage);
  const std::uint64_t before = rig.bench().moves();
  for (int i = 0; i < 4; ++i) {
    rig.usb().set_faults({{FaultKind::drop, FaultSide::from_device, 1, 2, {}, 0}});
    auto motion = stage->move_relative(Angle::degrees(1));
    ASSERT_TRUE(succeeds(motion));
    ASSERT_TRUE(succeeds(motion->wait(in(3000ms))));
  }
  EXPECT_EQ(rig.bench().moves() - before, 4u);
  EXPECT_NEAR(stage->status()->position.degrees(), 4, 0.05);
}

TEST(RigFaults, ABoardThatLostItsPowerIsGreetedAgainAndTakesItsSettingsBack) {
  RigFixture rig(retrying());
  auto tagger = rig.open<hal::TimeTagger>("tagger");
  hal::ChannelConfig config = *tagger->channel(3);
  config.threshold = {1.25};
  config.enabled = false;
  ASSERT_TRUE(succeeds(tagger->set_channel(3, config)));
  rig.unplug(*tagger);
  rig.replug(*tagger);
  EXPECT_EQ(rig.bench().channel(3).threshold_mv, 1250);
  EXPECT_EQ(rig.bench().channel(3).enabled, fw::Switch::off);
}

TEST(RigFaults, WhatIsPluggedInIsListedWithoutBeingOpened) {
  RigFixture rig;
  const auto found = rig.driver().find({}, {});
  ASSERT_TRUE(succeeds(found));
  ASSERT_EQ(found->size(), 1u);
  EXPECT_EQ(found->front().at("serial"), "NIC001");
  EXPECT_EQ(found->front().count("missing"), 0u);
  EXPECT_EQ(rig.usb().claimed(), 0);
}

TEST(RigFaults, ProbingListsTheUnits) {
  RigFixture rig;
  const auto found = rig.driver().find({{"probe", "1"}}, {});
  ASSERT_TRUE(succeeds(found));
  std::vector<std::string> units;
  for (const auto& entry : *found) units.push_back(entry.at("unit"));
  const std::vector<std::string> all{"source",     "tagger",     "shutter-0", "shutter-1", "detector-0", "detector-1",
                                     "detector-2", "detector-3", "axis-0",    "axis-1",    "io"};
  EXPECT_EQ(units, all);
}

TEST(RigFaults, AnUnitThatTheBoardHasNotIsSaid) {
  RigFixture rig;
  EXPECT_EQ(code_of(rig.make("shutter-7")), Code::not_found);
  EXPECT_EQ(code_of(rig.make("axis-2")), Code::not_found);
  EXPECT_EQ(code_of(rig.make("laser")), Code::bad_input);
  EXPECT_EQ(code_of(rig.make("shutter-x")), Code::bad_input);
  EXPECT_EQ(code_of(rig.make("source", {{"slot_ps", "fast"}})), Code::bad_input);
  EXPECT_EQ(code_of(rig.make("source", {{"slot_ps", "1"}})), Code::out_of_range);
}

TEST(RigFaults, AMissingPermissionNamesTheRule) {
  sim::RigBoard board(std::make_unique<sim::RigBench>());
  FakeUsb::Options options;
  options.denied = true;
  FakeUsb usb(board, options);
  transport::Hub hub;
  const auto found = rig::driver(hub).find({}, {});
  ASSERT_TRUE(succeeds(found));
  ASSERT_EQ(found->size(), 1u);
  EXPECT_NE(found->front().at("missing").find("60-nicol.rules"), std::string::npos);
  EXPECT_EQ(code_of(rig::driver(hub).make({{"unit", "source"}})), Code::access_denied);
}

TEST(RigFaults, ADeafBoardIsGivenUpInTime) {
  RigSetup setup = retrying();
  setup.faults = {{FaultKind::drop, FaultSide::to_device, 0, 1'000'000'000, {}, 0}};
  RigFixture rig(setup);
  const auto begin = Clock::now();
  const auto made = rig.make("source");
  EXPECT_EQ(code_of(made), Code::timeout);
  EXPECT_LT(Clock::now() - begin, 5s);
}

}  // namespace
}  // namespace nicol::test
