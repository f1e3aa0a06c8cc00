// SPDX-License-Identifier: Apache-2.0
// What the contract cannot see of a simulated mount: where the optic really stands, and when.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "sim/devices/motor.hpp"
#include "tests/hal_contract/fixture.hpp"

namespace nicol::sim {
namespace {

using hal_contract::succeeds;

class SimulatedMotor : public testing::Test {
 protected:
  static MotorConfig exact() {
    MotorConfig config;
    config.repeatability = Angle{};
    config.needs_home = false;
    return config;
  }
  double optic(const Motor& motor) const { return motor.true_angle(clock_->now()).degrees(); }
  static Result<void> go(Motor& motor, double degrees) {
    auto motion = motor.move_absolute(Angle::degrees(degrees));
    if (!motion) return motion.error();
    return motion->wait({});
  }
  std::unique_ptr<RigClock> clock_ = make_virtual_rig_clock();
};

TEST_F(SimulatedMotor, TakesTheTimeOfItsWayAndSettling) {
  Motor motor(exact(), *clock_);
  ASSERT_TRUE(succeeds(go(motor, 30)));
  EXPECT_NEAR(clock_->now().seconds(), 30.0 / 60 + 0.02, 1e-9);
}

TEST_F(SimulatedMotor, PassesThroughTheAnglesBetween) {
  Motor motor(exact(), *clock_);
  ASSERT_TRUE(succeeds(go(motor, 60)));
  EXPECT_NEAR(motor.true_angle(Picoseconds::seconds(0.25)).degrees(), 15, 1e-6);
  EXPECT_NEAR(motor.true_angle(Picoseconds::seconds(-1)).degrees(), 0, 1e-6);
}

TEST_F(SimulatedMotor, CarriesItsOpticAtTheOffset) {
  MotorConfig config = exact();
  config.offset = Angle::degrees(12);
  Motor motor(config, *clock_);
  ASSERT_TRUE(succeeds(go(motor, 30)));
  EXPECT_NEAR(optic(motor), 18, 1e-6);
}

TEST_F(SimulatedMotor, LeavesItsOpticBehindByThePlayWhenItComesFromAbove) {
  MotorConfig config = exact();
  config.backlash = Angle::degrees(0.5);
  Motor motor(config, *clock_);
  ASSERT_TRUE(succeeds(go(motor, 40)));
  EXPECT_NEAR(optic(motor), 40, 1e-6);
  ASSERT_TRUE(succeeds(go(motor, 39.8)));
  EXPECT_NEAR(optic(motor), 40, 1e-6);
  ASSERT_TRUE(succeeds(go(motor, 20)));
  EXPECT_NEAR(optic(motor), 20.5, 1e-6);
  ASSERT_TRUE(succeeds(go(motor, 20.3)));
  EXPECT_NEAR(optic(motor), 20.5, 1e-6);
}

TEST_F(SimulatedMotor, StandsRightUnderAWaveplateInSpiteOfThePlay) {
  MotorConfig config = exact();
  config.backlash = Angle::degrees(0.5);
  config.offset = Angle::degrees(12);
  Motor motor(config, *clock_);
  hal::Waveplate plate(motor, 0.5, {810}, config.offset);
  for (const double angle : {45.0, 22.5, 67.5, 0.0, 67.5, 67.0, 67.5}) {
    ASSERT_TRUE(succeeds(plate.set_fast_axis(Angle::degrees(angle), {})));
    EXPECT_NEAR(std::remainder(optic(motor) - angle, 180), 0, 0.003) << angle;
    EXPECT_NEAR(std::remainder(plate.fast_axis()->degrees() - angle, 180), 0, 0.003);
  }
}

TEST_F(SimulatedMotor, MissesByNoMoreThanItsRepeatability) {
  MotorConfig config = exact();
  config.repeatability = Angle::degrees(0.05);
  Motor motor(config, *clock_);
  double largest = 0;
  for (int i = 1; i <= 200; ++i) {
    ASSERT_TRUE(succeeds(go(motor, i % 2 == 0 ? 10 : 20)));
    largest = std::max(largest, std::abs(optic(motor) - (i % 2 == 0 ? 10 : 20)));
  }
  EXPECT_LE(largest, 0.05 + 0.002);
  EXPECT_GT(largest, 0.04);
}

TEST_F(SimulatedMotor, MissesTheSameWayForTheSameSeed) {
  MotorConfig config = exact();
  config.repeatability = Angle::degrees(0.05);
  Motor one(config, *clock_), same(config, *clock_);
  config.noise.seed = 1;
  Motor other(config, *clock_);
  for (Motor* m : {&one, &same, &other}) ASSERT_TRUE(succeeds(go(*m, 10)));
  EXPECT_EQ(optic(one), optic(same));
  EXPECT_NE(optic(one), optic(other));
}

TEST_F(SimulatedMotor, StopsHalfWayWhenItStallsUntilHomedAgain) {
  Motor motor(exact(), *clock_);
  motor.stall();
  EXPECT_FALSE(go(motor, 40));
  EXPECT_NEAR(optic(motor), 20, 0.01);
  auto homing = motor.home(hal::HomeDirection::negative);
  ASSERT_TRUE(succeeds(homing));
  ASSERT_TRUE(succeeds(homing->wait({})));
  EXPECT_TRUE(succeeds(go(motor, 40)));
}

TEST_F(SimulatedMotor, FindsItsMarkFromWhereverItWokeUp) {
  for (const double woke : {-170.0, -1.0, 33.0, 179.0}) {
    MotorConfig config = exact();
    config.needs_home = true;
    config.power_up = Angle::degrees(woke);
    Motor motor(config, *clock_);
    auto homing = motor.home(hal::HomeDirection::positive);
    ASSERT_TRUE(succeeds(homing));
    ASSERT_TRUE(succeeds(homing->wait({})));
    EXPECT_NEAR(std::remainder(optic(motor), 360), 0, 1e-6) << woke;
  }
}

}  // namespace
}  // namespace nicol::sim
