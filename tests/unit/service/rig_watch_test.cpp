// SPDX-License-Identifier: Apache-2.0
// What makes a rig ready for light, and what of it a look confirms.
#include <gtest/gtest.h>

#include "controller/service/rig_preparation.hpp"
#include "controller/service/rig_watch.hpp"
#include "sim/devices/motor.hpp"
#include "sim/devices/pump_laser.hpp"
#include "sim/devices/shutter.hpp"
#include "tests/unit/service/stub_detector.hpp"

namespace nicol::service {
namespace {

/// A shutter and one compensator plate that belongs at 30 degrees.
class Bench : public testing::Test {
 protected:
  Bench() {
    rig_.clock = make_virtual_rig_clock();
    sim::MotorConfig config;
    config.serial = "plate-7";
    config.power_up = Angle::degrees(77);
    auto plate = std::make_unique<sim::Motor>(config, *rig_.clock);
    plate_ = plate.get();
    rig_.add("first plate", "compensator-0", std::move(plate));
    auto shutter = std::make_unique<sim::Shutter>(
        sim::ShutterConfig{"shutter-3", sim::CablePulled::closes, Picoseconds{}}, *rig_.clock);
    shutter_ = shutter.get();
    rig_.add("shutter", "shutter", std::move(shutter));
    rig_.compensator.push_back({"compensator-0", 0.25, Nanometres{810}, Angle::degrees(5), Angle::degrees(30)});
  }
  void make_ready() {
    ASSERT_TRUE(prepare_rig(rig_).ok());
    ASSERT_TRUE(shutter_->open().ok());
  }
  void let_pass(double seconds) { rig_.clock->advance_to(rig_.clock->now() + Picoseconds::seconds(seconds)); }
  hal::Rig rig_;
  sim::Motor* plate_;
  sim::Shutter* shutter_;
  FakeDeadlines deadlines_;
};

/// The pump of a pair source, behind its shutter.
class APump : public Bench {
 protected:
  APump() {
    make_ready();
    auto pump = std::make_unique<sim::PumpLaser>(sim::PumpLaserConfig{}, *rig_.clock);
    pump_ = pump.get();
    rig_.add("pump", "pump", std::move(pump));
  }
  sim::PumpLaser* pump_;
};

TEST_F(APump, ThatShinesIsConfirmedAndOneThatTripsIsNot) {
  ASSERT_TRUE(pump_->arm({1}).ok() && pump_->enable_emission().ok());
  RigWatch watch(rig_, deadlines_);
  EXPECT_TRUE(watch.look_now(RigWatch::Expect::light).confirmed);
  pump_->open_interlock();
  const auto look = watch.look_now(RigWatch::Expect::light);
  ASSERT_TRUE(look.fault);
  EXPECT_EQ(look.fault->error.code, Code::interlock);
  EXPECT_EQ(look.fault->device, "pump");
  EXPECT_FALSE(watch.look_now(RigWatch::Expect::unused).fault);
}

TEST_F(APump, ThatWentOffIsMissedWhileALightIsWanted) {
  RigWatch watch(rig_, deadlines_);
  const auto look = watch.look_now(RigWatch::Expect::light);
  ASSERT_TRUE(look.fault);
  EXPECT_EQ(look.fault->error.code, Code::unsafe_state);
  EXPECT_TRUE(watch.look_now(RigWatch::Expect::dark).confirmed);
}

TEST_F(Bench, IsHomedAndSetBeforeLight) {
  EXPECT_FALSE(confirm_compensator(rig_).ok());
  ASSERT_TRUE(prepare_rig(rig_).ok());
  EXPECT_TRUE(confirm_compensator(rig_).ok());
  EXPECT_NEAR(plate_->status()->position.degrees(), 35, 0.02);
}

TEST_F(Bench, ThatStandsAsItShouldIsNotMoved) {
  make_ready();
  const std::uint64_t moves = plate_->status()->moves;
  ASSERT_TRUE(prepare_rig(rig_).ok());
  EXPECT_EQ(plate_->status()->moves, moves);
}

TEST_F(Bench, IsNotConfirmedOnceAPlateHasMoved) {
  make_ready();
  ASSERT_TRUE(plate_->move_absolute(Angle::degrees(36)).ok());
  let_pass(5);
  const auto refused = confirm_compensator(rig_);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::motion_fault);
  EXPECT_NE(refused.error().message.find("compensator-0"), std::string::npos);
  EXPECT_TRUE(prepare_rig(rig_).ok());
  EXPECT_TRUE(confirm_compensator(rig_).ok());
}

TEST_F(Bench, WaitsForAMoveThatSomebodyElseBegan) {
  make_ready();
  ASSERT_TRUE(plate_->move_absolute(Angle::degrees(200)).ok());
  EXPECT_TRUE(prepare_rig(rig_).ok());
  EXPECT_TRUE(confirm_compensator(rig_).ok());
}

TEST_F(Bench, HomesAPlateThatStalled) {
  make_ready();
  plate_->stall();
  ASSERT_TRUE(plate_->move_absolute(Angle::degrees(90)).ok());
  let_pass(5);
  EXPECT_TRUE(prepare_rig(rig_).ok());
  EXPECT_TRUE(confirm_compensator(rig_).ok());
}

TEST_F(Bench, IsHalfATurnAwayTheSame) {
  make_ready();
  auto motion = plate_->move_absolute(Angle::degrees(215));
  ASSERT_TRUE(motion.ok());
  let_pass(10);
  EXPECT_TRUE(confirm_compensator(rig_).ok());
}

TEST_F(Bench, NamesTheDeviceWhoseCableIsOut) {
  make_ready();
  RigWatch watch(rig_, deadlines_);
  EXPECT_TRUE(watch.look(RigWatch::Expect::light).confirmed);
  plate_->unplug();
  deadlines_.advance(std::chrono::milliseconds(51));
  const auto look = watch.look(RigWatch::Expect::light);
  ASSERT_TRUE(look.fault.has_value());
  EXPECT_EQ(look.fault->device, "first plate");
  EXPECT_EQ(look.fault->serial, "plate-7");
  EXPECT_EQ(look.fault->doubt, Doubt::rig);
  EXPECT_EQ(pause_reason(look.fault->error), session::PauseReason::unplugged);
}

TEST_F(Bench, ThatCameBackUnhomedIsNotConfirmed) {
  make_ready();
  plate_->unplug();
  plate_->replug();
  RigWatch watch(rig_, deadlines_);
  const auto look = watch.look(RigWatch::Expect::light);
  ASSERT_TRUE(look.fault.has_value());
  EXPECT_EQ(look.fault->device, "first plate");
  EXPECT_FALSE(look.confirmed);
  EXPECT_TRUE(is_glitch(look.fault->error));
}

TEST_F(Bench, WhoseShutterFellShutIsNotConfirmedWhileLightIsOpen) {
  make_ready();
  shutter_->unplug();
  shutter_->replug();
  RigWatch watch(rig_, deadlines_);
  EXPECT_TRUE(watch.look_now(RigWatch::Expect::dark).confirmed);
  EXPECT_TRUE(watch.look_now(RigWatch::Expect::light).fault.has_value());
}

TEST_F(Bench, MayHaveAFlipMirrorThatIsAway) {
  auto mirror = std::make_unique<sim::Shutter>(sim::ShutterConfig{"mirror-1", sim::CablePulled::closes, Picoseconds{}},
                                               *rig_.clock);
  rig_.add("mirror", "flip-mirror", std::move(mirror));
  make_ready();
  RigWatch watch(rig_, deadlines_);
  EXPECT_TRUE(watch.look_now(RigWatch::Expect::light).confirmed);
}

TEST_F(Bench, OfAliceDoesNotSwitchHerHeraldsOn) {
  rig_.add("herald", "herald-0", std::make_unique<test::StubDetector>());
  make_ready();
  RigWatch watch(rig_, deadlines_);
  EXPECT_TRUE(watch.look_now(RigWatch::Expect::light).confirmed);
}

TEST_F(Bench, WhoseDetectorIsOffIsNotConfirmed) {
  rig_.receiver = hal::ReceiverKind::passive;
  rig_.add("eye", "detector-0", std::make_unique<test::StubDetector>());
  make_ready();
  RigWatch watch(rig_, deadlines_);
  const auto look = watch.look_now(RigWatch::Expect::light);
  ASSERT_TRUE(look.fault.has_value());
  EXPECT_TRUE(is_glitch(look.fault->error));
}

TEST_F(Bench, ThatShutItselfForBrightLightIsNoGlitch) {
  rig_.receiver = hal::ReceiverKind::passive;
  auto eye = std::make_unique<test::StubDetector>();
  eye->blinded = true;
  rig_.add("eye", "detector-0", std::move(eye));
  make_ready();
  shutter_->close();  // so did the board
  RigWatch watch(rig_, deadlines_);
  const auto look = watch.look_now(RigWatch::Expect::light);
  ASSERT_TRUE(look.fault.has_value());
  EXPECT_EQ(look.fault->error.code, Code::over_rate);
  EXPECT_EQ(look.fault->device, "eye");
  EXPECT_FALSE(is_glitch(look.fault->error));
}

TEST(AGlitch, IsWhatPluggingInOrAskingAgainHeals) {
  for (const Code code : {Code::disconnected, Code::io, Code::timeout, Code::checksum, Code::busy, Code::unsafe_state})
    EXPECT_TRUE(is_glitch({code})) << to_string(code);
}

TEST(AGlitch, IsNothingThatWaitingDoesNotChange) {
  for (const Code code : {Code::over_rate, Code::not_supported, Code::protocol, Code::internal, Code::exhausted})
    EXPECT_FALSE(is_glitch({code})) << to_string(code);
}

TEST_F(Bench, IsLookedAtNoMoreOftenThanItBears) {
  make_ready();
  RigWatch watch(rig_, deadlines_);
  EXPECT_TRUE(watch.look(RigWatch::Expect::light).confirmed);
  EXPECT_FALSE(watch.look(RigWatch::Expect::light).confirmed);
  deadlines_.advance(std::chrono::milliseconds(60));
  EXPECT_FALSE(watch.look(RigWatch::Expect::light).confirmed) << "links only";
  deadlines_.advance(std::chrono::milliseconds(60));
  EXPECT_TRUE(watch.look(RigWatch::Expect::light).confirmed);
}

}  // namespace
}  // namespace nicol::service
