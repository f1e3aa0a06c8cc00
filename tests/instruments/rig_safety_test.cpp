// SPDX-License-Identifier: Apache-2.0
// Light safety as the driver and the board keep it together: dark by themselves, lit by nobody but a person.
#include "tests/hal_contract/fixture.hpp"
#include "tests/instruments/rig_fixture.hpp"

namespace nicol::test {
namespace {

using hal_contract::code_of;
using hal_contract::succeeds;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

RigSetup in_real_time() {
  RigSetup setup;
  setup.time_scale = 1;
  setup.timing.usb = {200, 3};
  return setup;
}

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

TEST(RigSafety, TheBoardGoesDarkASecondAfterItsHostFellSilent) {
  RigFixture rig(in_real_time());
  auto source = rig.open<hal::PulsedSource>("source");
  ASSERT_TRUE(succeeds(source->set_light_level(hal::LightLevel::quantum)));
  ASSERT_TRUE(succeeds(source->arm({1})));
  ASSERT_TRUE(succeeds(source->enable_emission()));
  ASSERT_TRUE(rig.bench().emitting());
  rig.usb().unplug();  // and the board is not told
  const auto silent = Clock::now();
  ASSERT_TRUE(until([&] { return !rig.bench().emitting(); }, 3));
  EXPECT_GT(seconds_since(silent), 0.5);
  EXPECT_LT(seconds_since(silent), 1.6);
  EXPECT_NE(rig.core().faults() & fw::kFaultLinkLost, 0);
}

TEST(RigSafety, LightDoesNotComeBackWithTheCable) {
  RigFixture rig;
  auto source = rig.lit_source();
  rig.unplug(*source);
  EXPECT_EQ(code_of(source->emission()), Code::disconnected);
  rig.replug(*source, "1-4");
  const auto emission = source->emission();
  ASSERT_TRUE(succeeds(emission));
  EXPECT_EQ(*emission, hal::EmissionState::off);
  EXPECT_FALSE(source->enable_emission());
  EXPECT_FALSE(rig.bench().emitting());
}

TEST(RigSafety, ASilentBoardIsShownAsUnknown) {
  RigSetup setup = in_real_time();
  setup.timing.usb = {20, 1};
  setup.timing.silence = 300ms;
  RigFixture rig(setup);
  auto source = rig.open<hal::PulsedSource>("source");
  // Nothing that it says arrives any more.
  rig.usb().set_faults({{sim::FaultKind::drop, sim::FaultSide::from_device, 0, 1'000'000'000, {}, 0}});
  ASSERT_TRUE(until([&] { return source->link() == hal::Link::faulted; }, 4));
  const auto emission = source->emission();
  ASSERT_TRUE(succeeds(emission));
  EXPECT_EQ(*emission, hal::EmissionState::unknown);
  EXPECT_EQ(source->light_level(), hal::LightLevel::off);
}

TEST(RigSafety, ASecondProgramThatGreetsTheBoardFindsItDark) {
  RigFixture rig;
  auto source = rig.lit_source();
  source.reset();
  rig.forget_hub();
  EXPECT_FALSE(rig.bench().emitting()) << "the program ended, the light did not";
}

TEST(RigSafety, ArmingTakesTwoStepsAndANonceIsGoodForOne) {
  RigFixture rig;
  auto source = rig.open<hal::PulsedSource>("source");
  EXPECT_EQ(code_of(source->enable_emission()), Code::unsafe_state);
  ASSERT_TRUE(succeeds(source->arm({1})));
  EXPECT_FALSE(rig.bench().emitting());
  ASSERT_TRUE(succeeds(source->enable_emission()));
  EXPECT_TRUE(rig.bench().emitting());
  source->disable_emission();
  EXPECT_FALSE(rig.bench().emitting());
  EXPECT_EQ(code_of(source->enable_emission()), Code::unsafe_state);
}

TEST(RigSafety, AnOpenKeySwitchIsAnOpenInterlock) {
  RigFixture rig;
  auto source = rig.lit_source();
  rig.bench().set_key(fw::Loop::open);
  ASSERT_TRUE(until([&] { return !rig.bench().emitting(); }, 1));
  EXPECT_EQ(*source->emission(), hal::EmissionState::tripped);
  EXPECT_EQ(code_of(source->arm({1})), Code::interlock);
}

TEST(RigSafety, BrightLightNeverMeetsEnabledDetectors) {
  RigFixture rig;
  auto source = rig.open<hal::PulsedSource>("source");
  auto detector = rig.open<hal::Detector>("detector-0");
  ASSERT_TRUE(succeeds(detector->enable()));
  EXPECT_EQ(code_of(source->set_light_level(hal::LightLevel::alignment)), Code::unsafe_state);
  EXPECT_NE(rig.bench().light(), fw::Light::alignment);
  detector->disable();
  ASSERT_TRUE(succeeds(source->set_light_level(hal::LightLevel::alignment)));
  EXPECT_EQ(code_of(detector->enable()), Code::unsafe_state);
  EXPECT_FALSE(rig.bench().detector_on(0));
}

TEST(RigSafety, TooManyCountsCloseTheShutterWithinAFifthOfASecond) {
  RigFixture rig(in_real_time());
  auto shutter = rig.open<hal::Shutter>("shutter-0");
  auto detector = rig.open<hal::Detector>("detector-1", {{"rate_limit_hz", "100000"}});
  ASSERT_TRUE(succeeds(shutter->open()));
  ASSERT_TRUE(succeeds(detector->enable()));
  rig.bench().set_rate(1, 90'000);
  std::this_thread::sleep_for(300ms);
  EXPECT_TRUE(rig.bench().shutter_open(0));
  rig.bench().set_rate(1, 500'000);
  const auto begin = Clock::now();
  ASSERT_TRUE(until([&] { return !rig.bench().shutter_open(0); }, 2));
  EXPECT_GT(seconds_since(begin), 0.07);  // a mean over 20 ms that had begun before counts as a whole
  EXPECT_LT(seconds_since(begin), 0.35);  // 100 ms on end, 100 ms to act, and a slow test machine
  EXPECT_FALSE(rig.bench().detector_on(1));
  EXPECT_TRUE(until([&] { return !detector->enabled(); }, 1));
}

TEST(RigSafety, AnOverRateIsNotForgottenByOpeningTheShutterAgain) {
  RigFixture rig;
  auto shutter = rig.open<hal::Shutter>("shutter-0");
  auto detector = rig.open<hal::Detector>("detector-1");
  ASSERT_TRUE(succeeds(detector->enable()));
  rig.bench().set_rate(1, 5e6);
  ASSERT_TRUE(until([&] { return !rig.bench().detector_on(1); }, 2));
  const auto opened = shutter->open();
  EXPECT_EQ(code_of(opened), Code::over_rate);
  EXPECT_NE(opened.error().message.find("count rate over its limit"), std::string::npos) << opened.error().message;
  EXPECT_EQ(code_of(detector->enable()), Code::over_rate);
  ASSERT_TRUE(succeeds(shutter->write_property("faults", std::string("none"))));
  EXPECT_TRUE(succeeds(shutter->open()));
}

TEST(RigSafety, AnOverRateIsNotForgottenByArming) {
  RigFixture rig;
  auto source = rig.open<hal::PulsedSource>("source");
  auto detector = rig.open<hal::Detector>("detector-1");
  ASSERT_TRUE(succeeds(detector->enable()));
  rig.bench().set_rate(1, 5e6);
  ASSERT_TRUE(until([&] { return (rig.core().faults() & fw::kFaultOverRate) != 0; }));
  source->safe_state();  // a fault of its own beside it
  EXPECT_EQ(code_of(source->arm({1})), Code::over_rate);
  EXPECT_EQ(rig.core().faults(), fw::kFaultOverRate);
}

TEST(RigSafety, ADetectorThatBrightLightSwitchedOffSaysSo) {
  RigFixture rig;
  auto detector = rig.open<hal::Detector>("detector-0");
  auto bright = rig.open<hal::Detector>("detector-1");
  ASSERT_TRUE(succeeds(detector->enable()));
  ASSERT_TRUE(succeeds(bright->enable()));
  rig.bench().set_rate(1, 5e6);
  ASSERT_TRUE(until([&] { return !detector->enabled(); }));
  const auto rate = detector->rate();
  ASSERT_EQ(code_of(rate), Code::over_rate);
  EXPECT_NE(rate.error().message.find("bright light: detector 1"), std::string::npos) << rate.error().message;
  ASSERT_TRUE(succeeds(detector->write_property("faults", std::string("none"))));
  EXPECT_TRUE(succeeds(detector->rate()));
}

TEST(RigSafety, SafeStateClosesEverythingAtOnce) {
  RigFixture rig;
  auto source = rig.lit_source();
  auto shutter = rig.open<hal::Shutter>("shutter-0");
  auto detector = rig.open<hal::Detector>("detector-0");
  ASSERT_TRUE(succeeds(shutter->open()));
  ASSERT_TRUE(succeeds(detector->enable()));
  const auto begin = Clock::now();
  shutter->safe_state();
  EXPECT_LT(seconds_since(begin), 0.1);
  EXPECT_FALSE(rig.bench().emitting());
  EXPECT_FALSE(rig.bench().shutter_open(0));
  EXPECT_FALSE(rig.bench().detector_on(0));
}

TEST(RigSafety, DarknessOvertakesAPatternThatWaitsForRoom) {
  RigFixture rig;
  auto source = rig.open<hal::PulsedSource>("source", {{"slot_ps", "1000000000"}});  // a slot lasts a millisecond
  ASSERT_TRUE(succeeds(source->set_light_level(hal::LightLevel::quantum)));
  ASSERT_TRUE(succeeds(source->arm({1})));
  ASSERT_TRUE(succeeds(source->enable_emission()));
  const std::size_t slots = 1 << 18;  // four times what the board holds
  const std::vector<std::uint64_t> settings(slots / 64, 0x5555);
  ASSERT_TRUE(succeeds(source->begin_block(slots)));
  Result<void> emitted;
  std::thread emitter([&] { emitted = source->emit({0, slots, settings, settings, {}, {}}); });
  std::this_thread::sleep_for(200ms);
  const auto begin = Clock::now();
  source->disable_emission();
  EXPECT_LT(seconds_since(begin), 0.1);
  EXPECT_FALSE(rig.bench().emitting());
  emitter.join();
  EXPECT_FALSE(emitted);
}

}  // namespace
}  // namespace nicol::test
