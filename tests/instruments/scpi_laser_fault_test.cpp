// SPDX-License-Identifier: Apache-2.0
// A laser on a bad cable: pulled at every state, garbage, stalls, silence. No hang, no light by accident, dark when
// asked.
#include <atomic>

#include "tests/instruments/scpi_bench.hpp"

namespace nicol::hal_contract {
namespace {

using hal::EmissionState;
using sim::FaultKind;
using sim::FaultSide;
using std::chrono::milliseconds;
using test::LaserBench;
using Clock = std::chrono::steady_clock;

constexpr milliseconds kReply{150};
/// A reply that does not come costs its deadline and the clearing of the instrument; some follow each other.
constexpr milliseconds kLongest{10'000};

LaserBench impatient() { return LaserBench({}, {}, test::hasty(kReply)); }

milliseconds time_of(const std::function<void()>& f) {
  const auto start = Clock::now();
  f();
  return std::chrono::duration_cast<milliseconds>(Clock::now() - start);
}

void expect_dark(LaserBench& bench) {
  bench.laser().safe_state();
  EXPECT_TRUE(test::soon([&] { return !bench.output_on(); }));
  EXPECT_FALSE(bench.laser().enable_emission().ok()) << "light came back without arming";
  EXPECT_FALSE(bench.output_on());
}

TEST(ScpiLaserFaults, PulledCableAtAnyTransferEndsTheWayToLight) {
  auto bench = impatient();
  for (std::uint64_t at = 0; at < 60; at += 5) {
    const std::uint64_t before = bench.times_on();
    bench.plan(FaultKind::unplug, at % 2 == 0 ? FaultSide::to_device : FaultSide::from_device, at);
    Result<void> lit;
    EXPECT_LT(time_of([&] { lit = bench.light_up(); }), kLongest);
    if (lit.ok()) {
      EXPECT_GE(at, 25u) << "the way to light has more transfers than this";
      break;
    }
    EXPECT_EQ(lit.error().code, Code::disconnected) << at;
    EXPECT_LE(bench.times_on() - before, 1u);
    bench.usb.set_faults({});
    bench.replug();
    EXPECT_TRUE(test::soon([&] { return !bench.output_on(); })) << at;
    const auto state = bench.laser().emission();
    ASSERT_TRUE(succeeds(state));
    EXPECT_EQ(*state, EmissionState::off) << at;
    EXPECT_EQ(code_of(bench.laser().enable_emission()), Code::unsafe_state) << at;
  }
}

TEST(ScpiLaserFaults, DamagedTransfersEndInTimeAndNeverLightTwice) {
  auto bench = impatient();
  for (const FaultKind kind : {FaultKind::drop, FaultKind::corrupt, FaultKind::garbage, FaultKind::duplicate}) {
    for (const FaultSide side : {FaultSide::to_device, FaultSide::from_device}) {
      for (const std::uint64_t at : {0u, 11u, 24u}) {
        const std::uint64_t before = bench.times_on();
        bench.plan(kind, side, at);
        EXPECT_LT(time_of([&] {
                    const auto lit = bench.light_up();
                    if (!lit) {
                      EXPECT_NE(lit.error().code, Code::internal);
                      EXPECT_FALSE(lit.error().message.empty());
                    }
                  }),
                  kLongest);
        EXPECT_LE(bench.times_on() - before, 1u);
        bench.usb.set_faults({});
        expect_dark(bench);
      }
    }
  }
  EXPECT_TRUE(succeeds(bench.light_up())) << "it recovers";
}

TEST(ScpiLaserFaults, StalledEndpointIsAnErrorAndIsCleared) {
  auto bench = impatient();
  for (const std::uint8_t endpoint : {sim::UsbTmcDevice::kBulkOut, sim::UsbTmcDevice::kBulkIn}) {
    bench.usb.stall(endpoint);
    EXPECT_FALSE(bench.laser().current().ok());
    EXPECT_TRUE(succeeds(bench.laser().current()));
  }
}

TEST(ScpiLaserFaults, LateReplyIsNotTakenForTheNextOne) {
  auto bench = impatient();
  ASSERT_TRUE(succeeds(bench.laser().set_current({0.1})));
  bench.usb.locked([&] { bench.emulator.usb.delay_replies(Picoseconds::seconds(test::kHaste * 0.4)); });
  EXPECT_EQ(code_of(bench.laser().temperature()), Code::timeout);
  bench.usb.locked([&] { bench.emulator.usb.delay_replies({}); });
  EXPECT_DOUBLE_EQ(bench.laser().current()->value, 0.1);
}

TEST(ScpiLaserFaults, SilenceMeansUnknown) {
  auto bench = impatient();
  ASSERT_TRUE(succeeds(bench.light_up()));
  bench.usb.locked([&] { bench.emulator.usb.be_silent(); });
  EXPECT_EQ(*bench.laser().emission(), EmissionState::unknown);
  EXPECT_NE(bench.laser().light_level(), hal::LightLevel::off);
  bench.usb.locked([&] { bench.emulator.usb.speak_again(); });
  EXPECT_EQ(*bench.laser().emission(), EmissionState::emitting);
}

TEST(ScpiLaserSafeState, IsQuickThoughTheInstrumentIsSilent) {
  auto bench = impatient();
  ASSERT_TRUE(succeeds(bench.light_up()));
  bench.usb.locked([&] { bench.emulator.usb.be_silent(); });
  EXPECT_LT(time_of([&] { bench.laser().safe_state(); }), milliseconds(100));
  EXPECT_TRUE(test::soon([&] { return !bench.output_on(); })) << "it hears, though it does not answer";
}

TEST(ScpiLaserSafeState, IsQuickWhileAQuestionIsUnderWay) {
  LaserBench bench;
  ASSERT_TRUE(succeeds(bench.light_up()));
  bench.usb.locked([&] { bench.emulator.usb.delay_replies(Picoseconds::seconds(test::kHaste * 0.03)); });
  std::atomic<bool> stop = false;
  std::jthread asking([&] {
    while (!stop) (void)bench.laser().current().ok();
  });
  std::this_thread::sleep_for(milliseconds(50));
  EXPECT_LT(time_of([&] { bench.laser().safe_state(); }), milliseconds(100));
  EXPECT_TRUE(test::soon([&] { return !bench.output_on(); }));
  stop = true;
}

TEST(ScpiLaserSafeState, EndsARampAndAWayToLight) {
  LaserBench bench;
  ASSERT_TRUE(succeeds(bench.laser().set_current({0.2})));
  ASSERT_TRUE(succeeds(bench.laser().write_property("ramp_rate", hal::Value{0.02})));  // ten seconds
  ASSERT_TRUE(succeeds(bench.laser().arm({1})));
  Result<void> lit;
  std::jthread lighting([&] { lit = bench.laser().enable_emission(); });
  ASSERT_TRUE(test::soon([&] { return bench.output_on(); }));
  EXPECT_EQ(code_of(bench.laser().arm({1})), Code::busy);
  bench.laser().safe_state();
  lighting.join();
  EXPECT_EQ(code_of(lit), Code::cancelled);
  EXPECT_FALSE(bench.output_on());
  EXPECT_EQ(bench.times_on(), 1u);
}

TEST(ScpiLaserSafeState, WinsAgainstEveryWayToLight) {
  LaserBench bench;
  for (int i = 0; i < 20; ++i) {
    std::jthread lighting([&] { (void)bench.light_up().ok(); });
    std::this_thread::sleep_for(milliseconds(3 * i));
    bench.laser().safe_state();
    lighting.join();
    // Asked after the way to light began: either it had not yet been armed, and was cancelled, or it is dark again.
    bench.laser().safe_state();
    EXPECT_TRUE(test::soon([&] { return !bench.output_on(); })) << i;
    EXPECT_EQ(*bench.laser().emission(), EmissionState::off) << i;
  }
}

sim::ScpiLaserConfig mutant(sim::ScpiLaserMutant kind) {
  sim::ScpiLaserConfig config;
  config.mutant = kind;
  return config;
}

TEST(ScpiLaserMutant, ThatIgnoresOffIsSeenByItsEmission) {
  LaserBench bench(mutant(sim::ScpiLaserMutant::ignores_off));
  ASSERT_TRUE(succeeds(bench.light_up()));
  bench.laser().disable_emission();
  EXPECT_EQ(*bench.laser().emission(), EmissionState::emitting);
  EXPECT_NE(bench.laser().light_level(), hal::LightLevel::off);
  EXPECT_EQ(code_of(bench.laser().set_light_level(hal::LightLevel::off)), Code::unsafe_state);
}

TEST(ScpiLaserMutant, ThatMeasuresACurrentWhileItIsOffIsNotBelieved) {
  LaserBench bench(mutant(sim::ScpiLaserMutant::echoes_current));
  ASSERT_TRUE(succeeds(bench.laser().set_current({0.1})));
  EXPECT_EQ(*bench.laser().emission(), EmissionState::unknown);
  const auto items = bench.laser().self_test({});
  ASSERT_TRUE(succeeds(items));
  EXPECT_TRUE(std::any_of(items->begin(), items->end(), [](const auto& i) { return !i.passed && i.name == "output"; }));
}

}  // namespace
}  // namespace nicol::hal_contract
