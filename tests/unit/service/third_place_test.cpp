// SPDX-License-Identifier: Apache-2.0
// A source at a third place: light only while it is wanted, and never back by itself.
#include "controller/service/third_place.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "sim/devices/controls.hpp"
#include "sim/devices/pump_laser.hpp"
#include "sim/devices/shutter.hpp"

namespace nicol::service {
namespace {

using State = ThirdPlace::State;

/// A laser that a lab buys: nothing makes it dark but a command.
class BoughtLaser final : public sim::Simulated<hal::PhotonSource> {
 public:
  BoughtLaser() : Simulated("bought laser", "laser-1") {}
  hal::SourceCaps caps() const override {
    hal::SourceCaps caps;
    caps.source = hal::SourceKind::pump;
    return caps;
  }
  Result<hal::InterlockState> interlock() override { return hal::InterlockState::absent; }
  Result<void> arm(hal::ArmToken) override {
    state = hal::EmissionState::armed;
    return {};
  }
  Result<void> enable_emission() override {
    if (state != hal::EmissionState::armed) return error(Code::unsafe_state, "not armed");
    state = hal::EmissionState::emitting;
    return {};
  }
  void disable_emission() noexcept override { state = hal::EmissionState::off; }
  Result<hal::EmissionState> emission() override { return state.load(); }
  Result<void> set_light_level(hal::LightLevel) override { return {}; }
  hal::LightLevel light_level() const noexcept override { return hal::LightLevel::quantum; }
  void safe_state() noexcept override { disable_emission(); }
  std::atomic<hal::EmissionState> state{hal::EmissionState::off};
};

/// Sees every beat until something is said.
std::string news_of(ThirdPlace& place) {
  const SteadyDeadlines steady;
  for (const Deadline patience = steady.in(std::chrono::seconds(60)); !steady.passed(patience);) {
    if (auto said = place.beat()) return *said;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return "nothing";
}

class ASourcePlace : public testing::Test {
 protected:
  ASourcePlace() {
    rig_.clock = make_virtual_rig_clock();
    pump_ = &add("pump", std::make_unique<sim::PumpLaser>(sim::PumpLaserConfig{}, *rig_.clock));
    sim::TemperatureConfig oven;
    oven.set_point = Celsius{42};
    oven_ = &add("oven", std::make_unique<sim::TemperatureController>(oven, *rig_.clock));
    shutter_ =
        &add("shutter", std::make_unique<sim::Shutter>(
                            sim::ShutterConfig{"shutter-1", sim::CablePulled::closes, Picoseconds{}}, *rig_.clock));
  }
  template <class T>
  T& add(const char* role, std::unique_ptr<T> device) {
    T& made = *device;
    rig_.add(role, role, std::move(device));
    return made;
  }
  bool dark() { return *pump_->emission() == hal::EmissionState::off && closed(); }
  bool closed() { return *shutter_->state() == hal::ShutterState::closed; }
  hal::Rig rig_;
  sim::PumpLaser* pump_;
  sim::TemperatureController* oven_;
  sim::Shutter* shutter_;
};

TEST_F(ASourcePlace, IsDarkUntilItIsArmed) {
  ThirdPlace place(rig_);
  EXPECT_EQ(place.beat(), std::nullopt);
  EXPECT_EQ(place.state(), State::dark);
  EXPECT_TRUE(dark());
}

TEST_F(ASourcePlace, WarmsItsCrystalFirstAndOpensLast) {
  ThirdPlace place(rig_);
  ASSERT_TRUE(place.arm(StaysOn::refused).ok());
  EXPECT_TRUE(news_of(place).starts_with("light; source lit, pump emitting"));
  EXPECT_EQ(place.state(), State::lit);
  EXPECT_TRUE(*oven_->settled());
  EXPECT_FALSE(closed());
}

TEST_F(ASourcePlace, GoesDarkWhenItIsToldAndAtItsEnd) {
  {
    ThirdPlace place(rig_);
    ASSERT_TRUE(place.arm(StaysOn::refused).ok());
    news_of(place);
    place.off();
    EXPECT_EQ(place.state(), State::dark);
    EXPECT_TRUE(dark());
    ASSERT_TRUE(place.arm(StaysOn::refused).ok());
    news_of(place);
    EXPECT_EQ(place.state(), State::lit);
  }
  EXPECT_TRUE(dark());
}

TEST_F(ASourcePlace, IsDarkWhereItIsToldSoOnTheWayToLight) {
  for (int round = 0; round < 50; ++round) {
    ThirdPlace place(rig_);
    ASSERT_TRUE(place.arm(StaysOn::refused).ok());
    std::this_thread::sleep_for(std::chrono::microseconds(20 * round));
    place.off();
    EXPECT_TRUE(dark()) << round;
    EXPECT_NE(*pump_->emission(), hal::EmissionState::armed) << round;
    EXPECT_EQ(place.beat(), std::nullopt);
  }
}

TEST_F(ASourcePlace, GoesDarkWhenItsInterlockOpensAndStaysSo) {
  ThirdPlace place(rig_);
  ASSERT_TRUE(place.arm(StaysOn::refused).ok());
  news_of(place);
  pump_->open_interlock();
  EXPECT_TRUE(news_of(place).starts_with("SAFE-OFF: "));
  EXPECT_EQ(place.state(), State::faulted);
  EXPECT_TRUE(closed());
  EXPECT_EQ(place.arm(StaysOn::refused).error().code, Code::interlock);
  pump_->close_interlock();
  EXPECT_EQ(place.beat(), std::nullopt);
  EXPECT_TRUE(closed());
  ASSERT_TRUE(place.arm(StaysOn::refused).ok());
  news_of(place);
  EXPECT_EQ(place.state(), State::lit);
}

TEST_F(ASourcePlace, GoesDarkWhenAnyOfItsCablesIsPulled) {
  const auto pull = [this](const std::string& role) {
    if (role == "oven") oven_->unplug();
    if (role == "shutter") shutter_->unplug();
    if (role == "pump") pump_->unplug();
  };
  for (const std::string role : {"oven", "shutter", "pump"}) {
    ThirdPlace place(rig_);
    ASSERT_TRUE(place.arm(StaysOn::refused).ok());
    news_of(place);
    pull(role);
    EXPECT_NE(news_of(place).find(role + " is disconnected"), std::string::npos) << role;
    EXPECT_EQ(place.state(), State::faulted) << role;
    EXPECT_EQ(pump_->optical_power().value, 0) << role;
    oven_->replug(), shutter_->replug(), pump_->replug();
    EXPECT_EQ(place.beat(), std::nullopt);
    EXPECT_EQ(pump_->optical_power().value, 0) << role;
  }
}

TEST_F(ASourcePlace, NoticesAShutterThatClosedByItself) {
  ThirdPlace place(rig_);
  ASSERT_TRUE(place.arm(StaysOn::refused).ok());
  news_of(place);
  shutter_->close();
  EXPECT_NE(news_of(place).find("the shutter closed by itself"), std::string::npos);
  EXPECT_EQ(*pump_->emission(), hal::EmissionState::off);
}

TEST_F(ASourcePlace, IsArmedOnce) {
  ThirdPlace place(rig_);
  ASSERT_TRUE(place.arm(StaysOn::refused).ok());
  EXPECT_EQ(place.arm(StaysOn::refused).error().code, Code::busy);
}

TEST(APumpThatStaysOn, IsArmedOnlyWhereSomebodyWasTold) {
  hal::Rig rig;
  rig.clock = make_virtual_rig_clock();
  auto laser = std::make_unique<BoughtLaser>();
  BoughtLaser& pump = *laser;
  rig.add("pump", "pump", std::move(laser));
  ThirdPlace place(rig);
  const auto refused = place.arm(StaysOn::refused);
  EXPECT_EQ(refused.error().code, Code::unsafe_state);
  EXPECT_NE(refused.error().message.find("stays on if its cable is pulled"), std::string::npos);
  EXPECT_EQ(pump.state, hal::EmissionState::off);
  ASSERT_TRUE(place.arm(StaysOn::acknowledged).ok());
  news_of(place);
  EXPECT_EQ(pump.state, hal::EmissionState::emitting);
}

TEST(APumpThatStaysOn, NeedsNoAcknowledgementBehindAShutterThatClosesByItself) {
  hal::Rig rig;
  rig.clock = make_virtual_rig_clock();
  rig.add("pump", "pump", std::make_unique<BoughtLaser>());
  rig.add("shutter", "shutter",
          std::make_unique<sim::Shutter>(sim::ShutterConfig{"shutter-1", sim::CablePulled::closes, Picoseconds{}},
                                         *rig.clock));
  ThirdPlace place(rig);
  EXPECT_TRUE(place.arm(StaysOn::refused).ok());
}

}  // namespace
}  // namespace nicol::service
