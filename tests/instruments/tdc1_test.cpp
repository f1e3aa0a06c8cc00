// SPDX-License-Identifier: Apache-2.0
// The TDC1 driver over an emulated TDC1: the contract of a time tagger, every tag in its place, and mutants.
#include "tests/hal_contract/fixture.hpp"
#include "tests/instruments/tdc1_bench.hpp"

namespace nicol::hal_contract {
namespace {

using test::Heard;
using test::Tdc1Bench;

struct Plugged {
  explicit Plugged(sim::Tdc1Options device, hal::DeviceArgs args = {})
      : bench(std::move(device)), tagger(bench.open(std::move(args))) {}
  Tdc1Bench bench;
  std::unique_ptr<hal::TimeTagger> tagger;
};

Bench contract_bench(const sim::Tdc1Options& device, const hal::DeviceArgs& args = {}) {
  auto plugged = std::make_shared<Plugged>(device, args);
  Bench bench;
  bench.device = plugged->tagger.get();
  bench.unplug = [p = plugged.get()] { p->bench.unplug(*p->tagger); };
  bench.replug = [p = plugged.get()] { p->bench.replug(*p->tagger, "ttyACM7"); };
  bench.make_tags = [p = plugged.get()](std::size_t n) { p->bench.make_tags(n, 10'000'000); };
  bench.provoke_overflow = [p = plugged.get()] { p->bench.make_tags(5000, 10'000); };
  bench.keep = std::move(plugged);
  return bench;
}

sim::Tdc1Options small_fifo() {
  sim::Tdc1Options options;
  options.fifo_words = 1000;
  options.drained_hz = 1e6;
  return options;
}
sim::Tdc1Options latching() {
  sim::Tdc1Options options = small_fifo();
  options.overflow_bit = sim::Tdc1OverflowBit::stays;
  options.terminator = sim::Tdc1Terminator::twice;
  options.serial = "TDC1-0049";
  return options;
}

const Fixture kTaggers[] = {{"Tdc1", [] { return contract_bench(small_fifo()); }},
                            {"Tdc1WithLatchingOverflow", [] { return contract_bench(latching()); }}};

INSTANTIATE_TEST_SUITE_P(Tdc1, DeviceContract, testing::ValuesIn(kTaggers), fixture_name);
INSTANTIATE_TEST_SUITE_P(Tdc1, TimeTaggerContract, testing::ValuesIn(kTaggers), fixture_name);
INSTANTIATE_TEST_SUITE_P(Tdc1, TaggerOverflowContract, testing::ValuesIn(kTaggers), fixture_name);

Result<void> inputs_are_channels(Tdc1Bench& bench) {
  return test::inputs_are_channels(bench, 1'000'000'000, 500'000);  // 0.4 s: more than a wrap of the device's clock
}

TEST(Tdc1, EveryInputIsItsChannelAndKeepsItsTime) {
  Tdc1Bench bench;
  EXPECT_TRUE(succeeds(inputs_are_channels(bench)));
}

TEST(Tdc1, EveryInputIsItsChannelIsRedForADeviceThatSwapsTwo) {
  sim::Tdc1Options options;
  options.mutant = sim::Tdc1Mutant::swaps_inputs;
  Tdc1Bench bench(options);
  const auto result = inputs_are_channels(bench);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().message, "a tag came out on another channel");
}

TEST(Tdc1, EveryInputIsItsChannelIsRedForADeviceThatMissesWraps) {
  sim::Tdc1Options options;
  options.mutant = sim::Tdc1Mutant::misses_wraps;
  Tdc1Bench bench(options);
  EXPECT_FALSE(inputs_are_channels(bench).ok());
}

TEST(Tdc1, IsFoundByItsDescriptorsAndNothingIsOpened) {
  Tdc1Bench bench;
  const auto found = bench.driver().find({}, {});
  ASSERT_TRUE(succeeds(found));
  ASSERT_EQ(found->size(), 1u);
  EXPECT_EQ(found->front().at("serial"), "TDC1-0042");
  EXPECT_EQ(found->front().at("port"), "/dev/ttyACM0");
  EXPECT_EQ(bench.tty().opens(), 0u);
}

TEST(Tdc1, IsKnownByItsSerialNumber) {
  Tdc1Bench bench;
  const auto made = bench.driver().make({{"serial", "TDC1-0042"}});
  ASSERT_TRUE(succeeds(made));
  EXPECT_EQ((*made)->info().serial, "TDC1-0042");
  EXPECT_EQ(code_of(bench.driver().make({{"serial", "TDC1-9999"}})), Code::not_found);
}

TEST(Tdc1, RefusesWordsItDoesNotKnow) {
  Tdc1Bench bench;
  EXPECT_EQ(code_of(bench.make({{"clock", "atomic"}})), Code::bad_input);
  EXPECT_EQ(code_of(bench.make({{"level", "ECL"}})), Code::bad_input);
}

TEST(Tdc1, TellsTheDeviceItsLevelAndClock) {
  Tdc1Bench bench;
  const auto tagger = bench.open({{"level", "NIM"}, {"clock", "external"}});
  EXPECT_TRUE(test::until([&] { return bench.look([](auto& d) { return d.level(); }) == "NIM"; }));
  EXPECT_TRUE(test::until([&] { return bench.look([](auto& d) { return d.reference_clock(); }) == 1; }));
  ASSERT_TRUE(succeeds(tagger->write_property("threshold", -0.25)));
  EXPECT_TRUE(test::until([&] { return bench.look([](auto& d) { return d.level(); }) == "NEG -0.250"; }));
}

TEST(Tdc1, RefusesALevelForOneInputAndADeadTime) {
  Tdc1Bench bench;
  const auto tagger = bench.open();
  hal::ChannelConfig config = *tagger->channel(0);
  config.threshold = {1.5};
  EXPECT_EQ(code_of(tagger->set_channel(0, config)), Code::not_supported);
  config = *tagger->channel(0);
  config.dead_time_ticks = 10;
  EXPECT_EQ(code_of(tagger->set_channel(0, config)), Code::not_supported);
  EXPECT_TRUE(succeeds(tagger->set_channel(0, {}))) << "the default level is the HAL's default";
}

TEST(Tdc1, RefusesASecondStart) {
  Tdc1Bench bench;
  const auto tagger = bench.open();
  ASSERT_TRUE(succeeds(tagger->start()));
  EXPECT_EQ(code_of(tagger->start()), Code::busy);
}

TEST(Tdc1, CountsWhenItIsStopped) {
  sim::Tdc1Options options;
  options.light = sim::poisson_light({1e5, 0, 0, 5e4}, 1);
  Tdc1Bench bench(options);
  const auto tagger = bench.open();
  const auto rates = tagger->count_rates();
  ASSERT_TRUE(succeeds(rates));
  EXPECT_NEAR((*rates)[0], 1e5, 5e3);
  EXPECT_EQ((*rates)[1], 0);
}

TEST(Tdc1, CountsFromTheStreamWhenItRuns) {
  sim::Tdc1Options options;
  options.light = sim::poisson_light({1e5, 0, 0, 5e4}, 1);
  Tdc1Bench bench(options);
  const auto tagger = bench.open();
  ASSERT_TRUE(succeeds(tagger->start()));
  Heard heard;
  heard.listen(*tagger, 0.5);
  const auto rates = tagger->count_rates();
  ASSERT_TRUE(succeeds(rates));
  EXPECT_NEAR((*rates)[0], 1e5, 1e4);
  EXPECT_NEAR((*rates)[3], 5e4, 7e3);
}

TEST(Tdc1, GoesOnWithItsSettingsUnderAnotherPortName) {
  Tdc1Bench bench;
  const auto tagger = bench.open();
  ASSERT_TRUE(succeeds(tagger->write_property("threshold", 1.25)));
  bench.unplug(*tagger);
  bench.replug(*tagger, "ttyACM3");
  EXPECT_EQ(tagger->info().port, "/dev/ttyACM3");
  EXPECT_TRUE(test::until([&] { return bench.look([](auto& d) { return d.level(); }) == "POS 1.250"; }));
}

}  // namespace
}  // namespace nicol::hal_contract
