// SPDX-License-Identifier: Apache-2.0
// A pulse generator that triggers a laser: the contract of a source, its settings, and a faulty line.
#include "tests/instruments/scpi_bench.hpp"

namespace nicol::hal_contract {
namespace {

using hal::EmissionState;
using sim::FaultKind;
using sim::FaultSide;
using std::chrono::milliseconds;
using test::fixture_of;
using test::PulserBench;

const Fixture kQc = fixture_of<PulserBench>("Qc9530", sim::Qc9530Config{}, hal::DeviceArgs{{"channels", "2"}});

INSTANTIATE_TEST_SUITE_P(Pulser, DeviceContract, testing::Values(kQc), fixture_name);
INSTANTIATE_TEST_SUITE_P(Pulser, PhotonSourceContract, testing::Values(kQc), fixture_name);

PulserBench impatient() { return PulserBench({}, {{"channels", "1"}}, test::hasty(milliseconds(100))); }

TEST(Qc9530Driver, SpeaksAtItsBaudRateOrAnother) {
  EXPECT_EQ(PulserBench().tty.baud(), 38'400);
  sim::Qc9530Config config;
  config.baud = 115'200;
  EXPECT_EQ(PulserBench(config, {{"baud", "115200"}}).tty.baud(), 115'200);
}

TEST(Qc9530Driver, IsItsSerialNumberAndNotItsPort) {
  PulserBench bench;
  EXPECT_EQ(bench.device->info().serial, "02146");
  EXPECT_EQ(bench.device->info().model, "9530");
}

TEST(Qc9530Driver, SaysNothingToAnInstrumentAtAnotherRate) {
  sim::Qc9530Config config;
  config.baud = 115'200;
  EXPECT_THROW(PulserBench(config, {}, test::hasty(milliseconds(100))), std::runtime_error);
}

TEST(Qc9530Driver, HasThePeriodAsItsSlot) {
  PulserBench bench;
  ASSERT_TRUE(succeeds(bench.device->write_property("period", hal::Value{1e-6})));
  EXPECT_EQ(bench.source().caps().slot_period, Picoseconds::seconds(1e-6));
}

TEST(Qc9530Driver, CarriesTheInstrumentsRefusal) {
  PulserBench bench;
  bench.tty.locked([&] { bench.emulator.delay_answers({}); });
  ASSERT_TRUE(succeeds(bench.device->write_property("ch1.width", hal::Value{1e-6})));
  EXPECT_EQ(code_of(bench.device->write_property("ch1.width", hal::Value{1e6})), Code::out_of_range);
}

TEST(Qc9530Driver, RunsOnWithoutItsCableAndStopsWhenItComesBack) {
  PulserBench bench;
  ASSERT_TRUE(succeeds(bench.light_up()));
  bench.unplug();
  EXPECT_TRUE(bench.triggers());
  bench.replug();
  EXPECT_TRUE(test::soon([&] { return !bench.triggers(); }));
}

TEST(Qc9530Driver, RestoresItsSettingsAfterThePowerWasAway) {
  PulserBench bench;
  ASSERT_TRUE(succeeds(bench.device->write_property("ch2.delay", hal::Value{3e-6})));
  bench.unplug();
  bench.tty.locked([&] { bench.emulator.cycle_mains(); });
  bench.replug();
  EXPECT_EQ(std::get<double>(*bench.device->read_property("ch2.delay")), 3e-6);
}

TEST(Qc9530Find, ListsNothingThatNobodyNamed) {
  sim::Qc9530 emulator;
  test::FakeTty tty(emulator, PulserBench::options());
  transport::Hub hub;
  auto driver = scpi_laser::driver(hub, test::hasty());
  EXPECT_TRUE(driver.find({}, {})->empty());
  const hal::DeviceArgs named{{"model", "9530"}, {"port", tty.port()}};
  ASSERT_EQ(driver.find(named, {})->size(), 1u);
  EXPECT_EQ(tty.opens(), 0u);
  hal::DeviceArgs probing = named;
  probing.emplace("probe", "1");
  EXPECT_EQ(driver.find(probing, {})->front().at("serial"), "02146");
}

TEST(Qc9530Faults, PulledCableAtAnyByteEndsTheWayToLight) {
  auto bench = impatient();
  for (std::uint64_t at = 0; at < 9; at += 2) {  // "0", "ok", "1" and their line ends
    bench.tty.set_faults({sim::Fault{FaultKind::unplug, FaultSide::from_device, at, 1, {}, 0x40}});
    EXPECT_FALSE(bench.light_up().ok()) << at;
    bench.tty.set_faults({});
    bench.replug();
    EXPECT_TRUE(test::soon([&] { return !bench.triggers(); })) << at;
    EXPECT_EQ(*bench.source().emission(), EmissionState::off);
    EXPECT_EQ(code_of(bench.source().enable_emission()), Code::unsafe_state);
  }
}

TEST(Qc9530Faults, LostOrDamagedBytesEndInTimeAndStartOnce) {
  auto bench = impatient();
  for (const FaultKind kind : {FaultKind::drop, FaultKind::corrupt, FaultKind::garbage}) {
    for (const std::uint64_t at : {0u, 3u, 4u, 8u}) {
      std::uint64_t before = 0, after = 0;
      bench.tty.locked([&] { before = bench.emulator.times_started(); });
      bench.tty.set_faults({sim::Fault{kind, FaultSide::from_device, at, 1, {}, 0x40}});
      const auto start = std::chrono::steady_clock::now();
      if (const auto lit = bench.light_up(); !lit) {
        EXPECT_NE(lit.error().code, Code::internal);
      }
      EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
      bench.tty.set_faults({});
      bench.tty.locked([&] { after = bench.emulator.times_started(); });
      EXPECT_LE(after - before, 1u);
      bench.source().disable_emission();
      EXPECT_TRUE(test::soon([&] { return !bench.triggers(); })) << at;
    }
  }
  EXPECT_TRUE(succeeds(bench.light_up()));
}

TEST(Qc9530Faults, LateAnswerIsNotTakenForTheNextOne) {
  auto bench = impatient();
  bench.tty.locked([&] { bench.emulator.delay_answers(Picoseconds::seconds(test::kHaste * 0.2)); });
  EXPECT_EQ(code_of(bench.device->read_property("period")), Code::timeout);
  bench.tty.locked([&] { bench.emulator.delay_answers({}); });
  EXPECT_EQ(std::get<double>(*bench.device->read_property("ch1.amplitude")), 4.0);
}

TEST(Qc9530Faults, SafeStateIsQuickThoughNobodyAnswers) {
  auto bench = impatient();
  ASSERT_TRUE(succeeds(bench.light_up()));
  bench.tty.locked([&] { bench.emulator.delay_answers(Picoseconds::seconds(test::kHaste * 10)); });
  const auto start = std::chrono::steady_clock::now();
  bench.source().safe_state();
  EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds(100));
  EXPECT_TRUE(test::soon([&] { return !bench.triggers(); }));
  EXPECT_EQ(*bench.source().emission(), EmissionState::unknown);
}

}  // namespace
}  // namespace nicol::hal_contract
