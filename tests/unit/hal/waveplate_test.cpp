// SPDX-License-Identifier: Apache-2.0
// Which way a waveplate turns, from which side it arrives, and what it says when it did not.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "drivers/hal/motion.hpp"

namespace nicol::hal {
namespace {

class Arrived final : public MotionState {
 public:
  Result<void> wait(Deadline, std::stop_token) override { return {}; }
  bool done() const noexcept override { return true; }
};

/// Goes where it is told at once, and remembers.
class StubStage final : public RotationStage {
 public:
  AxisInfo info_;
  AxisStatus status_;
  std::vector<double> visited;  // degrees
  Angle miss;
  bool obeys = true;

  StubStage() {
    info_.resolution = Angle::degrees(0.01);
    info_.repeatability = Angle::degrees(0.02);
    status_.homed = status_.settled = true;
  }
  DeviceInfo info() const override { return {}; }
  Link link() const noexcept override { return Link::connected; }
  Result<std::vector<SelfTestItem>> self_test(Deadline) override { return std::vector<SelfTestItem>{}; }
  void safe_state() noexcept override {}
  AxisInfo axis() const override { return info_; }
  Result<AxisStatus> status() override { return status_; }
  Result<Motion> home(HomeDirection) override { return Error{Code::not_supported}; }
  Result<Motion> move_absolute(Angle position) override {
    visited.push_back(std::round(position.degrees() * 1e6) / 1e6);
    if (obeys) status_.position = position + miss;
    return Motion(std::make_unique<Arrived>());
  }
  Result<Motion> move_relative(Angle by) override { return move_absolute(status_.position + by); }
  Result<void> stop(StopMode) override { return {}; }
  Result<void> set_velocity(Angle) override { return {}; }
};

using Degrees = std::vector<double>;

class WaveplateOnStub : public testing::Test {
 protected:
  void at(double degrees) { stage_.status_.position = Angle::degrees(degrees); }
  Result<void> set(double degrees) { return plate_.set_fast_axis(Angle::degrees(degrees), {}); }
  StubStage stage_;
  Waveplate plate_{stage_, 0.5, {810}, Angle::degrees(10)};
};

TEST_F(WaveplateOnStub, AddsItsOffsetToTheOpticalAngle) {
  ASSERT_TRUE(set(22.5));
  EXPECT_EQ(stage_.visited, Degrees{32.5});
}

TEST_F(WaveplateOnStub, ReadsItsOpticalAngleBetweenZeroAndHalfATurn) {
  at(5);
  EXPECT_NEAR(plate_.fast_axis()->degrees(), 175, 1e-9);
  at(375);
  EXPECT_NEAR(plate_.fast_axis()->degrees(), 5, 1e-9);
}

TEST_F(WaveplateOnStub, TakesTheShortestWayOnAContinuousAxis) {
  at(350);
  ASSERT_TRUE(set(0));
  EXPECT_EQ(stage_.visited, Degrees{370});
}

TEST_F(WaveplateOnStub, NeverTurnsMoreThanAQuarter) {
  for (double from = -400; from < 400; from += 37) {
    for (double to = 0; to < 180; to += 11) {
      at(from);
      stage_.visited.clear();
      ASSERT_TRUE(set(to));
      ASSERT_EQ(stage_.visited.size(), 1u);
      EXPECT_LE(std::abs(stage_.visited[0] - from), 90 + 1e-6);
      EXPECT_NEAR(std::remainder(stage_.visited[0] - 10 - to, 180), 0, 1e-5);
    }
  }
}

TEST_F(WaveplateOnStub, StaysInsideTheTravelOfALimitedAxis) {
  stage_.info_.travel = {Angle{}, Angle::degrees(200)};
  at(190);
  ASSERT_TRUE(set(0));
  EXPECT_EQ(stage_.visited, Degrees{190});
  ASSERT_TRUE(set(40));
  EXPECT_EQ(stage_.visited.back(), 50);
}

TEST_F(WaveplateOnStub, SaysWhenNoEquivalentPositionIsInsideTheTravel) {
  stage_.info_.travel = {Angle{}, Angle::degrees(30)};
  EXPECT_EQ(set(90).error().code, Code::out_of_range);
}

TEST_F(WaveplateOnStub, ArrivesFromBelowWhereThereIsBacklash) {
  stage_.info_.backlash = Angle::degrees(1);
  at(60);
  ASSERT_TRUE(set(30));
  EXPECT_EQ(stage_.visited, (Degrees{38, 40}));
}

TEST_F(WaveplateOnStub, DoesNotOvershootWhenAlreadyComingFromFarBelow) {
  stage_.info_.backlash = Angle::degrees(1);
  at(20);
  ASSERT_TRUE(set(30));
  EXPECT_EQ(stage_.visited, Degrees{40});
}

TEST_F(WaveplateOnStub, StepsBackFirstForASmallMoveUp) {
  stage_.info_.backlash = Angle::degrees(1);
  at(39.5);
  ASSERT_TRUE(set(30));
  EXPECT_EQ(stage_.visited, (Degrees{38, 40}));
}

TEST_F(WaveplateOnStub, IsContentWithinThreeRepeatabilities) {
  stage_.miss = Angle::degrees(0.059);
  EXPECT_TRUE(set(0));
}

TEST_F(WaveplateOnStub, ReportsAFaultBeyondThreeRepeatabilities) {
  stage_.miss = Angle::degrees(0.061);
  const auto result = set(0);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::motion_fault);
  EXPECT_EQ(result.error().message, "no fault, settled, farther than 0.0600 deg from where it was sent");
}

TEST_F(WaveplateOnStub, IsContentWithinOneResolutionStep) {
  stage_.info_.resolution = Angle::degrees(0.2);
  stage_.miss = Angle::degrees(0.19);
  EXPECT_TRUE(set(0));
}

TEST_F(WaveplateOnStub, ReportsAFaultWhenNotSettled) {
  stage_.status_.settled = false;
  EXPECT_EQ(set(0).error().code, Code::motion_fault);
}

TEST_F(WaveplateOnStub, ReportsAFaultWhenTheStageStaysWhereItWas) {
  stage_.obeys = false;
  EXPECT_EQ(set(45).error().code, Code::motion_fault);
}

}  // namespace
}  // namespace nicol::hal
