// SPDX-License-Identifier: Apache-2.0
// The LectroTIC-4 driver over an emulated one: the contract of a time tagger, every tag in its place, and a mutant.
#include "tests/hal_contract/fixture.hpp"
#include "tests/instruments/lectrotic_bench.hpp"

namespace nicol::hal_contract {
namespace {

using test::Heard;
using test::LectroticBench;

struct Plugged {
  explicit Plugged(const sim::LectroticOptions& device) : bench(device), tagger(bench.open()) {}
  LectroticBench bench;
  std::unique_ptr<hal::TimeTagger> tagger;
};

Bench contract_bench() {
  sim::LectroticOptions device;
  device.buffer = 3000;
  auto plugged = std::make_shared<Plugged>(device);
  Bench bench;
  bench.device = plugged->tagger.get();
  bench.unplug = [p = plugged.get()] { p->bench.unplug(*p->tagger); };
  bench.replug = [p = plugged.get()] { p->bench.replug(*p->tagger, "ttyACM7"); };
  bench.make_tags = [p = plugged.get()](std::size_t n) {
    p->bench.make_tags(n, 10'000'000);
    p->bench.settle();
  };
  bench.provoke_overflow = [p = plugged.get()] {
    p->bench.make_tags(6000, 1'000'000);
    p->bench.settle();
  };
  bench.keep = std::move(plugged);
  return bench;
}

const Fixture kTagger{"Lectrotic", contract_bench};
INSTANTIATE_TEST_SUITE_P(Lectrotic, DeviceContract, testing::Values(kTagger), fixture_name);
INSTANTIATE_TEST_SUITE_P(Lectrotic, TimeTaggerContract, testing::Values(kTagger), fixture_name);
INSTANTIATE_TEST_SUITE_P(Lectrotic, TaggerOverflowContract, testing::Values(kTagger), fixture_name);

Result<void> inputs_are_channels(LectroticBench& bench) {
  return test::inputs_are_channels(bench, 3'000'000'000, 750'000);  // 1.2 s: over the end of a second
}

TEST(Lectrotic, EveryInputIsItsChannelAndKeepsItsTime) {
  LectroticBench bench;
  EXPECT_TRUE(succeeds(inputs_are_channels(bench)));
}

TEST(Lectrotic, EveryInputIsItsChannelIsRedForADeviceThatSwapsTwo) {
  sim::LectroticOptions options;
  options.mutant = sim::LectroticMutant::swaps_inputs;
  LectroticBench bench(options);
  const auto result = inputs_are_channels(bench);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().message, "a tag came out on another channel");
}

TEST(Lectrotic, EveryInputIsItsChannelIsRedForADeviceThatForgetsItsSeconds) {
  sim::LectroticOptions options;
  options.mutant = sim::LectroticMutant::forgets_seconds;
  LectroticBench bench(options);
  EXPECT_FALSE(inputs_are_channels(bench).ok());
}

TEST(Lectrotic, IsFoundByItsUsbIdentityAndNothingIsOpened) {
  LectroticBench bench;
  const auto found = bench.driver().find({}, {});
  ASSERT_TRUE(succeeds(found));
  ASSERT_EQ(found->size(), 1u);
  EXPECT_EQ(found->front().at("serial"), "LT4-0042");
  EXPECT_EQ(bench.tty().opens(), 0u);
}

TEST(Lectrotic, IsKnownByItsSerialNumber) {
  LectroticBench bench;
  const auto made = bench.driver().make({{"serial", "LT4-0042"}});
  ASSERT_TRUE(succeeds(made));
  EXPECT_EQ((*made)->info().serial, "LT4-0042");
  EXPECT_EQ(code_of(bench.driver().make({{"serial", "LT4-9999"}})), Code::not_found);
}

TEST(Lectrotic, TellsTheDeviceEdgesAndDividersWhenItStarts) {
  LectroticBench bench;
  const auto tagger = bench.open();
  hal::ChannelConfig config = *tagger->channel(2);
  config.edge = hal::Edge::falling;
  ASSERT_TRUE(succeeds(tagger->set_channel(2, config)));
  ASSERT_TRUE(succeeds(tagger->write_property("divider_1", std::int64_t{8})));
  ASSERT_TRUE(succeeds(tagger->start()));
  ASSERT_TRUE(bench.streaming());
  EXPECT_EQ(bench.look([](auto& d) { return d.slope(2); }), "NEG");
  EXPECT_EQ(bench.look([](auto& d) { return d.slope(0); }), "POS");
  EXPECT_EQ(bench.look([](auto& d) { return d.divider(1); }), 8);
}

TEST(Lectrotic, RefusesALevelAndADeadTime) {
  LectroticBench bench;
  const auto tagger = bench.open();
  EXPECT_TRUE(succeeds(tagger->set_channel(0, {})));
  hal::ChannelConfig config;
  config.threshold = {1.5};
  EXPECT_EQ(code_of(tagger->set_channel(0, config)), Code::not_supported);
  config = {};
  config.dead_time_ticks = 10;
  EXPECT_EQ(code_of(tagger->set_channel(0, config)), Code::not_supported);
}

TEST(Lectrotic, RefusesASecondStart) {
  LectroticBench bench;
  const auto tagger = bench.open();
  ASSERT_TRUE(succeeds(tagger->start()));
  EXPECT_EQ(code_of(tagger->start()), Code::busy);
}

TEST(Lectrotic, IsQuietedWhenAnEarlierProgramLeftItStreaming) {
  sim::LectroticOptions options;
  options.light = sim::poisson_light({1e3, 1e3, 1e3, 1e3}, 3);
  LectroticBench bench(options);
  (void)bench.look([](auto& d) {
    const std::string_view text = "FORM:DATA BIN\nOUTP:STAT ON\n";
    d.receive({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, {});
    return true;
  });
  EXPECT_NO_THROW((void)bench.open());
}

}  // namespace
}  // namespace nicol::hal_contract
