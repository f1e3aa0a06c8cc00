// SPDX-License-Identifier: Apache-2.0
// Lasers and their coolers: the contract, the way to light, and what the instrument says about it.
#include "tests/instruments/scpi_bench.hpp"

namespace nicol::hal_contract {
namespace {

using hal::EmissionState;
using hal::InterlockState;
using hal::LightLevel;
using test::fixture_of;
using test::LaserBench;

sim::ScpiLaserConfig itc4000() {
  sim::ScpiLaserConfig config;
  config.model = "ITC4001";
  config.serial = "M00400001";
  config.product_id = 0x804a;
  config.limit = 1;
  config.threshold = 0.1;
  return config;
}
/// Slow enough to be seen on its way.
sim::ScpiLaserConfig slow_cooler() {
  sim::ScpiLaserConfig config;
  config.settling = 60;
  return config;
}

const Fixture kCld = fixture_of<LaserBench>("Cld1015", sim::ScpiLaserConfig{});
const Fixture kItc = fixture_of<LaserBench>("Itc4001", itc4000());
const Fixture kCooler = fixture_of<LaserBench>("Cld1015Cooler", slow_cooler(), hal::DeviceArgs{{"unit", "tec"}});

INSTANTIATE_TEST_SUITE_P(ScpiLaser, DeviceContract, testing::Values(kCld, kItc, kCooler), fixture_name);
INSTANTIATE_TEST_SUITE_P(ScpiLaser, PhotonSourceContract, testing::Values(kCld, kItc), fixture_name);
INSTANTIATE_TEST_SUITE_P(ScpiLaser, PumpLaserContract, testing::Values(kCld, kItc), fixture_name);
INSTANTIATE_TEST_SUITE_P(ScpiLaser, TemperatureControllerContract, testing::Values(kCooler), fixture_name);

TEST(ScpiLaserLight, ComesInTheOrderOfTheTable) {
  LaserBench bench;
  ASSERT_TRUE(succeeds(bench.laser().set_current({0.1})));
  ASSERT_TRUE(succeeds(bench.laser().write_property("ramp_rate", hal::Value{2.0})));
  const auto before = bench.inside([](auto& e, Picoseconds) { return e.laser.told().size(); });
  ASSERT_TRUE(succeeds(bench.light_up()));
  auto told = bench.inside([](auto& e, Picoseconds) { return e.laser.told(); });
  told.erase(told.begin(), told.begin() + static_cast<std::ptrdiff_t>(before));
  ASSERT_GE(told.size(), 6u);
  EXPECT_EQ(told[0], "OUTP2:STAT 1");
  EXPECT_EQ(told[1], "SOUR:CURR:LIM:AMPL 0.2");
  EXPECT_EQ(told[2], "SOUR:CURR 0");
  EXPECT_EQ(told[3], "OUTP1:STAT 1");
  EXPECT_EQ(told.back(), "SOUR:CURR 0.1");
  EXPECT_TRUE(bench.shines());
  EXPECT_NEAR(std::get<double>(*bench.laser().read_property("measured_power")), 0.048, 1e-6);
}

TEST(ScpiLaserLight, IsNotSwitchedOnBeforeTheDiodeHasItsTemperature) {
  sim::ScpiLaserConfig config;
  config.settling = 1e6;  // never
  auto timing = test::hasty();
  timing.settle = std::chrono::seconds(100);
  LaserBench bench(config, {}, timing);
  EXPECT_EQ(code_of(bench.laser().arm({1})), Code::timeout);
  EXPECT_EQ(code_of(bench.laser().enable_emission()), Code::unsafe_state);
  EXPECT_EQ(bench.times_on(), 0u);
}

TEST(ScpiLaserLight, IsNotRampedOverTheLimitThatTheInstrumentHas) {
  LaserBench bench;
  bench.usb.locked([&] { bench.emulator.laser.turn_limit_down(0.05); });
  EXPECT_EQ(code_of(bench.laser().set_current({0.1})), Code::out_of_range);
  EXPECT_TRUE(succeeds(bench.laser().set_current({0.04})));
}

TEST(ScpiLaserLight, TakesItsLimitFromTheConfiguration) {
  LaserBench bench({}, {{"limit", "0.15"}});
  EXPECT_DOUBLE_EQ(bench.laser().current_limit()->value, 0.15);
  EXPECT_EQ(code_of(bench.laser().set_current({0.16})), Code::out_of_range);
}

TEST(ScpiLaserLight, OfAnotherHandIsSeen) {
  LaserBench bench;
  bench.usb.locked([&] {
    bench.emulator.laser.execute("OUTP2:STAT 1", bench.usb.now());
    bench.emulator.laser.press_laser_button(bench.usb.now());
  });
  EXPECT_EQ(*bench.laser().emission(), EmissionState::emitting);
  EXPECT_NE(bench.laser().light_level(), LightLevel::off);
  bench.laser().disable_emission();
  EXPECT_EQ(*bench.laser().emission(), EmissionState::off);
}

TEST(ScpiLaserLight, StaysWhenTheCableIsPulledAndEndsWhenItComesBack) {
  LaserBench bench;
  ASSERT_TRUE(succeeds(bench.laser().set_current({0.1})));
  ASSERT_TRUE(succeeds(bench.light_up()));
  bench.unplug();
  EXPECT_TRUE(bench.shines()) << "it has no watchdog";
  EXPECT_NE(bench.laser().light_level(), LightLevel::off) << "nobody said that it is dark";
  bench.replug();
  EXPECT_TRUE(test::soon([&] { return !bench.output_on(); })) << "without anybody's call";
  EXPECT_EQ(bench.times_on(), 1u);
}

TEST(ScpiLaserLight, GoesOutWhenItsDeviceEnds) {
  LaserBench bench;
  ASSERT_TRUE(succeeds(bench.light_up()));
  EXPECT_TRUE(bench.output_on());
  bench.device.reset();
  EXPECT_FALSE(bench.output_on());
}

TEST(ScpiLaserLight, IsOffWhenADriverFindsItOn) {
  sim::ScpiLaserEmulator emulator;
  test::FakeUsb usb(emulator.usb, LaserBench::options());
  usb.locked([&] { emulator.laser.execute("OUTP2:STAT 1;OUTP1:STAT 1", usb.now()); });
  transport::Hub hub;
  const auto laser = scpi_laser::driver(hub, test::hasty()).make({});
  ASSERT_TRUE(succeeds(laser));
  usb.locked([&] { EXPECT_FALSE(emulator.laser.output_on()); });
}

TEST(ScpiLaserKey, ForbidsLightAndIsNamed) {
  LaserBench bench;
  bench.usb.locked([&] { bench.emulator.laser.lock_key(bench.usb.now()); });
  EXPECT_EQ(*bench.laser().interlock(), InterlockState::open);
  const auto armed = bench.laser().arm({1});
  ASSERT_EQ(code_of(armed), Code::interlock);
  EXPECT_NE(armed.error().message.find("key lock"), std::string::npos);
  bench.usb.locked([&] { bench.emulator.laser.unlock_key(); });
  EXPECT_TRUE(succeeds(bench.light_up()));
}

TEST(ScpiLaserKey, TurnedAfterArmingMeansArmingAgain) {
  LaserBench bench;
  ASSERT_TRUE(succeeds(bench.laser().arm({1})));
  bench.usb.locked([&] { bench.emulator.laser.lock_key(bench.usb.now()); });
  EXPECT_EQ(code_of(bench.laser().enable_emission()), Code::interlock);
  bench.usb.locked([&] { bench.emulator.laser.unlock_key(); });
  EXPECT_EQ(code_of(bench.laser().enable_emission()), Code::unsafe_state);
  EXPECT_EQ(bench.times_on(), 0u);
}

TEST(ScpiLaserLevel, OffMeansDarkAndNoEmission) {
  LaserBench bench;
  ASSERT_TRUE(succeeds(bench.light_up()));
  ASSERT_TRUE(succeeds(bench.laser().set_light_level(LightLevel::off)));
  EXPECT_FALSE(bench.output_on());
  ASSERT_TRUE(succeeds(bench.laser().arm({1})));
  EXPECT_EQ(code_of(bench.laser().enable_emission()), Code::unsafe_state);
}

TEST(ScpiLaserCooler, SharesItsInstrumentWithTheLaser) {
  LaserBench bench;
  const auto made = bench.driver.make({{"unit", "tec"}});
  ASSERT_TRUE(succeeds(made));
  auto& cooler = dynamic_cast<hal::TemperatureController&>(**made);
  ASSERT_TRUE(succeeds(bench.light_up()));
  EXPECT_TRUE(*cooler.settled());
  EXPECT_EQ(code_of(cooler.disable()), Code::unsafe_state) << "the laser is lit";
  cooler.safe_state();
  EXPECT_TRUE(*cooler.settled());
  bench.laser().disable_emission();
  EXPECT_TRUE(succeeds(cooler.disable()));
}

TEST(ScpiLaserCooler, OffMeansNoLongerArmed) {
  LaserBench bench;
  const auto made = bench.driver.make({{"unit", "tec"}});
  ASSERT_TRUE(succeeds(made));
  ASSERT_TRUE(succeeds(bench.laser().arm({1})));
  ASSERT_TRUE(succeeds(dynamic_cast<hal::TemperatureController&>(**made).disable()));
  EXPECT_EQ(code_of(bench.laser().enable_emission()), Code::unsafe_state);
}

TEST(ScpiLaserSettings, ComeBackAfterThePowerWasAway) {
  LaserBench bench;
  ASSERT_TRUE(succeeds(bench.laser().set_current({0.1})));
  ASSERT_TRUE(succeeds(bench.laser().set_temperature({30})));
  bench.unplug();
  bench.usb.locked([&] { bench.emulator.laser.cycle_mains(bench.usb.now()); });
  bench.replug();
  EXPECT_DOUBLE_EQ(bench.laser().current()->value, 0.1);
  EXPECT_EQ(bench.inside([](auto& e, Picoseconds now) { return e.laser.execute("SOUR2:TEMP?", now); }), "3.000000E+01");
}

TEST(ScpiLaserFind, ListsLaserAndCoolerWithoutOpening) {
  sim::ScpiLaserEmulator emulator;
  test::FakeUsb usb(emulator.usb, {});
  transport::Hub hub;
  const auto found = scpi_laser::driver(hub).find({}, {});
  ASSERT_TRUE(succeeds(found));
  ASSERT_EQ(found->size(), 2u);
  EXPECT_EQ(found->at(0).at("serial"), "M00312450");
  EXPECT_EQ(found->at(0).at("unit"), "laser");
  EXPECT_EQ(found->at(1).at("unit"), "tec");
  EXPECT_EQ(usb.claimed(), 0);
  EXPECT_EQ(usb.transfers(sim::FaultSide::to_device), 0u);
}

TEST(ScpiLaserFind, SaysWhichPermissionIsMissing) {
  sim::ScpiLaserEmulator emulator;
  test::FakeUsb::Options options;
  options.denied = true;
  test::FakeUsb usb(emulator.usb, options);
  transport::Hub hub;
  const auto found = scpi_laser::driver(hub).find({}, {});
  ASSERT_TRUE(succeeds(found));
  EXPECT_TRUE(found->at(0).contains("missing"));
  EXPECT_EQ(code_of(scpi_laser::driver(hub).make({})), Code::access_denied);
}

TEST(ScpiLaserFind, RefusesArgumentsThatMeanNothing) {
  transport::Hub hub;
  auto driver = scpi_laser::driver(hub);
  EXPECT_EQ(code_of(driver.make({{"unit", "lamp"}})), Code::bad_input);
  EXPECT_EQ(code_of(driver.make({{"limit", "much"}})), Code::bad_input);
  EXPECT_EQ(code_of(driver.make({})), Code::not_found);
  EXPECT_EQ(code_of(driver.make({{"model", "9530"}})), Code::not_found);
}

}  // namespace
}  // namespace nicol::hal_contract
