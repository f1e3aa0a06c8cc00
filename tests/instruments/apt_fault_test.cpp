// SPDX-License-Identifier: Apache-2.0
// The APT driver on bad lines and beside rude controllers: it ends in time, says why, and moves nothing twice.
#include <cmath>

#include "tests/hal_contract/fixture.hpp"
#include "tests/instruments/apt_bench.hpp"

namespace nicol::hal_contract {
namespace {

using namespace std::chrono_literals;
using sim::AptEmulator;
using sim::AptModel;
using sim::Fault;
using sim::FaultKind;
using sim::FaultSide;
using test::apt_finished;
using test::apt_model;
using test::AptBench;

Fault fault(FaultKind kind, FaultSide side, std::uint64_t at, std::uint64_t count = 1) {
  return {kind, side, at, count, Picoseconds::seconds(20), 0x40};  // late: 0.1 s of the test
}

Result<void> home(hal::RotationStage& stage) { return apt_finished(stage.home(hal::HomeDirection::positive)); }

struct Line {
  std::string name;
  FaultKind kind;
  FaultSide side;
  std::uint64_t count;
};
class AptLine : public testing::TestWithParam<std::tuple<Line, int>> {};

/// A homed stage is told to move over a line that misbehaves from its nth byte on: whatever comes of it comes in time,
/// at most one move begins, and one that is called done was done.
TEST_P(AptLine, EndsAMoveInTimeAndNeverRepeatsIt) {
  const auto& [line, at] = GetParam();
  AptBench bench(apt_model(AptModel::k10cr1));
  auto& stage = bench.open<hal::RotationStage>();
  ASSERT_TRUE(succeeds(home(stage)));
  const auto before = bench.moves();
  bench.tty().set_faults({fault(line.kind, line.side, static_cast<std::uint64_t>(at), line.count)});
  const auto start = std::chrono::steady_clock::now();
  const Result<void> moved = apt_finished(stage.move_absolute(Angle::degrees(45)), 1.2);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 3s);
  EXPECT_LE(bench.moves() - before, 1u);
  if (moved) {
    EXPECT_NEAR(std::remainder(bench.optic() - 45, 360), 0, 0.02);
  } else {
    EXPECT_FALSE(moved.error().message.empty());
    EXPECT_NE(moved.error().code, Code::internal);
  }
}

const Line kLines[] = {{"drops", FaultKind::drop, FaultSide::from_device, 1},
                       {"drops_many", FaultKind::drop, FaultSide::from_device, 9},
                       {"duplicates", FaultKind::duplicate, FaultSide::from_device, 3},
                       {"corrupts", FaultKind::corrupt, FaultSide::from_device, 2},
                       {"is_late", FaultKind::late, FaultSide::from_device, 8},
                       {"adds_garbage", FaultKind::garbage, FaultSide::from_device, 30},
                       {"stalls", FaultKind::stall, FaultSide::from_device, 1},
                       {"unplugs", FaultKind::unplug, FaultSide::from_device, 1},
                       {"loses_commands", FaultKind::drop, FaultSide::to_device, 5},
                       {"corrupts_commands", FaultKind::corrupt, FaultSide::to_device, 2},
                       {"doubles_command_bytes", FaultKind::duplicate, FaultSide::to_device, 2},
                       {"swallows_commands", FaultKind::stall, FaultSide::to_device, 1},
                       {"unplugs_in_a_command", FaultKind::unplug, FaultSide::to_device, 1}};

INSTANTIATE_TEST_SUITE_P(EachFault, AptLine, testing::Combine(testing::ValuesIn(kLines), testing::Values(0, 7, 14, 25)),
                         [](const testing::TestParamInfo<AptLine::ParamType>& line) {
                           return std::get<0>(line.param).name + "_at_" + std::to_string(std::get<1>(line.param));
                         });

/// The cable is pulled in each state of the driver.
enum class Pulled : std::uint8_t { idle, homing, moving, stopping };
class AptCable : public testing::TestWithParam<Pulled> {};

TEST_P(AptCable, TakesTheMoveWithItAndComesBackUnhomed) {
  AptBench bench(apt_model(AptModel::kdc101));
  auto& stage = bench.open<hal::RotationStage>();
  if (GetParam() != Pulled::homing) {
    ASSERT_TRUE(succeeds(home(stage)));
  }
  std::optional<Result<hal::Motion>> motion;
  if (GetParam() == Pulled::homing) motion.emplace(stage.home(hal::HomeDirection::negative));
  if (GetParam() == Pulled::moving || GetParam() == Pulled::stopping)
    motion.emplace(stage.move_absolute(Angle::degrees(180)));
  if (GetParam() == Pulled::stopping) {
    ASSERT_TRUE(succeeds(stage.stop(hal::StopMode::profiled)));
  }
  bench.unplug();
  const auto moves = bench.moves();
  if (motion && GetParam() != Pulled::stopping) {
    ASSERT_TRUE(succeeds(*motion));
    EXPECT_EQ(code_of((*motion)->wait(test::apt_deadline())), Code::disconnected);
  }
  EXPECT_EQ(code_of(stage.status()), Code::disconnected);
  bench.replug("ttyAPT5");
  EXPECT_EQ(stage.link(), hal::Link::connected);
  EXPECT_FALSE(stage.status()->homed);
  EXPECT_EQ(bench.moves(), moves) << "nothing moves by itself";
  ASSERT_TRUE(succeeds(home(stage)));
}
INSTANTIATE_TEST_SUITE_P(InEachState, AptCable,
                         testing::Values(Pulled::idle, Pulled::homing, Pulled::moving, Pulled::stopping));

TEST(AptRudeness, OfAControllerThatSaysNothingEndsOpening) {
  AptBench bench(apt_model(AptModel::k10cr1));
  bench.turn([](AptEmulator& e) { e.go_mute(true); });
  const auto start = std::chrono::steady_clock::now();
  const auto made = bench.make();
  EXPECT_EQ(code_of(made), Code::timeout);
  EXPECT_NE(made.error().message.find("check that the controller is powered"), std::string::npos);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 3s);
}
TEST(AptRudeness, OfAControllerThatFallsSilentInAMoveEndsTheMove) {
  AptBench bench(apt_model(AptModel::k10cr1));
  auto& stage = bench.open<hal::RotationStage>();
  ASSERT_TRUE(succeeds(home(stage)));
  auto motion = stage.move_absolute(Angle::degrees(180));
  ASSERT_TRUE(succeeds(motion));
  bench.turn([](AptEmulator& e) { e.go_mute(true); });
  const auto ended = motion->wait(test::apt_deadline(6));
  EXPECT_EQ(code_of(ended), Code::timeout);
  EXPECT_NE(ended.error().message.find("says nothing any more"), std::string::npos);
  EXPECT_EQ(code_of(stage.status()), Code::timeout);
}
TEST(AptRudeness, OfAnIgnoredMoveIsAFaultThatNamesNoAngle) {
  sim::AptOptions options = apt_model(AptModel::k10cr1);
  options.mutant = sim::AptMutant::ignores_moves;
  AptBench bench(options);
  auto& stage = bench.open<hal::RotationStage>();
  ASSERT_TRUE(succeeds(home(stage)));
  const auto moved = apt_finished(stage.move_absolute(Angle::degrees(45)));
  EXPECT_EQ(code_of(moved), Code::motion_fault);
  EXPECT_NE(moved.error().message.find("from where it was sent"), std::string::npos) << moved.error().message;
  EXPECT_EQ(moved.error().message.find("45"), std::string::npos) << "an angle is a basis and a bit";
  EXPECT_EQ(bench.moves(), 2u) << "the homing and one move";
}
TEST(AptRudeness, OfALimitSwitchIsSaidAndCanBeMovedAwayFrom) {
  sim::AptOptions options = apt_model(AptModel::kdc101);
  options.upper_stop = 100;
  AptBench bench(options);
  auto& stage = bench.open<hal::RotationStage>();
  ASSERT_TRUE(succeeds(home(stage)));
  EXPECT_EQ(code_of(apt_finished(stage.move_absolute(Angle::degrees(150)))), Code::limit_switch);
  EXPECT_TRUE(stage.status()->limit_forward);
  EXPECT_NEAR(stage.status()->position.degrees(), 100, 0.01);
  EXPECT_TRUE(succeeds(apt_finished(stage.move_absolute(Angle::degrees(50)))));
  EXPECT_FALSE(stage.status()->limit_forward);
}
TEST(AptRudeness, OfSwappedPaddlesIsAFault) {
  sim::AptOptions options = apt_model(AptModel::mpc320);
  options.mutant = sim::AptMutant::swaps_paddles;
  AptBench bench(options);
  auto& paddles = bench.open<hal::PolarizationController>();
  EXPECT_EQ(code_of(apt_finished(paddles.set(0, 20))), Code::motion_fault);
  EXPECT_TRUE(succeeds(apt_finished(paddles.set(2, 20))));
}
TEST(AptRudeness, OfABriefComplaintIsAnError) {
  AptBench bench(apt_model(AptModel::k10cr1));
  auto& stage = bench.open<hal::RotationStage>();
  ASSERT_TRUE(succeeds(home(stage)));
  auto motion = stage.move_absolute(Angle::degrees(180));
  ASSERT_TRUE(succeeds(motion));
  bench.turn([](AptEmulator& e) { e.complain_briefly(); });
  EXPECT_EQ(code_of(motion->wait(test::apt_deadline())), Code::hardware_fault);
}
TEST(AptRudeness, OfMissingPermissionNamesTheFix) {
  sim::AptEmulator emulator(apt_model(AptModel::k10cr1));
  test::FakeTty::Options options;
  options.name = "ttyAPT0";
  options.denied = true;
  test::FakeTty tty(emulator, options);
  transport::Hub hub;
  const hal::Driver driver = apt::driver(hub);
  EXPECT_EQ(code_of(driver.make({{"settle_ms", "2"}})), Code::access_denied);
  const auto found = driver.find({}, test::apt_deadline());
  ASSERT_TRUE(succeeds(found));
  ASSERT_EQ(found->size(), 1u);
  EXPECT_NE(found->front().at("missing").find("udev"), std::string::npos);
}
TEST(AptPatience, RefusesASecondMoveWhileOneRuns) {
  AptBench bench(apt_model(AptModel::k10cr1));
  auto& stage = bench.open<hal::RotationStage>();
  ASSERT_TRUE(succeeds(home(stage)));
  auto first = stage.move_absolute(Angle::degrees(180));
  ASSERT_TRUE(succeeds(first));
  EXPECT_EQ(code_of(stage.move_absolute(Angle::degrees(20))), Code::busy);
  EXPECT_TRUE(succeeds(first->wait(test::apt_deadline())));
  EXPECT_EQ(bench.moves(), 2u) << "the homing and the first move";
}

}  // namespace
}  // namespace nicol::hal_contract
