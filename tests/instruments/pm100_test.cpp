// SPDX-License-Identifier: Apache-2.0
// A power meter: the contract, its settings, and a bad cable.
#include "tests/instruments/scpi_bench.hpp"

namespace nicol::hal_contract {
namespace {

using sim::FaultKind;
using sim::FaultSide;
using std::chrono::milliseconds;
using test::fixture_of;
using test::MeterBench;

const Fixture kPm100 = fixture_of<MeterBench>("Pm100d", sim::Pm100Config{});

INSTANTIATE_TEST_SUITE_P(Pm100, DeviceContract, testing::Values(kPm100), fixture_name);
INSTANTIATE_TEST_SUITE_P(Pm100, PowerMeterContract, testing::Values(kPm100), fixture_name);

TEST(Pm100Meter, ReadsTheLightAboveItsZero) {
  MeterBench bench;
  EXPECT_NEAR(bench.meter().power()->value, 3e-9, 1e-15);
  ASSERT_TRUE(succeeds(bench.meter().zero({})));
  bench.usb.locked([&] { bench.emulator.meter.shine({2.5e-6}); });
  EXPECT_NEAR(bench.meter().power()->value, 2.5e-6, 1e-12);
}

TEST(Pm100Meter, WaitsUntilItsZeroIsDone) {
  MeterBench bench;
  ASSERT_TRUE(succeeds(bench.meter().zero({})));
  EXPECT_EQ(bench.inside([](auto& e, Picoseconds) { return e.meter.zeroed(); }), 1u);
}

TEST(Pm100Meter, SaysThatAZeroTakesTooLong) {
  sim::Pm100Config config;
  config.zeroing = 1e6;
  MeterBench bench(config);
  const auto zeroed = bench.meter().zero({std::chrono::steady_clock::now() + milliseconds(50)});
  ASSERT_EQ(code_of(zeroed), Code::timeout);
  EXPECT_NE(zeroed.error().message.find("covered"), std::string::npos);
}

TEST(Pm100Meter, KnowsTheRangeOfItsSensor) {
  MeterBench bench;
  EXPECT_EQ(code_of(bench.meter().set_wavelength({1200})), Code::out_of_range);
  EXPECT_EQ(code_of(bench.meter().set_wavelength({399})), Code::out_of_range);
  EXPECT_TRUE(succeeds(bench.meter().set_wavelength({1100})));
}

TEST(Pm100Find, ListsItWithoutOpening) {
  sim::Pm100Emulator emulator;
  test::FakeUsb usb(emulator.usb, {});
  transport::Hub hub;
  const auto found = pm100::driver(hub).find({}, {});
  ASSERT_TRUE(succeeds(found));
  ASSERT_EQ(found->size(), 1u);
  EXPECT_EQ(found->front().at("serial"), "P0012345");
  EXPECT_EQ(usb.claimed(), 0);
  EXPECT_EQ(code_of(pm100::driver(hub).make({{"serial", "P9"}})), Code::not_found);
}

TEST(Pm100Faults, PulledCableAtAnyTransferEndsTheCall) {
  sim::Pm100Config config;
  config.zeroing = 1e6;  // under way until the cable is pulled
  MeterBench bench(config, test::hasty_meter(milliseconds(150)));
  for (std::uint64_t at = 0; at < 8; ++at) {
    bench.plan(FaultKind::unplug, at % 2 == 0 ? FaultSide::to_device : FaultSide::from_device, at / 2);
    EXPECT_EQ(code_of(bench.meter().zero({})), Code::disconnected) << at;
    bench.usb.set_faults({});
    bench.replug();
    EXPECT_TRUE(succeeds(bench.meter().power())) << at;
  }
}

TEST(Pm100Faults, DamagedRepliesAreErrorsAndItRecovers) {
  MeterBench bench({}, test::hasty_meter(milliseconds(150)));
  for (const FaultKind kind : {FaultKind::drop, FaultKind::garbage, FaultKind::late, FaultKind::stall}) {
    bench.plan(kind, FaultSide::from_device, 0, 1, Picoseconds::seconds(test::kHaste * 0.3));
    const auto start = std::chrono::steady_clock::now();
    EXPECT_FALSE(bench.meter().power().ok());
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(3));
    bench.usb.set_faults({});
    std::this_thread::sleep_for(milliseconds(350));
    (void)bench.meter().power().ok();  // what was under way is cleared with it
    EXPECT_TRUE(succeeds(bench.meter().power()));
  }
}

}  // namespace
}  // namespace nicol::hal_contract
