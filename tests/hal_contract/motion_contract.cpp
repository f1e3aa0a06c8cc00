// SPDX-License-Identifier: Apache-2.0
// What moves: a move is a future, and "in position" means settled and read back.
#include <algorithm>
#include <chrono>
#include <cmath>

#include "tests/hal_contract/fixture.hpp"

namespace nicol::hal_contract {
namespace {

using namespace hal;

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(RotationStageContract);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(PolarizationControllerContract);

double tolerance_deg(const AxisInfo& axis) {
  return std::max(3 * axis.repeatability.degrees(), axis.resolution.degrees());
}

Result<void> finished(Result<Motion> motion, Deadline deadline) {
  if (!motion) return std::move(motion).error();
  return motion->wait(deadline);
}

/// A stage that is homed and stands still.
Result<void> ready(RotationStage& stage, Deadline deadline) {
  const Result<AxisStatus> status = stage.status();
  if (!status) return status.error();
  if (status->homed) return {};
  return finished(stage.home(HomeDirection::positive), deadline);
}

/// A position well inside the travel, `fraction` of the way along it (a turn where there is no limit).
Angle position(RotationStage& stage, double fraction) {
  const AxisInfo axis = stage.axis();
  const Angle low = axis.travel ? axis.travel->first : Angle{};
  const Angle high = axis.travel ? axis.travel->second : Angle::degrees(360);
  return low + (high - low) * fraction;
}

#define READY(stage) ASSERT_TRUE(succeeds(ready(stage, soon())))

TEST_P(RotationStageContract, DescribesItsAxis) {
  const AxisInfo axis = as<RotationStage>().axis();
  EXPECT_GT(axis.counts_per_degree, 0);
  EXPECT_GT(axis.resolution, Angle{});
  EXPECT_GE(axis.repeatability, Angle{});
  EXPECT_GE(axis.backlash, Angle{});
  EXPECT_GT(axis.max_velocity, Angle{});
  if (axis.travel) {
    EXPECT_LT(axis.travel->first, axis.travel->second);
  }
}

TEST_P(RotationStageContract, RefusesToMoveBeforeItIsHomed) {
  auto& stage = as<RotationStage>();
  NICOL_LACKS(!stage.axis().needs_home, "needs_home");
  EXPECT_FALSE(stage.status()->homed);
  EXPECT_EQ(code_of(stage.move_absolute(position(stage, 0.3))), Code::not_homed);
  EXPECT_EQ(code_of(stage.move_relative(Angle::degrees(1))), Code::not_homed);
}

TEST_P(RotationStageContract, HomesToZero) {
  auto& stage = as<RotationStage>();
  for (const HomeDirection direction : {HomeDirection::positive, HomeDirection::negative}) {
    ASSERT_TRUE(succeeds(finished(stage.home(direction), soon())));
    const auto status = stage.status();
    EXPECT_TRUE(status->homed);
    EXPECT_TRUE(status->settled);
    EXPECT_NEAR(status->position.degrees(), 0, tolerance_deg(stage.axis()));
  }
}

TEST_P(RotationStageContract, HasSettledAndReadsBackItsPositionWhenAMoveIsDone) {
  auto& stage = as<RotationStage>();
  READY(stage);
  for (const double fraction : {0.1, 0.6, 0.35}) {
    ASSERT_TRUE(succeeds(finished(stage.move_absolute(position(stage, fraction)), soon())));
    const auto status = stage.status();
    EXPECT_TRUE(status->settled);
    EXPECT_FALSE(status->moving);
    EXPECT_FALSE(status->fault);
    EXPECT_NEAR(status->position.degrees(), position(stage, fraction).degrees(), tolerance_deg(stage.axis()));
  }
}

TEST_P(RotationStageContract, IsNotDoneWhileItMoves) {
  auto& stage = as<RotationStage>();
  READY(stage);
  Result<Motion> motion = stage.move_absolute(position(stage, 0.5));
  ASSERT_TRUE(succeeds(motion));
  EXPECT_FALSE(motion->done());
  EXPECT_FALSE(stage.status()->settled);
  ASSERT_TRUE(succeeds(motion->wait(soon())));
  EXPECT_TRUE(motion->done());
}

TEST_P(RotationStageContract, MovesByWhatARelativeMoveSays) {
  auto& stage = as<RotationStage>();
  READY(stage);
  ASSERT_TRUE(succeeds(finished(stage.move_absolute(position(stage, 0.5)), soon())));
  const Angle before = stage.status()->position;
  ASSERT_TRUE(succeeds(finished(stage.move_relative(Angle::degrees(-3)), soon())));
  EXPECT_NEAR((stage.status()->position - before).degrees(), -3, 2 * tolerance_deg(stage.axis()));
}

TEST_P(RotationStageContract, CountsOnPastATurnWhereItHasNoLimits) {
  auto& stage = as<RotationStage>();
  NICOL_LACKS(stage.axis().travel.has_value(), "continuous");
  READY(stage);
  ASSERT_TRUE(succeeds(finished(stage.move_absolute(Angle::degrees(370)), soon())));
  EXPECT_NEAR(stage.status()->position.degrees(), 370, tolerance_deg(stage.axis()));
}

TEST_P(RotationStageContract, RefusesPositionsOutsideItsTravel) {
  auto& stage = as<RotationStage>();
  NICOL_LACKS(!stage.axis().travel, "travel");
  READY(stage);
  const Angle before = stage.status()->position;
  EXPECT_EQ(code_of(stage.move_absolute(stage.axis().travel->second + Angle::degrees(1))), Code::out_of_range);
  EXPECT_EQ(code_of(stage.move_absolute(stage.axis().travel->first - Angle::degrees(1))), Code::out_of_range);
  EXPECT_EQ(stage.status()->position.degrees(), before.degrees());
}

TEST_P(RotationStageContract, RefusesAMoveInFlightOrReplacesIt) {
  auto& stage = as<RotationStage>();
  READY(stage);
  Result<Motion> first = stage.move_absolute(position(stage, 0.5));
  ASSERT_TRUE(succeeds(first));
  Result<Motion> second = stage.move_absolute(position(stage, 0.2));
  const double goal = position(stage, second ? 0.2 : 0.5).degrees();
  if (!second) {
    EXPECT_EQ(second.error().code, Code::busy);
  }
  ASSERT_TRUE(succeeds((second ? second : first)->wait(soon())));
  EXPECT_NEAR(stage.status()->position.degrees(), goal, tolerance_deg(stage.axis()));
}

TEST_P(RotationStageContract, TimesOutInsteadOfWaitingForEver) {
  auto& stage = as<RotationStage>();
  READY(stage);
  Result<Motion> motion = stage.move_absolute(position(stage, 0.5));
  ASSERT_TRUE(succeeds(motion));
  EXPECT_EQ(code_of(motion->wait(past())), Code::timeout);
}

TEST_P(RotationStageContract, StopsWaitingWhenAskedTo) {
  auto& stage = as<RotationStage>();
  READY(stage);
  Result<Motion> motion = stage.move_absolute(position(stage, 0.5));
  ASSERT_TRUE(succeeds(motion));
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(code_of(motion->wait(soon(), stop.get_token())), Code::cancelled);
}

TEST_P(RotationStageContract, AbortsAMoveExactlyIfItSaysItCan) {
  auto& stage = as<RotationStage>();
  READY(stage);
  Result<Motion> motion = stage.move_absolute(position(stage, 0.5));
  ASSERT_TRUE(succeeds(motion));
  const Result<void> stopped = stage.stop(StopMode::immediate);
  if (!stage.axis().can_abort) {
    EXPECT_EQ(code_of(stopped), Code::not_supported);
    EXPECT_TRUE(succeeds(motion->wait(soon()))) << "a move that cannot be aborted ends where it was going";
    return;
  }
  ASSERT_TRUE(succeeds(stopped));
  EXPECT_EQ(code_of(motion->wait(soon())), Code::cancelled);
  pass_time(1);
  EXPECT_TRUE(stage.status()->settled);
  EXPECT_GT(std::abs((stage.status()->position - position(stage, 0.5)).degrees()), 1);
}

TEST_P(RotationStageContract, MovesAgainAfterAnAbort) {
  auto& stage = as<RotationStage>();
  NICOL_LACKS(!stage.axis().can_abort, "can_abort");
  NICOL_NEEDS(advance);
  READY(stage);
  ASSERT_TRUE(succeeds(stage.move_absolute(position(stage, 0.5))));
  ASSERT_TRUE(succeeds(stage.stop(StopMode::profiled)));
  pass_time(1);
  ASSERT_TRUE(succeeds(finished(stage.move_absolute(position(stage, 0.3)), soon())));
  EXPECT_NEAR(stage.status()->position.degrees(), position(stage, 0.3).degrees(), tolerance_deg(stage.axis()));
}

TEST_P(RotationStageContract, SetsItsVelocityExactlyIfItSaysItCan) {
  auto& stage = as<RotationStage>();
  const Result<void> set = stage.set_velocity(stage.axis().max_velocity * 0.5);
  if (!stage.axis().can_set_velocity) {
    EXPECT_EQ(code_of(set), Code::not_supported);
    return;
  }
  EXPECT_TRUE(succeeds(set));
  EXPECT_EQ(code_of(stage.set_velocity(stage.axis().max_velocity * 2)), Code::out_of_range);
}

TEST_P(RotationStageContract, CountsMovesAndDegrees) {
  auto& stage = as<RotationStage>();
  READY(stage);
  ASSERT_TRUE(succeeds(finished(stage.move_absolute(position(stage, 0.5)), soon())));
  const auto before = stage.status();
  ASSERT_TRUE(succeeds(finished(stage.move_relative(Angle::degrees(4)), soon())));
  ASSERT_TRUE(succeeds(finished(stage.move_relative(Angle::degrees(-4)), soon())));
  const auto after = stage.status();
  EXPECT_EQ(after->moves - before->moves, 2u);
  EXPECT_NEAR(after->degrees_moved - before->degrees_moved, 8, 4 * tolerance_deg(stage.axis()));
}

TEST_P(RotationStageContract, ReportsAStallAsAFault) {
  NICOL_NEEDS(stall);
  auto& stage = as<RotationStage>();
  READY(stage);
  bench().stall();
  EXPECT_EQ(code_of(finished(stage.move_absolute(position(stage, 0.5)), soon())), Code::motion_fault);
  pass_time(1);
  EXPECT_TRUE(stage.status()->fault);
}

TEST_P(RotationStageContract, LosesAMoveWithItsCable) {
  NICOL_NEEDS(unplug);
  auto& stage = as<RotationStage>();
  READY(stage);
  Result<Motion> motion = stage.move_absolute(position(stage, 0.5));
  ASSERT_TRUE(succeeds(motion));
  bench().unplug();
  EXPECT_EQ(code_of(motion->wait(soon())), Code::disconnected);
}

TEST_P(RotationStageContract, NeedsHomingAgainAfterItWasUnplugged) {
  NICOL_NEEDS(unplug);
  NICOL_NEEDS(replug);
  auto& stage = as<RotationStage>();
  NICOL_LACKS(!stage.axis().needs_home, "needs_home");
  READY(stage);
  bench().unplug();
  bench().replug();
  EXPECT_FALSE(stage.status()->homed);
  EXPECT_EQ(code_of(stage.move_absolute(position(stage, 0.3))), Code::not_homed);
}

TEST_P(PolarizationControllerContract, GoesWhereEachChannelIsSet) {
  auto& d = as<PolarizationController>();
  ASSERT_GT(d.channels(), 0u);
  for (std::size_t c = 0; c < d.channels(); ++c) {
    const Range range = d.range(c);
    const double goal = range.min + 0.4 * (range.max - range.min);
    ASSERT_TRUE(succeeds(finished(d.set(c, goal), soon())));
    EXPECT_NEAR(*d.get(c), goal, std::max(range.step, 1e-9));
  }
}

TEST_P(PolarizationControllerContract, NamesItsUnits) {
  const std::string_view units = as<PolarizationController>().units();
  EXPECT_TRUE(units == "deg" || units == "waves") << units;
}

TEST_P(PolarizationControllerContract, RefusesValuesAndChannelsItHasNot) {
  auto& d = as<PolarizationController>();
  EXPECT_EQ(code_of(d.set(0, d.range(0).max + 1)), Code::out_of_range);
  EXPECT_EQ(code_of(d.set(d.channels(), d.range(0).min)), Code::out_of_range);
  EXPECT_EQ(code_of(d.get(d.channels())), Code::out_of_range);
}

}  // namespace
}  // namespace nicol::hal_contract
