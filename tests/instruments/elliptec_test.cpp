// SPDX-License-Identifier: Apache-2.0
// The Elliptec driver over emulated mounts: the contract of a rotation stage, many mounts on one line, and mutants.
#include <fmt/core.h>

#include "tests/hal_contract/fixture.hpp"
#include "tests/instruments/elliptec_bench.hpp"

namespace nicol::hal_contract {
namespace {

using sim::Ell14BusConfig;
using sim::Ell14Mutant;
using test::ElliptecBench;
using test::finished;
using test::home;
using test::turn_to;

struct Mounted {
  explicit Mounted(const Ell14BusConfig& config) : bench(config), stage(bench.open()) {}
  ElliptecBench bench;
  std::unique_ptr<hal::RotationStage> stage;
};

Bench contract_bench(const Ell14BusConfig& config) {
  auto mounted = std::make_shared<Mounted>(config);
  Bench bench;
  bench.device = mounted->stage.get();
  bench.unplug = [m = mounted.get()] { m->bench.unplug(*m->stage); };
  bench.replug = [m = mounted.get()] { m->bench.replug(*m->stage, "ttyELL7"); };
  bench.stall = [m = mounted.get()] { m->bench.tty().locked([m] { m->bench.mounts().module(0).stall_next(); }); };
  bench.advance = [](Picoseconds time) {
    std::this_thread::sleep_for(std::chrono::duration<double>(time.seconds() / test::kElliptecHaste));
  };
  bench.because = {{"can_abort", "can_abort = false (DEVICES.md 0.5: ELL14 has no abort for ma, mr, ho)"},
                   {"travel", "travel = none (DEVICES.md 1.2: a rotary mount turns on past 360 deg)"}};
  bench.keep = std::move(mounted);
  return bench;
}

Ell14BusConfig quirky() {
  Ell14BusConfig config;
  config.stray_zeros = config.presses_buttons = true;
  config.modules[0].wraps = true;
  return config;
}

const Fixture kPlain{"Ell14", [] { return contract_bench({}); }};
const Fixture kQuirky{"Ell14WithQuirks", [] { return contract_bench(quirky()); }};

INSTANTIATE_TEST_SUITE_P(Elliptec, DeviceContract, testing::Values(kPlain, kQuirky), fixture_name);
INSTANTIATE_TEST_SUITE_P(Elliptec, RotationStageContract, testing::Values(kPlain, kQuirky), fixture_name);

Ell14BusConfig two_mounts() {
  Ell14BusConfig config;
  config.modules.resize(2);
  config.modules[0].address = '2';
  config.modules[1].address = '3';
  config.modules[1].serial = "11400284";
  return config;
}

/// The named case that a mutant must not pass: each optic stands where its stage says, and only the one asked moved.
Result<void> optics_follow(ElliptecBench& bench) {
  auto first = bench.open("2"), second = bench.open("3");
  for (auto* stage : {first.get(), second.get()})
    if (auto ok = home(*stage); !ok) return ok;
  const Angle stays = bench.optic(1);
  if (auto ok = turn_to(*first, 60); !ok) return ok;
  const double goal = std::remainder(bench.optic(0).degrees() - 60, 360), moved = (bench.optic(1) - stays).degrees();
  if (std::abs(goal) < 0.2 && std::abs(moved) < 0.2) return {};
  return Error{Code::motion_fault,
               fmt::format("an optic is {:.2f} deg beside its goal, the other moved {:.2f} deg", goal, moved)};
}

TEST(ElliptecOptics, StandWhereTheirStagesSay) {
  ElliptecBench bench(two_mounts());
  EXPECT_TRUE(succeeds(optics_follow(bench)));
}

TEST(ElliptecOptics, OfAMountThatIgnoresMovesAreFoundOut) {
  auto config = two_mounts();
  config.modules[0].mutant = Ell14Mutant::ignores_moves;
  ElliptecBench bench(config);
  EXPECT_EQ(code_of(optics_follow(bench)), Code::motion_fault);
}

TEST(ElliptecOptics, OfAMountThatOnlyEchoesAreFoundOut) {
  auto config = two_mounts();
  config.modules[0].mutant = Ell14Mutant::echoes_command;
  ElliptecBench bench(config);
  EXPECT_EQ(code_of(optics_follow(bench)), Code::motion_fault);
}

TEST(ElliptecOptics, OfSwappedMountsAreFoundOut) {
  auto config = two_mounts();
  config.swaps_first_two = true;
  ElliptecBench bench(config);
  EXPECT_EQ(code_of(optics_follow(bench)), Code::motion_fault);
}

TEST(ElliptecMount, ReportsAMountThatIgnoresMovesButNotWhereItStands) {
  Ell14BusConfig config;
  config.modules[0].mutant = Ell14Mutant::ignores_moves;
  Mounted mounted(config);
  ASSERT_TRUE(succeeds(home(*mounted.stage)));
  const auto moved = turn_to(*mounted.stage, 45);
  ASSERT_EQ(code_of(moved), Code::motion_fault);
  EXPECT_NE(moved.error().message.find("more than 0.15 deg from where it was sent"), std::string::npos)
      << moved.error().message;
  EXPECT_EQ(moved.error().message.find("45"), std::string::npos) << "an angle is a basis and a bit";
}

TEST(ElliptecBus, MovesTwoMountsTogether) {
  auto config = two_mounts();
  for (auto& module : config.modules) {
    module.fastest = 10;  // deg/s: 2.5 s of the test, in which both must be seen moving
    module.power_up = Angle::degrees(250);
  }
  ElliptecBench bench(config);
  auto first = bench.open("2"), second = bench.open("3");
  auto one = first->home(hal::HomeDirection::negative), two = second->home(hal::HomeDirection::negative);
  ASSERT_TRUE(succeeds(one));
  ASSERT_TRUE(succeeds(two));
  EXPECT_TRUE(first->status()->moving && second->status()->moving);
  EXPECT_TRUE(succeeds(one->wait(test::in_seconds(20))));
  EXPECT_TRUE(succeeds(two->wait(test::in_seconds(20))));
  EXPECT_TRUE(first->status()->homed && second->status()->homed);
}

TEST(ElliptecBus, KeepsManyTalkersApart) {
  ElliptecBench bench(two_mounts());
  auto first = bench.open("2"), second = bench.open("3");
  std::atomic<int> failures = 0;
  const auto work = [&](hal::RotationStage& stage, double sign) {
    if (!home(stage)) ++failures;
    for (int i = 1; i <= 5; ++i) {
      if (!turn_to(stage, 180 + sign * i)) ++failures;
      const auto status = stage.status();
      if (!status || std::abs(status->position.degrees() - 180 - sign * i) > 0.15) ++failures;
    }
  };
  std::jthread other([&] { work(*second, -1); });
  work(*first, 1);
  other.join();
  EXPECT_EQ(failures.load(), 0);
}

TEST(ElliptecBus, SpeaksAt9600Baud) {
  Mounted mounted(Ell14BusConfig{});
  EXPECT_EQ(mounted.bench.tty().baud(), 9600);
}

TEST(ElliptecBus, LogsNoPosition) {
  Mounted mounted(Ell14BusConfig{});
  ASSERT_TRUE(succeeds(home(*mounted.stage)));
  ASSERT_TRUE(succeeds(turn_to(*mounted.stage, 45)));
  EXPECT_EQ(test::lines_with_content(mounted.bench.hub().log()), std::vector<std::string>());
}

TEST(ElliptecMount, TurnsTheWayItIsAskedToPastATurn) {
  Mounted mounted(Ell14BusConfig{});
  ASSERT_TRUE(succeeds(home(*mounted.stage)));
  ASSERT_TRUE(succeeds(turn_to(*mounted.stage, 350)));
  const Angle before = mounted.bench.optic(0);
  const double counted = mounted.stage->status()->degrees_moved;
  ASSERT_TRUE(succeeds(turn_to(*mounted.stage, 370)));
  EXPECT_NEAR((mounted.bench.optic(0) - before).degrees(), 20, 0.2);
  EXPECT_NEAR(mounted.stage->status()->degrees_moved - counted, 20, 0.2);
  EXPECT_NEAR(mounted.stage->status()->position.degrees(), 370, 0.15);
}

TEST(ElliptecMount, TurnsTheWayItIsAskedToWhereItsCountsWrap) {
  Ell14BusConfig config;
  config.modules[0].wraps = true;
  Mounted mounted(config);
  ASSERT_TRUE(succeeds(home(*mounted.stage)));
  for (const double goal : {350.0, 370.0, 380.0, 355.0, -10.0, 720.0}) {
    const Angle before = mounted.bench.optic(0);
    const double here = mounted.stage->status()->position.degrees();
    ASSERT_TRUE(succeeds(turn_to(*mounted.stage, goal)));
    EXPECT_NEAR((mounted.bench.optic(0) - before).degrees(), goal - here, 0.2) << goal;
    EXPECT_NEAR(mounted.stage->status()->position.degrees(), goal, 0.15);
  }
}

TEST(ElliptecMount, TakesItsScaleFromTheMount) {
  Ell14BusConfig config;
  config.modules[0].pulses = 262'144;
  Mounted mounted(config);
  ASSERT_TRUE(succeeds(home(*mounted.stage)));
  const Angle zero = mounted.bench.optic(0);
  ASSERT_TRUE(succeeds(turn_to(*mounted.stage, 45)));
  EXPECT_NEAR((mounted.bench.optic(0) - zero).degrees(), 45, 0.1);
}

TEST(ElliptecMount, HomesAnewAfterItsOffsetChanged) {
  Mounted mounted(Ell14BusConfig{});
  ASSERT_TRUE(succeeds(home(*mounted.stage)));
  ASSERT_TRUE(succeeds(mounted.stage->write_property("home_offset", hal::Value{10.0})));
  EXPECT_EQ(code_of(turn_to(*mounted.stage, 20)), Code::not_homed);
  ASSERT_TRUE(succeeds(home(*mounted.stage)));
  EXPECT_NEAR(std::remainder(mounted.bench.optic(0).degrees() - 10, 360), 0, 0.1);
}

TEST(ElliptecMount, IsLiftedOutOfAVelocityAtWhichItStalls) {
  ElliptecBench bench;
  bench.tty().locked([&] { bench.mounts().module(0).execute("sv", "14", '0', bench.tty().now()); });
  auto stage = bench.open();
  EXPECT_EQ(hal::Value{std::int64_t{45}}, *stage->read_property("velocity"));
}

TEST(ElliptecMount, IsTheSameAfterItWasPluggedInElsewhereUnderAnotherAddress) {
  Mounted mounted(Ell14BusConfig{});
  const std::string before = mounted.stage->info().serial;
  mounted.bench.unplug(*mounted.stage);
  mounted.bench.tty().locked([&] { mounted.bench.mounts().module(0).execute("ca", "5", '0', {}); });
  mounted.bench.replug(*mounted.stage, "ttyELL9");
  EXPECT_TRUE(succeeds(home(*mounted.stage)));
  EXPECT_EQ(mounted.stage->info().serial, before);
  EXPECT_EQ(mounted.stage->info().port, "/dev/ttyELL9");
}

TEST(ElliptecFind, OpensNothingUnlessItMayProbe) {
  ElliptecBench bench(two_mounts());
  const auto found = bench.driver().find({}, test::in_seconds(5));
  ASSERT_TRUE(succeeds(found));
  ASSERT_EQ(found->size(), 1u);
  EXPECT_EQ(found->front().at("port"), "/dev/ttyELL0");
  EXPECT_NE(found->front().at("note").find("probe=1"), std::string::npos);
  EXPECT_EQ(bench.tty().opens(), 0u);
}

TEST(ElliptecFind, ListsTheMountsOfEachAddressWhenItMayProbe) {
  ElliptecBench bench(two_mounts());
  const auto found = bench.driver().find({{"probe", "1"}}, test::in_seconds(10));
  ASSERT_TRUE(succeeds(found));
  ASSERT_EQ(found->size(), 2u);
  EXPECT_EQ(found->at(0).at("serial"), "11400517");
  EXPECT_EQ(found->at(0).at("address"), "2");
  EXPECT_EQ(found->at(1).at("serial"), "11400284");
  EXPECT_EQ(found->at(1).at("model"), "ELL14");
}

TEST(ElliptecFind, SaysWhatPermissionIsMissing) {
  sim::Ell14Bus mounts;
  test::FakeTty::Options options;
  options.name = "ttyELL1";
  options.denied = true;
  test::FakeTty tty(mounts, options);
  transport::Hub hub;
  const auto found = elliptec::driver(hub).find({}, test::in_seconds(5));
  ASSERT_TRUE(succeeds(found));
  ASSERT_EQ(found->size(), 1u);
  EXPECT_NE(found->front().at("missing").find("dialout"), std::string::npos);
}

TEST(ElliptecMake, FindsAMountByItsSerialNumberAlone) {
  ElliptecBench bench(two_mounts());
  const auto device = bench.driver().make({{"serial", "11400284"}});
  ASSERT_TRUE(succeeds(device));
  EXPECT_EQ((*device)->info().serial, "11400284");
}

TEST(ElliptecMake, SaysWhoAnswersWhenTheMountDoesNot) {
  ElliptecBench bench(two_mounts());
  const auto device = bench.driver().make({{"serial", "99999999"}});
  ASSERT_EQ(code_of(device), Code::not_found);
  EXPECT_NE(device.error().message.find("11400284 (address 3)"), std::string::npos);
}

TEST(ElliptecMake, RefusesToChooseAmongMounts) {
  ElliptecBench bench(two_mounts());
  EXPECT_EQ(code_of(bench.driver().make({})), Code::bad_input);
}

TEST(ElliptecMake, AsksAMountAgainWhenTheQuestionWasLost) {
  ElliptecBench bench;
  bench.tty().set_faults({sim::Fault{sim::FaultKind::drop, sim::FaultSide::to_device, 0, 3, {}, 0}});
  EXPECT_TRUE(succeeds(bench.driver().make({{"address", "0"}})));
}

TEST(ElliptecMake, RefusesAnAddressThatIsNone) {
  ElliptecBench bench;
  EXPECT_EQ(code_of(bench.driver().make({{"address", "g"}})), Code::bad_input);
}

TEST(ElliptecMake, RefusesAModuleThatIsNoRotaryMount) {
  Ell14BusConfig config;
  config.modules[0].type = 0x09;
  ElliptecBench bench(config);
  EXPECT_EQ(code_of(bench.driver().make({{"address", "0"}})), Code::not_supported);
}

TEST(ElliptecMake, RefusesAPortThatIsNotThere) {
  ElliptecBench bench;
  EXPECT_EQ(code_of(bench.driver().make({{"port", "/dev/ttyNOPE"}})), Code::not_found);
}

}  // namespace
}  // namespace nicol::hal_contract
