// SPDX-License-Identifier: Apache-2.0
// Detectors, shutters, meters and knobs.
#include <cmath>

#include "tests/hal_contract/fixture.hpp"

namespace nicol::hal_contract {
namespace {

using namespace hal;

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(DetectorContract);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ShutterContract);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(CounterContract);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(PowerMeterContract);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(AttenuatorContract);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(TemperatureControllerContract);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(DigitalIoContract);

TEST_P(DetectorContract, IsOffWhenFresh) { EXPECT_FALSE(as<Detector>().enabled()); }

TEST_P(DetectorContract, IsEnabledInDarknessAndInQuantumLight) {
  NICOL_NEEDS(shine);
  auto& detector = as<Detector>();
  for (const LightLevel level : {LightLevel::off, LightLevel::quantum}) {
    bench().shine(level);
    ASSERT_TRUE(succeeds(detector.enable())) << to_string(level);
    EXPECT_TRUE(detector.enabled());
    detector.disable();
    EXPECT_FALSE(detector.enabled());
  }
}

TEST_P(DetectorContract, RefusesToBeEnabledUnderAlignmentLight) {
  NICOL_NEEDS(shine);
  auto& detector = as<Detector>();
  bench().shine(LightLevel::alignment);
  EXPECT_EQ(code_of(detector.enable()), Code::unsafe_state);
  EXPECT_FALSE(detector.enabled());
}

TEST_P(DetectorContract, IsOffInSafeState) {
  auto& detector = as<Detector>();
  ASSERT_TRUE(succeeds(detector.enable()));
  detector.safe_state();
  EXPECT_FALSE(detector.enabled());
}

TEST_P(DetectorContract, IsOffAfterItWasUnplugged) {
  NICOL_NEEDS(unplug);
  NICOL_NEEDS(replug);
  auto& detector = as<Detector>();
  ASSERT_TRUE(succeeds(detector.enable()));
  bench().unplug();
  bench().replug();
  EXPECT_FALSE(detector.enabled());
}

TEST_P(DetectorContract, CountsNothingWhileOff) { EXPECT_EQ(as<Detector>().rate()->value, 0); }

TEST_P(DetectorContract, DescribesItselfPlausibly) {
  const DetectorInfo info = as<Detector>().detector();
  EXPECT_GE(info.efficiency, 0);
  EXPECT_LE(info.efficiency, 1);
  EXPECT_GE(info.dark_rate, Hertz{0});
  EXPECT_GT(info.rate_limit, Hertz{0});
  EXPECT_GE(info.dead_time, Picoseconds{});
}

TEST_P(ShutterContract, IsClosedWhenFresh) { EXPECT_EQ(*as<Shutter>().state(), ShutterState::closed); }

TEST_P(ShutterContract, OpensAndCloses) {
  NICOL_NEEDS(advance);
  auto& shutter = as<Shutter>();
  ASSERT_TRUE(succeeds(shutter.open()));
  EXPECT_NE(*shutter.state(), ShutterState::closed);
  pass_time(1);
  EXPECT_EQ(*shutter.state(), ShutterState::open);
  shutter.close();
  EXPECT_NE(*shutter.state(), ShutterState::open);
  pass_time(1);
  EXPECT_EQ(*shutter.state(), ShutterState::closed);
}

TEST_P(ShutterContract, ClosesInSafeState) {
  NICOL_NEEDS(advance);
  auto& shutter = as<Shutter>();
  ASSERT_TRUE(succeeds(shutter.open()));
  pass_time(1);
  shutter.safe_state();
  pass_time(1);
  EXPECT_EQ(*shutter.state(), ShutterState::closed);
}

TEST_P(ShutterContract, ClosesWithItsCablePulledExactlyIfItSaysSo) {
  NICOL_NEEDS(unplug);
  NICOL_NEEDS(advance);
  NICOL_NEEDS(light_passes);
  auto& shutter = as<Shutter>();
  ASSERT_TRUE(succeeds(shutter.open()));
  pass_time(1);
  EXPECT_TRUE(bench().light_passes());
  bench().unplug();
  pass_time(1);
  EXPECT_EQ(bench().light_passes(), !shutter.self_closing());
}

TEST_P(CounterContract, CountsDuringItsIntegrationTime) {
  auto& counter = as<Counter>();
  const auto counts = counter.count(Picoseconds::seconds(0.1), soon());
  ASSERT_TRUE(succeeds(counts));
  EXPECT_FALSE(counts->empty());
}

TEST_P(CounterContract, TimesOutInsteadOfWaitingForEver) {
  EXPECT_EQ(code_of(as<Counter>().count(Picoseconds::seconds(100), past())), Code::timeout);
}

TEST_P(CounterContract, RefusesNoIntegrationTime) {
  EXPECT_EQ(code_of(as<Counter>().count(Picoseconds{0}, soon())), Code::out_of_range);
}

TEST_P(PowerMeterContract, ReadsAboutZeroOnceZeroed) {
  auto& meter = as<PowerMeter>();
  ASSERT_TRUE(succeeds(meter.zero(soon())));
  EXPECT_NEAR(meter.power()->value, 0, 1e-12);
}

TEST_P(PowerMeterContract, RefusesAWavelengthItCannotMeasure) {
  auto& meter = as<PowerMeter>();
  EXPECT_TRUE(succeeds(meter.set_wavelength({810})));
  EXPECT_EQ(code_of(meter.set_wavelength({-1})), Code::out_of_range);
  EXPECT_EQ(code_of(meter.set_wavelength({1e6})), Code::out_of_range);
}

TEST_P(AttenuatorContract, GoesWhereItIsSetWithinItsRange) {
  auto& d = as<VariableAttenuator>();
  const Range range = d.range();
  const double goal = range.min + 0.5 * (range.max - range.min);
  ASSERT_TRUE(succeeds(d.set_attenuation({goal})));
  EXPECT_NEAR(d.attenuation()->value, goal, std::max(range.step, 1e-9));
  EXPECT_EQ(code_of(d.set_attenuation({range.max + 1})), Code::out_of_range);
  EXPECT_EQ(code_of(d.set_attenuation({range.min - 1})), Code::out_of_range);
}

TEST_P(AttenuatorContract, AttenuatesMostInSafeState) {
  auto& d = as<VariableAttenuator>();
  ASSERT_TRUE(succeeds(d.set_attenuation({d.range().min})));
  d.safe_state();
  EXPECT_NEAR(d.attenuation()->value, d.range().max, std::max(d.range().step, 1e-9));
}

TEST_P(TemperatureControllerContract, SettlesAtItsSetPointWhileEnabled) {
  NICOL_NEEDS(advance);
  auto& d = as<TemperatureController>();
  ASSERT_TRUE(succeeds(d.set_temperature({30})));
  ASSERT_TRUE(succeeds(d.enable()));
  EXPECT_FALSE(*d.settled());
  pass_time(600);
  EXPECT_TRUE(*d.settled());
  EXPECT_NEAR(d.temperature()->value, 30, 0.1);
}

TEST_P(TemperatureControllerContract, IsNotSettledWhileDisabled) {
  NICOL_NEEDS(advance);
  auto& d = as<TemperatureController>();
  ASSERT_TRUE(succeeds(d.set_temperature({30})));
  ASSERT_TRUE(succeeds(d.enable()));
  pass_time(600);
  ASSERT_TRUE(succeeds(d.disable()));
  EXPECT_FALSE(*d.settled());
}

TEST_P(TemperatureControllerContract, RefusesTemperaturesItCannotHold) {
  EXPECT_EQ(code_of(as<TemperatureController>().set_temperature({1e4})), Code::out_of_range);
  EXPECT_EQ(code_of(as<TemperatureController>().set_temperature({-1e4})), Code::out_of_range);
}

TEST_P(DigitalIoContract, ReadsWhatTheWorldDrives) {
  NICOL_NEEDS(drive_input);
  auto& d = as<DigitalIo>();
  for (std::size_t i = 0; i < d.inputs(); ++i) {
    for (const Level level : {Level::high, Level::low}) {
      bench().drive_input(i, level);
      EXPECT_EQ(*d.read(i), level) << "input " << i;
    }
  }
}

TEST_P(DigitalIoContract, RefusesLinesItHasNot) {
  auto& d = as<DigitalIo>();
  EXPECT_EQ(code_of(d.read(d.inputs())), Code::out_of_range);
  EXPECT_EQ(code_of(d.write(d.outputs(), Level::high)), Code::out_of_range);
}

}  // namespace
}  // namespace nicol::hal_contract
