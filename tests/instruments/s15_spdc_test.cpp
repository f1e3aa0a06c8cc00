// SPDX-License-Identifier: Apache-2.0
// The SPDC driver over an emulated board: the contracts of a pump laser and of two temperature controllers, and what
// the board does meanwhile.
#include "tests/instruments/s15_spdc_bench.hpp"

namespace nicol::hal_contract {
namespace {

using test::light_up;
using test::SpdcBench;

const Fixture kLaserFixture{"Laser", [] { return test::spdc_contract_bench("laser"); }};
const Fixture kCrystalFixture{"Crystal", [] { return test::spdc_contract_bench("crystal"); }};
const Fixture kTecFixture{"LaserTec", [] { return test::spdc_contract_bench("laser-tec"); }};

INSTANTIATE_TEST_SUITE_P(S15Spdc, DeviceContract, testing::Values(kLaserFixture, kCrystalFixture, kTecFixture),
                         fixture_name);
INSTANTIATE_TEST_SUITE_P(S15Spdc, PhotonSourceContract, testing::Values(kLaserFixture), fixture_name);
INSTANTIATE_TEST_SUITE_P(S15Spdc, PumpLaserContract, testing::Values(kLaserFixture), fixture_name);
INSTANTIATE_TEST_SUITE_P(S15Spdc, TemperatureControllerContract, testing::Values(kCrystalFixture, kTecFixture),
                         fixture_name);

TEST(S15Spdc, RaisesItsCurrentByAMilliampereAtATime) {
  SpdcBench bench;
  const auto laser = bench.laser();
  ASSERT_TRUE(succeeds(laser->set_current({0.0305})));
  EXPECT_EQ(bench.look([](auto& b) { return b.current(); }), 0) << "nothing flows in the dark";
  ASSERT_TRUE(succeeds(light_up(*laser)));
  EXPECT_TRUE(bench.shines());
  EXPECT_EQ(bench.look([](auto& b) { return b.current(); }), 30.5);
  EXPECT_LE(bench.look([](auto& b) { return b.largest_rise(); }), 1.0);
  EXPECT_EQ(bench.look([](auto& b) { return b.highest_at_on(); }), 0);
  ASSERT_TRUE(succeeds(laser->set_current({0.040})));
  EXPECT_EQ(laser->current()->value, 0.040);
  EXPECT_LE(bench.look([](auto& b) { return b.largest_rise(); }), 1.0);
}

TEST(S15Spdc, TakesFiftyMillisecondsForAMilliampere) {
  sim::SpdcEmulator board{sim::SpdcOptions{}};
  test::FakeTty::Options options;
  options.name = "ttyACM0";
  test::FakeTty tty(board, options);
  transport::Hub hub;
  auto made = s15_spdc::driver(hub).make({{"port", tty.port()}});
  ASSERT_TRUE(succeeds(made));
  auto& laser = dynamic_cast<hal::PumpLaser&>(**made);
  ASSERT_TRUE(succeeds(laser.set_current({0.010})));
  const auto before = std::chrono::steady_clock::now();
  ASSERT_TRUE(succeeds(light_up(laser)));
  EXPECT_GE(std::chrono::steady_clock::now() - before, std::chrono::milliseconds(500));
}

TEST(S15Spdc, SetsTheLimitItIsGiven) {
  SpdcBench bench;
  const auto laser = bench.laser({{"limit", "35"}});
  EXPECT_EQ(laser->current_limit()->value, 0.035);
  EXPECT_EQ(code_of(laser->set_current({0.036})), Code::out_of_range);
}

TEST(S15Spdc, RefusesArgumentsItDoesNotKnow) {
  SpdcBench bench;
  EXPECT_EQ(code_of(bench.make("laser", {{"limit", "98"}})), Code::bad_input);
  EXPECT_EQ(code_of(bench.make("mirror")), Code::bad_input);
  EXPECT_EQ(code_of(bench.driver().make({{"port", "/dev/ttyACM99"}})), Code::not_found);
}

TEST(S15Spdc, IsThreeDevicesOnOneLine) {
  SpdcBench bench;
  const auto laser = bench.laser();
  const auto crystal = bench.thermostat("crystal"), tec = bench.thermostat("laser-tec");
  ASSERT_TRUE(succeeds(crystal->set_temperature({41})));
  ASSERT_TRUE(succeeds(crystal->enable()));
  ASSERT_TRUE(succeeds(tec->enable()));
  ASSERT_TRUE(succeeds(laser->set_current({0.005})));
  ASSERT_TRUE(succeeds(light_up(*laser)));
  EXPECT_EQ(bench.look([](auto& b) { return b.power(); }), 3u);
  laser->disable_emission();
  EXPECT_EQ(bench.look([](auto& b) { return b.power(); }), 1u) << "the loops keep their power";
  ASSERT_TRUE(succeeds(crystal->disable()));
  EXPECT_EQ(bench.look([](auto& b) { return b.power(); }), 1u);
  ASSERT_TRUE(succeeds(tec->disable()));
  EXPECT_EQ(bench.look([](auto& b) { return b.power(); }), 0u);
}

TEST(S15Spdc, KeepsTheCoolerWhileTheLaserIsLit) {
  SpdcBench bench;
  const auto laser = bench.laser();
  const auto tec = bench.thermostat("laser-tec");
  ASSERT_TRUE(succeeds(tec->enable()));
  ASSERT_TRUE(succeeds(light_up(*laser)));
  EXPECT_EQ(code_of(tec->disable()), Code::unsafe_state);
  laser->disable_emission();
  EXPECT_TRUE(succeeds(tec->disable()));
}

TEST(S15Spdc, IsFoundByItsDescriptorsAndNothingIsOpened) {
  SpdcBench bench;
  const auto found = bench.driver().find({}, {});
  ASSERT_TRUE(succeeds(found));
  ASSERT_EQ(found->size(), 3u);
  EXPECT_EQ(found->at(0).at("unit"), "laser");
  EXPECT_EQ(found->at(2).at("unit"), "laser-tec");
  EXPECT_EQ(found->at(0).at("serial"), "SPDCSDR-07");
  EXPECT_EQ(bench.tty().opens(), 0u);
}

TEST(S15Spdc, GoesDarkWhenItsObjectEnds) {
  SpdcBench bench;
  {
    const auto laser = bench.laser();
    ASSERT_TRUE(succeeds(laser->set_current({0.005})));
    ASSERT_TRUE(succeeds(light_up(*laser)));
    EXPECT_TRUE(bench.shines());
  }
  EXPECT_FALSE(bench.shines());
}

TEST(S15Spdc, MakesDarkABoardThatItFindsLit) {
  SpdcBench bench;
  bench.change([](auto& b) {
    const std::string text = "POWER 2;ON;LCURRENT 20;";
    b.receive(std::vector<std::uint8_t>(text.begin(), text.end()), {});
  });
  EXPECT_TRUE(bench.shines());
  const auto crystal = bench.thermostat("crystal");
  EXPECT_FALSE(bench.shines());
}

}  // namespace
}  // namespace nicol::hal_contract
