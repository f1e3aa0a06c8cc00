// SPDX-License-Identifier: Apache-2.0
// The FX2 card's driver over an emulated card: the contract of a time tagger, every tag in its place, and a mutant.
#include "tests/hal_contract/fixture.hpp"
#include "tests/instruments/cqt_fx2_bench.hpp"

namespace nicol::hal_contract {
namespace {

using test::Fx2Bench;
using test::Heard;

struct Plugged {
  explicit Plugged(sim::Fx2Options device) : bench(std::move(device)), tagger(bench.open()) {}
  Fx2Bench bench;
  std::unique_ptr<hal::TimeTagger> tagger;
};

Bench contract_bench(const sim::Fx2Options& device) {
  auto plugged = std::make_shared<Plugged>(device);
  Bench bench;
  bench.device = plugged->tagger.get();
  bench.unplug = [p = plugged.get()] { p->bench.unplug(*p->tagger); };
  bench.replug = [p = plugged.get()] { p->bench.replug(*p->tagger, "1-4"); };
  bench.make_tags = [p = plugged.get()](std::size_t n) { p->bench.make_tags(n, 10'000'000); };
  bench.provoke_overflow = [p = plugged.get()] { p->bench.make_tags(20'000, 10'000); };
  bench.keep = std::move(plugged);
  return bench;
}

sim::Fx2Options unchecked() {
  sim::Fx2Options options;
  options.checksum = sim::Fx2Checksum::ignored;
  return options;
}

const Fixture kTaggers[] = {{"Fx2", [] { return contract_bench({}); }},
                            {"Fx2WithPublishedFirmware", [] { return contract_bench(unchecked()); }}};

INSTANTIATE_TEST_SUITE_P(CqtFx2, DeviceContract, testing::ValuesIn(kTaggers), fixture_name);
INSTANTIATE_TEST_SUITE_P(CqtFx2, TimeTaggerContract, testing::ValuesIn(kTaggers), fixture_name);
INSTANTIATE_TEST_SUITE_P(CqtFx2, TaggerOverflowContract, testing::ValuesIn(kTaggers), fixture_name);

Result<void> inputs_are_channels(Fx2Bench& bench) { return test::inputs_are_channels(bench, 500'000'125, 4'000'001); }

TEST(CqtFx2, EveryInputIsItsChannelAndKeepsItsTime) {
  Fx2Bench bench;
  EXPECT_TRUE(succeeds(inputs_are_channels(bench)));
}

TEST(CqtFx2, EveryInputIsItsChannelIsRedForACardThatSwapsTwo) {
  sim::Fx2Options options;
  options.mutant = sim::Fx2Mutant::swaps_inputs;
  Fx2Bench bench(options);
  const auto result = inputs_are_channels(bench);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().message, "a tag came out on another channel");
}

TEST(CqtFx2, TellsAnOverflowThatTheCardHides) {
  sim::Fx2Options options;
  options.mutant = sim::Fx2Mutant::hides_overflow;
  Fx2Bench bench(options);
  const auto tagger = bench.open();
  ASSERT_TRUE(succeeds(tagger->start()));
  bench.make_tags(4000, 10'000);
  Heard heard;
  heard.listen(*tagger, 20, [&] { return !heard.losses.empty(); });
  ASSERT_FALSE(heard.losses.empty());
  EXPECT_EQ(heard.losses[0].cause, hal::LossCause::fifo_overflow);
}

void expect_no_loss_at(double events_per_second) {
  const double rate = events_per_second / 4;
  sim::Fx2Options options;
  options.light = sim::poisson_light({rate, rate, rate, rate}, 5);
  Fx2Bench bench(options);
  const auto tagger = bench.open();
  ASSERT_TRUE(succeeds(tagger->start()));
  const auto enough = static_cast<std::size_t>(rate);
  Heard heard;
  heard.listen(*tagger, 10, [&] { return heard.tags.size() > enough; });
  EXPECT_GT(heard.tags.size(), enough);
  EXPECT_TRUE(heard.losses.empty());
  EXPECT_TRUE(succeeds(tagger->stop()));
}

TEST(CqtFx2, CarriesFortyThousandEventsASecondWithoutLoss) { expect_no_loss_at(4e4); }

/// Where nothing else runs: an emulated card that is slower than its own light would never catch up.
TEST(CqtFx2Long, CarriesAMillionEventsASecondWithoutLoss) { expect_no_loss_at(1e6); }

TEST(CqtFx2, GivesEverythingThatCameBeforeTheStop) {
  Fx2Bench bench;
  const auto tagger = bench.open();
  ASSERT_TRUE(succeeds(tagger->start()));
  bench.make_tags(777, 10'000);
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  ASSERT_TRUE(succeeds(tagger->stop()));
  Heard heard;
  heard.listen(*tagger, 20);
  EXPECT_EQ(heard.last, hal::StreamStatus::stopped);
  EXPECT_EQ(heard.tags.size(), 777u);
}

TEST(CqtFx2, IsFoundByItsDescriptorsAndNothingIsOpened) {
  Fx2Bench bench;
  const auto found = bench.driver().find({}, {});
  ASSERT_TRUE(succeeds(found));
  ASSERT_EQ(found->size(), 1u);
  EXPECT_EQ(found->front().at("serial"), "xx");
  EXPECT_EQ(bench.usb().claimed(), 0);
}

TEST(CqtFx2, UsesAlternateSettingOne) {
  Fx2Bench bench;
  const auto tagger = bench.open();
  EXPECT_EQ(bench.usb().alternate_setting(), 1);
}

TEST(CqtFx2, SetsItsConverterAndReference) {
  Fx2Bench bench;
  const auto tagger = bench.open({{"threshold", "2905"}, {"reference", "external"}});
  EXPECT_EQ(bench.look([](auto& d) { return d.dac(1); }), 2905);
  EXPECT_EQ(bench.look([](auto& d) { return d.dac(3); }), 2000);
  EXPECT_TRUE(bench.look([](auto& d) { return d.external_reference(); }));
  ASSERT_TRUE(succeeds(tagger->write_property("threshold_dac", std::int64_t{3000})));
  EXPECT_EQ(bench.look([](auto& d) { return d.dac(1); }), 3000);
}

TEST(CqtFx2, RefusesArgumentsItDoesNotKnow) {
  Fx2Bench bench;
  EXPECT_EQ(code_of(bench.make({{"threshold", "4096"}})), Code::bad_input);
  EXPECT_EQ(code_of(bench.make({{"reference", "atomic"}})), Code::bad_input);
  EXPECT_EQ(code_of(bench.make({{"phases", "600:1"}})), Code::bad_input);
  EXPECT_EQ(code_of(bench.make({{"serial", "yy"}})), Code::not_found);
}

TEST(CqtFx2, RefusesALevelForOneInput) {
  Fx2Bench bench;
  const auto tagger = bench.open();
  auto config = *tagger->channel(1);
  config.threshold = {0.7};
  EXPECT_EQ(code_of(tagger->set_channel(1, config)), Code::not_supported);
}

}  // namespace
}  // namespace nicol::hal_contract
