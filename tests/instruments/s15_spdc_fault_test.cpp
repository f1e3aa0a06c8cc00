// SPDX-License-Identifier: Apache-2.0
// The SPDC driver on a faulty line: no hang, no light by itself, no command twice, an error that helps.
#include "tests/instruments/s15_spdc_bench.hpp"

namespace nicol::hal_contract {
namespace {

using sim::Fault;
using sim::FaultKind;
using sim::FaultSide;
using test::light_up;
using test::SpdcBench;

double seconds_of(const std::function<void()>& f) {
  const auto before = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count();
}

void plan(SpdcBench& bench, FaultKind kind, FaultSide side, std::uint64_t at, std::uint64_t count = 1) {
  bench.tty().set_faults({Fault{kind, side, at, count, {}, 0x40}});
}

TEST(S15SpdcFaults, APortThatSaysNothingIsRefusedInTime) {
  SpdcBench bench;
  bench.change([](auto& b) { b.be_silent(true); });
  Result<std::unique_ptr<hal::Device>> made = Error{};
  EXPECT_LT(seconds_of([&] { made = bench.make("laser"); }), 2.0);
  EXPECT_EQ(code_of(made), Code::not_found);
}

TEST(S15SpdcFaults, AnotherDeviceIsRefused) {
  sim::SpdcOptions options;
  options.serial = "TDC1-0042";
  SpdcBench bench(options);
  EXPECT_EQ(code_of(bench.make("laser")), Code::not_found);
}

TEST(S15SpdcFaults, IsDarkAndDisarmedAfterAnUnplugAtAnyByteOnTheWayToLight) {
  for (std::uint64_t at = 0; at < 160; at += 13) {
    SpdcBench bench;
    const auto laser = bench.laser();
    ASSERT_TRUE(succeeds(laser->set_current({0.010})));
    plan(bench, FaultKind::unplug, FaultSide::to_device, at);
    Result<void> lit;
    EXPECT_LT(seconds_of([&] { lit = light_up(*laser); }), 3.0);
    EXPECT_FALSE(lit.ok()) << at;
    ASSERT_TRUE(SpdcBench::until([&] { return laser->link() == hal::Link::disconnected; })) << at;
    EXPECT_EQ(code_of(laser->arm({1})), Code::disconnected);
    bench.tty().set_faults({});
    bench.replug(*laser);
    EXPECT_EQ(*laser->emission(), hal::EmissionState::off) << at;
    EXPECT_EQ(code_of(laser->enable_emission()), Code::unsafe_state);
    EXPECT_FALSE(bench.shines());
  }
}

TEST(S15SpdcFaults, DamagedRepliesNeverLeaveLightThatNobodyKnowsOf) {
  for (const FaultKind kind : {FaultKind::drop, FaultKind::corrupt, FaultKind::garbage, FaultKind::duplicate}) {
    for (std::uint64_t at = 0; at < 60; at += 7) {
      SpdcBench bench;
      const auto laser = bench.laser();
      ASSERT_TRUE(succeeds(laser->set_current({0.003})));
      plan(bench, kind, FaultSide::from_device, at);
      Result<void> lit;
      EXPECT_LT(seconds_of([&] { lit = light_up(*laser); }), 3.0);
      bench.tty().set_faults({});
      EXPECT_LE(bench.look([](auto& b) { return b.times_on(); }), 1u) << "ON was said twice";
      laser->safe_state();
      EXPECT_TRUE(SpdcBench::until([&] { return !bench.shines(); }, 2)) << at;
      EXPECT_EQ(laser->light_level(), hal::LightLevel::off);
    }
  }
}

TEST(S15SpdcFaults, ASilentBoardIsUnknownLightAndADeadlineIsKept) {
  SpdcBench bench;
  const auto laser = bench.laser();
  ASSERT_TRUE(succeeds(laser->set_current({0.005})));
  ASSERT_TRUE(succeeds(light_up(*laser)));
  bench.change([](auto& b) { b.be_silent(true); });
  EXPECT_EQ(*laser->emission(), hal::EmissionState::unknown);
  EXPECT_LT(seconds_of([&] { laser->safe_state(); }), 0.15);
  EXPECT_EQ(laser->light_level(), hal::LightLevel::quantum) << "it was not heard to be off";
  bench.change([](auto& b) { b.be_silent(false); });
  laser->safe_state();
  EXPECT_TRUE(SpdcBench::until([&] { return !bench.shines(); }));
  EXPECT_TRUE(SpdcBench::until([&] { return *laser->emission() == hal::EmissionState::off; }));
}

TEST(S15SpdcFaults, DarknessEndsARamp) {
  sim::SpdcEmulator board{sim::SpdcOptions{}};
  test::FakeTty::Options options;
  options.name = "ttyACM0";
  test::FakeTty tty(board, options);
  transport::Hub hub;
  auto made = s15_spdc::driver(hub).make({{"port", tty.port()}});
  ASSERT_TRUE(succeeds(made));
  auto& laser = dynamic_cast<hal::PumpLaser&>(**made);
  ASSERT_TRUE(succeeds(laser.set_current({0.050})));
  Result<void> lit;
  std::thread operator_thread([&] { lit = light_up(laser); });
  ASSERT_TRUE(SpdcBench::until([&] {
    bool shines = false;
    tty.locked([&] { shines = board.shines(); });
    return shines;
  }));
  laser.safe_state();
  operator_thread.join();
  EXPECT_EQ(code_of(lit), Code::cancelled);
  bool shines = true;
  double current = 1;
  tty.locked([&] { shines = board.shines(), current = board.current(); });
  EXPECT_FALSE(shines);
  EXPECT_EQ(current, 0);
}

TEST(S15SpdcFaults, ALateRefusalIsNotTakenForTheNextAnswer) {
  SpdcBench bench;
  const auto crystal = bench.thermostat("crystal");
  bench.change([](auto& b) {  // words that belong to nothing
    const std::string text = "HSETTEMP 999;";
    b.receive(std::vector<std::uint8_t>(text.begin(), text.end()), {});
  });
  const auto first = crystal->temperature();
  if (!first) {
    EXPECT_EQ(first.error().code, Code::protocol);
  }
  ASSERT_TRUE(succeeds(crystal->set_temperature({41})));
  EXPECT_EQ(std::get<double>(*crystal->read_property("temperature")), 41);
}

TEST(S15SpdcFaults, SettingsComeBackAfterAReplugAndTheLoopsAreToldAsTheyAre) {
  SpdcBench bench;
  const auto crystal = bench.thermostat("crystal");
  ASSERT_TRUE(succeeds(crystal->set_temperature({41})));
  ASSERT_TRUE(succeeds(crystal->enable()));
  bench.unplug(*crystal);
  EXPECT_EQ(code_of(crystal->settled()), Code::disconnected);
  bench.replug(*crystal);
  EXPECT_EQ(std::get<double>(*crystal->read_property("temperature")), 41);
  EXPECT_FALSE(*crystal->settled()) << "its power was gone, and so is the loop";
}

TEST(S15SpdcFaults, ABoardThatKeepsNoLimitIsNotArmed) {
  sim::SpdcOptions options;
  options.mutant = sim::SpdcMutant::ignores_limit;
  SpdcBench bench(options);
  EXPECT_EQ(code_of(bench.make("laser", {{"limit", "35"}})), Code::refused);
}

}  // namespace
}  // namespace nicol::hal_contract
