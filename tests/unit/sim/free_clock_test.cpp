// SPDX-License-Identifier: Apache-2.0
// Clocks that run free: what they show against the formula, their walk against its law, and what Bob's tagger then has.
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "sim/devices/free_clock.hpp"
#include "sim/devices/timing.hpp"
#include "sim/scenario/fields.hpp"
#include "tests/unit/sim/bench_link.hpp"

namespace nicol::sim {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000'000;

StreamKey noise(std::uint64_t seed) { return {seed, NodeId::bob, Purpose::sim_tagger, 0}; }

TEST(FreeClock, ShowsTheTimeWhenNothingIsWrongWithIt) {
  FreeClock clock({}, noise(1));
  for (const std::int64_t t : {-kSecond, std::int64_t{0}, std::int64_t{12'345}, 1000 * kSecond})
    EXPECT_EQ(clock.reads(t), t);
}

TEST(FreeClock, IsSetWrongAndRunsFast) {
  FreeClock clock({-1, 50, 0, 0}, noise(1));
  EXPECT_EQ(clock.reads(0), -kSecond);
  EXPECT_EQ(clock.reads(10 * kSecond), 9 * kSecond + 500'000'000);
}

TEST(FreeClock, DriftsWithTheSquareOfTime) {
  FreeClock clock({0, 0, 1e-9, 0}, noise(1));
  EXPECT_EQ(clock.reads(100 * kSecond), 100 * kSecond + 5'000'000);
  EXPECT_DOUBLE_EQ(clock.frequency(100 * kSecond), 1e-7);
}

TEST(FreeClock, WalksAsFarAsItSays) {
  double square = 0;
  constexpr int kClocks = 400;
  for (std::uint64_t seed = 0; seed < kClocks; ++seed) {
    FreeClock clock({0, 0, 0, 1e-10}, noise(seed));
    square += std::pow(clock.frequency(4 * kSecond) / 2e-10, 2);
  }
  EXPECT_NEAR(square / kClocks, 1, 4.5 * std::sqrt(2.0 / kClocks));
}

TEST(FreeClock, IsTheIntegralOfItsFrequency) {
  FreeClock clock({0, 0, 0, 1e-6}, noise(5));
  double shown = 0;
  constexpr std::int64_t kStep = 10'000'000'000;
  for (std::int64_t t = 0; t < 2 * kSecond; t += kStep)
    shown += static_cast<double>(kStep) * (1 + clock.frequency(t + kStep / 2));
  EXPECT_NEAR(static_cast<double>(clock.reads(2 * kSecond)), shown, 5);
}

TEST(FreeClock, ShowsTheSameWhateverItWasAskedBefore) {
  const ClockModel model{0.3, -20, 1e-9, 1e-7};
  FreeClock asked(model, noise(9));
  for (const std::int64_t t : {3 * kSecond, kSecond / 2, 700 * kSecond, 700 * kSecond - 1'000'000'000, kSecond}) {
    FreeClock fresh(model, noise(9));
    EXPECT_EQ(asked.reads(t), fresh.reads(t)) << t;
  }
}

Scenario short_link(SyncType sync) {
  Scenario s = load_scenario("lossy").value();
  s.channel.loss_db = 3;
  s.timing.sync = sync;
  return s;
}

TEST(WithoutSync, BobHasHisDetectorsAlone) {
  const Scenario s = short_link(SyncType::none);
  test::BenchLink link(s, {});
  EXPECT_EQ(bob_timing(s).channels.size(), 4u);
  EXPECT_EQ(link.bob().find<hal::TimeTagger>("tagger")->caps().channels, 4u);
  std::set<std::uint16_t> channels;
  const auto block = link.run(200'000);
  for (const hal::TimeTag& tag : block.bob.tags) channels.insert(tag.channel);
  EXPECT_EQ(channels, (std::set<std::uint16_t>{0, 1, 2, 3}));
  EXPECT_TRUE(block.bob.contract_kept);
}

TEST(WithoutSync, HisClicksAreThoseHeWouldHaveHad) {
  const auto clicks = [](SyncType sync) {
    Scenario s = short_link(sync);
    s.bob_clock.ppm = 0;
    for (DetectorModel& d : s.receiver.detectors) d.dark_hz = 0;
    test::BenchLink link(s, {});
    std::vector<hal::TimeTag> tags = link.run(200'000).bob.tags;
    std::erase_if(tags, [](const hal::TimeTag& tag) { return tag.channel > 3; });
    for (hal::TimeTag& tag : tags) tag.ticks -= light_begins(s, {0}).count;
    return tags;
  };
  EXPECT_EQ(clicks(SyncType::none), clicks(SyncType::pulses));
}

TEST(FreeRunning, BobStampsByHisOwnClock) {
  Scenario s = short_link(SyncType::none);
  test::BenchLink disciplined(s, {});
  s.bob_clock = {1, 50, 0, 0};
  test::BenchLink free(s, {});
  const auto right = disciplined.run(200'000).bob.tags, his = free.run(200'000).bob.tags;
  ASSERT_GT(std::min(his.size(), right.size()), 15'000u);
  for (std::size_t i = 0; i < 15'000; ++i) {
    const auto t = static_cast<double>(right[i].ticks) / (1 - 1.2e-6);
    EXPECT_NEAR(static_cast<double>(his[i].ticks), t * (1 + 50e-6) + 1e12, 2);
  }
}

TEST(FreeRunning, LightBeginsAfterItsLead) {
  Scenario s = short_link(SyncType::pulses);
  s.timing.lead_s = 0.01;
  EXPECT_EQ(light_begins(s, {0}), quiet_time(s) + Picoseconds::seconds(0.01));
}

TEST(APulseASecond, ComesOnTheSecondsThatSlotsBeginWith) {
  Scenario s = short_link(SyncType::pps);
  s.bob_clock.ppm = 0;
  s.source.rate_hz = 1e6;
  test::BenchLink link(s, {});
  const auto block = link.run(1'500'000);
  std::vector<std::int64_t> seconds, frames;
  for (const hal::TimeTag& tag : block.bob.tags) {
    if (tag.channel == 4) seconds.push_back(tag.ticks);
    if (tag.channel == 5) frames.push_back(tag.ticks);
  }
  ASSERT_EQ(seconds.size(), 2u);
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_NEAR(static_cast<double>(frames[0] - kSecond), 5'000, 200);
  EXPECT_NEAR(static_cast<double>(seconds[0] - kSecond), 0, 2e5);
  EXPECT_NEAR(static_cast<double>(seconds[1] - seconds[0]), 1e12, 3e5);
}

TEST(WithoutSync, AnActiveReceiverIsRefused) {
  std::string text = scenario_text("motorised").value();
  text.replace(text.find("[timing]\n"), 9, "[timing]\nsync = \"none\"\n");
  const auto scenario = parse_scenario(text, "some.toml");
  ASSERT_FALSE(scenario.ok());
  EXPECT_NE(scenario.error().message.find("timing.sync: an active receiver"), std::string::npos)
      << scenario.error().message;
}

}  // namespace
}  // namespace nicol::sim
