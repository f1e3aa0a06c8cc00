// SPDX-License-Identifier: Apache-2.0
// Sources: two steps to light, one to darkness, and never back to light by themselves.
#include <array>

#include "tests/hal_contract/fixture.hpp"

namespace nicol::hal_contract {
namespace {

using namespace hal;

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(PhotonSourceContract);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(PulsedSourceContract);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(PumpLaserContract);

constexpr ArmToken kToken{1};

Result<void> light_up(PhotonSource& source, LightLevel level) {
  if (auto ok = source.set_light_level(level); !ok) return ok;
  if (auto ok = source.arm(kToken); !ok) return ok;
  return source.enable_emission();
}

#define LIGHT_UP(source, level) ASSERT_TRUE(succeeds(light_up(source, level)))

void expect_dark_and_disarmed(PhotonSource& source) {
  const auto emission = source.emission();
  ASSERT_TRUE(succeeds(emission));
  EXPECT_NE(*emission, EmissionState::emitting);
  EXPECT_NE(*emission, EmissionState::armed);
  EXPECT_EQ(source.light_level(), LightLevel::off);
  EXPECT_FALSE(source.enable_emission()) << "light came back without arming";
  EXPECT_EQ(source.light_level(), LightLevel::off);
}

TEST_P(PhotonSourceContract, IsDarkWhenFresh) {
  auto& source = as<PhotonSource>();
  EXPECT_EQ(*source.emission(), EmissionState::off);
  EXPECT_EQ(source.light_level(), LightLevel::off);
}

TEST_P(PhotonSourceContract, RefusesToEmitUnarmed) {
  auto& source = as<PhotonSource>();
  EXPECT_EQ(code_of(source.enable_emission()), Code::unsafe_state);
  EXPECT_EQ(*source.emission(), EmissionState::off);
}

TEST_P(PhotonSourceContract, IsStillDarkWhenArmed) {
  auto& source = as<PhotonSource>();
  ASSERT_TRUE(succeeds(source.set_light_level(LightLevel::quantum)));
  ASSERT_TRUE(succeeds(source.arm(kToken)));
  EXPECT_EQ(*source.emission(), EmissionState::armed);
  EXPECT_EQ(source.light_level(), LightLevel::off);
}

TEST_P(PhotonSourceContract, EmitsWhenArmedAndEnabled) {
  auto& source = as<PhotonSource>();
  LIGHT_UP(source, LightLevel::quantum);
  EXPECT_EQ(*source.emission(), EmissionState::emitting);
}

TEST_P(PhotonSourceContract, ReportsTheLightLevelItEmits) {
  auto& source = as<PhotonSource>();
  for (const LightLevel level : {LightLevel::quantum, LightLevel::alignment}) {
    LIGHT_UP(source, level);
    EXPECT_EQ(source.light_level(), level);
    source.disable_emission();
    EXPECT_EQ(source.light_level(), LightLevel::off);
  }
}

TEST_P(PhotonSourceContract, NeedsArmingAgainAfterItWasDisabled) {
  auto& source = as<PhotonSource>();
  LIGHT_UP(source, LightLevel::quantum);
  source.disable_emission();
  expect_dark_and_disarmed(source);
}

TEST_P(PhotonSourceContract, GoesDarkAndDisarmedInSafeState) {
  auto& source = as<PhotonSource>();
  LIGHT_UP(source, LightLevel::quantum);
  source.safe_state();
  expect_dark_and_disarmed(source);
  ASSERT_TRUE(succeeds(source.arm(kToken)));
  source.safe_state();
  expect_dark_and_disarmed(source);
}

TEST_P(PhotonSourceContract, RefusesArmingWhileTheInterlockIsOpen) {
  NICOL_NEEDS(open_interlock);
  auto& source = as<PhotonSource>();
  bench().open_interlock();
  EXPECT_EQ(*source.interlock(), InterlockState::open);
  EXPECT_EQ(code_of(source.arm(kToken)), Code::interlock);
  EXPECT_EQ(source.light_level(), LightLevel::off);
}

TEST_P(PhotonSourceContract, GoesDarkWhenTheInterlockOpens) {
  NICOL_NEEDS(open_interlock);
  auto& source = as<PhotonSource>();
  LIGHT_UP(source, LightLevel::quantum);
  bench().open_interlock();
  EXPECT_EQ(*source.emission(), EmissionState::tripped);
  EXPECT_EQ(source.light_level(), LightLevel::off);
}

TEST_P(PhotonSourceContract, StaysDarkWhenTheInterlockClosesAgain) {
  NICOL_NEEDS(open_interlock);
  NICOL_NEEDS(close_interlock);
  auto& source = as<PhotonSource>();
  LIGHT_UP(source, LightLevel::quantum);
  bench().open_interlock();
  bench().close_interlock();
  expect_dark_and_disarmed(source);
}

TEST_P(PhotonSourceContract, HasAnInterlockIfItSaysSo) {
  auto& source = as<PhotonSource>();
  EXPECT_EQ(*source.interlock() != InterlockState::absent, source.caps().has_interlock);
}

TEST_P(PhotonSourceContract, NeverClaimsToKnowItsLightWithoutALink) {
  NICOL_NEEDS(unplug);
  auto& source = as<PhotonSource>();
  LIGHT_UP(source, LightLevel::quantum);
  bench().unplug();
  const auto emission = source.emission();
  if (emission) {
    EXPECT_EQ(*emission, EmissionState::unknown);
  } else {
    EXPECT_EQ(emission.error().code, Code::disconnected);
  }
}

TEST_P(PhotonSourceContract, IsNotArmedAfterItWasUnplugged) {
  NICOL_NEEDS(unplug);
  NICOL_NEEDS(replug);
  auto& source = as<PhotonSource>();
  ASSERT_TRUE(succeeds(source.arm(kToken)));
  bench().unplug();
  bench().replug();
  expect_dark_and_disarmed(source);
  LIGHT_UP(source, LightLevel::quantum);
  bench().unplug();
  bench().replug();
  expect_dark_and_disarmed(source);
}

TEST_P(PhotonSourceContract, GoesDarkByItselfIfItSaysSo) {
  NICOL_NEEDS(unplug);
  NICOL_NEEDS(light_passes);
  auto& source = as<PhotonSource>();
  NICOL_LACKS(!source.caps().self_safing, "self_safing");
  LIGHT_UP(source, LightLevel::alignment);
  EXPECT_TRUE(bench().light_passes());
  bench().unplug();
  EXPECT_FALSE(bench().light_passes());
}

class Settings64 {
 public:
  PatternChunk chunk(std::uint64_t first) const { return {first, 64, zeros_, zeros_, {}, {}}; }

 private:
  std::array<std::uint64_t, 1> zeros_{};
};

TEST_P(PulsedSourceContract, RefusesABlockBeforeEmissionIsEnabled) {
  EXPECT_EQ(code_of(as<PulsedSource>().begin_block(64)), Code::unsafe_state);
}

TEST_P(PulsedSourceContract, RefusesSlotsOutsideABlock) {
  auto& source = as<PulsedSource>();
  LIGHT_UP(source, LightLevel::quantum);
  EXPECT_FALSE(source.emit(Settings64{}.chunk(0)));
}

TEST_P(PulsedSourceContract, EmitsABlockSlotAfterSlot) {
  auto& source = as<PulsedSource>();
  NICOL_LACKS(source.caps().record == PreparationRecord::motor_setting, "pattern_player");
  LIGHT_UP(source, LightLevel::quantum);
  ASSERT_TRUE(succeeds(source.begin_block(128)));
  EXPECT_TRUE(succeeds(source.emit(Settings64{}.chunk(0))));
  EXPECT_TRUE(succeeds(source.emit(Settings64{}.chunk(64))));
  EXPECT_TRUE(succeeds(source.end_block()));
}

TEST_P(PulsedSourceContract, RefusesSlotsThatDoNotFollow) {
  auto& source = as<PulsedSource>();
  NICOL_LACKS(source.caps().record == PreparationRecord::motor_setting, "pattern_player");
  LIGHT_UP(source, LightLevel::quantum);
  ASSERT_TRUE(succeeds(source.begin_block(256)));
  ASSERT_TRUE(succeeds(source.emit(Settings64{}.chunk(0))));
  EXPECT_EQ(code_of(source.emit(Settings64{}.chunk(128))), Code::out_of_range);
  EXPECT_EQ(code_of(source.emit(Settings64{}.chunk(0))), Code::out_of_range);
}

TEST_P(PulsedSourceContract, FiresOnlyWhereAMotorSetsTheState) {
  auto& source = as<PulsedSource>();
  LIGHT_UP(source, LightLevel::quantum);
  ASSERT_TRUE(succeeds(source.begin_block(64)));
  if (source.caps().record == PreparationRecord::motor_setting) {
    EXPECT_TRUE(succeeds(source.fire(1)));
  } else {
    EXPECT_EQ(code_of(source.fire(1)), Code::not_supported);
  }
}

TEST_P(PulsedSourceContract, EmitsNothingOnceDisabled) {
  auto& source = as<PulsedSource>();
  LIGHT_UP(source, LightLevel::quantum);
  ASSERT_TRUE(succeeds(source.begin_block(64)));
  source.disable_emission();
  const bool motor = source.caps().record == PreparationRecord::motor_setting;
  EXPECT_EQ(code_of(motor ? source.fire(1) : source.emit(Settings64{}.chunk(0))), Code::unsafe_state);
}

/// A multiple of every sync divider in use.
constexpr std::uint64_t kLater = 1'280'000, kEnd = 2 * kLater;

/// An open block whose light was switched off; empty where a pause ends it.
Result<void> interrupted_block(PulsedSource& source) {
  if (auto ok = light_up(source, LightLevel::quantum); !ok) return ok;
  if (auto ok = source.begin_block(kEnd); !ok) return ok;
  source.disable_emission();
  if (auto ok = light_up(source, LightLevel::quantum); !ok) return ok;
  return source.resume_block(kLater);
}

#define INTERRUPT_BLOCK(source)                                               \
  if (const auto resumed = interrupted_block(source); !resumed) {             \
    NICOL_LACKS(resumed.error().code == Code::not_supported, "resume_block"); \
    FAIL() << describe(resumed.error());                                      \
  }                                                                           \
  static_assert(true)

Result<void> show_a_slot(PulsedSource& source, std::uint64_t slot) {
  return source.caps().record == PreparationRecord::motor_setting ? source.fire(1)
                                                                  : source.emit(Settings64{}.chunk(slot));
}

TEST_P(PulsedSourceContract, GoesOnWithABlockAfterItWasSwitchedOff) {
  auto& source = as<PulsedSource>();
  INTERRUPT_BLOCK(source);
  EXPECT_TRUE(succeeds(show_a_slot(source, kLater)));
  EXPECT_TRUE(succeeds(source.end_block()));
}

TEST_P(PulsedSourceContract, GoesOnWithABlockAfterItWasUnplugged) {
  NICOL_NEEDS(unplug);
  NICOL_NEEDS(replug);
  auto& source = as<PulsedSource>();
  INTERRUPT_BLOCK(source);
  bench().unplug();
  EXPECT_EQ(code_of(source.resume_block(kEnd)), Code::disconnected);
  bench().replug();
  EXPECT_EQ(code_of(source.resume_block(kEnd)), Code::unsafe_state) << "light came back without arming";
  LIGHT_UP(source, LightLevel::quantum);
  EXPECT_TRUE(succeeds(source.resume_block(kLater)));
  EXPECT_TRUE(succeeds(show_a_slot(source, kLater)));
}

TEST_P(PulsedSourceContract, GoesOnManyTimes) {
  auto& source = as<PulsedSource>();
  INTERRUPT_BLOCK(source);
  for (int i = 0; i < 3; ++i) {
    source.disable_emission();
    LIGHT_UP(source, LightLevel::quantum);
    EXPECT_TRUE(succeeds(source.resume_block(kLater)));
  }
  EXPECT_TRUE(succeeds(show_a_slot(source, kLater)));
}

TEST_P(PulsedSourceContract, ShowsNoSlotTwiceAfterAPause) {
  auto& source = as<PulsedSource>();
  INTERRUPT_BLOCK(source);
  ASSERT_TRUE(succeeds(show_a_slot(source, kLater)));
  source.disable_emission();
  LIGHT_UP(source, LightLevel::quantum);
  EXPECT_EQ(code_of(source.resume_block(kLater)), Code::out_of_range);
  EXPECT_EQ(code_of(source.resume_block(0)), Code::out_of_range);
}

TEST_P(PulsedSourceContract, GoesOnNowhereBeyondItsBlock) {
  auto& source = as<PulsedSource>();
  INTERRUPT_BLOCK(source);
  EXPECT_EQ(code_of(source.resume_block(kEnd + kLater)), Code::out_of_range);
}

TEST_P(PulsedSourceContract, TakesOnlyTheSlotsThatFollowAfterAPause) {
  auto& source = as<PulsedSource>();
  NICOL_LACKS(source.caps().record == PreparationRecord::motor_setting, "pattern_player");
  INTERRUPT_BLOCK(source);
  EXPECT_EQ(code_of(source.emit(Settings64{}.chunk(0))), Code::out_of_range);
  EXPECT_EQ(code_of(source.emit(Settings64{}.chunk(kLater + 64))), Code::out_of_range);
}

TEST_P(PulsedSourceContract, GoesOnWithNothingThatWasNotBegun) {
  auto& source = as<PulsedSource>();
  LIGHT_UP(source, LightLevel::quantum);
  EXPECT_FALSE(source.resume_block(0));
}

TEST_P(PulsedSourceContract, SaysHowLongASlotIsAndHowManyItTakes) {
  const SourceCaps caps = as<PulsedSource>().caps();
  EXPECT_GT(caps.slot_period, Picoseconds{});
  if (caps.record != PreparationRecord::motor_setting) {
    EXPECT_GE(caps.max_pattern_slots, 64u);
  }
}

TEST_P(PumpLaserContract, KeepsItsCurrentBelowTheLimit) {
  auto& laser = as<PumpLaser>();
  const double limit = laser.current_limit()->value;
  EXPECT_TRUE(succeeds(laser.set_current({limit / 2})));
  EXPECT_EQ(code_of(laser.set_current({limit * 1.01})), Code::out_of_range);
  EXPECT_EQ(code_of(laser.set_current({-0.001})), Code::out_of_range);
  EXPECT_DOUBLE_EQ(laser.current()->value, limit / 2);
}

TEST_P(PumpLaserContract, RampsToItsGoal) {
  auto& laser = as<PumpLaser>();
  const double limit = laser.current_limit()->value;
  ASSERT_TRUE(succeeds(laser.ramp({limit / 2}, {limit}, soon())));
  EXPECT_DOUBLE_EQ(laser.current()->value, limit / 2);
  ASSERT_TRUE(succeeds(laser.ramp({0}, {limit}, soon())));
  EXPECT_DOUBLE_EQ(laser.current()->value, 0);
}

TEST_P(PumpLaserContract, RefusesARampThatGoesNowhereOrTooFar) {
  auto& laser = as<PumpLaser>();
  const double limit = laser.current_limit()->value;
  EXPECT_EQ(code_of(laser.ramp({limit / 2}, {0}, soon())), Code::out_of_range);
  EXPECT_EQ(code_of(laser.ramp({limit * 2}, {limit}, soon())), Code::out_of_range);
}

TEST_P(PumpLaserContract, EndsARampAtItsDeadline) {
  auto& laser = as<PumpLaser>();
  EXPECT_EQ(code_of(laser.ramp(*laser.current_limit(), {0.01}, past())), Code::timeout);
}

}  // namespace
}  // namespace nicol::hal_contract
