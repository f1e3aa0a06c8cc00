// SPDX-License-Identifier: Apache-2.0
// Taggers: the stream contract sentence by sentence, and what start, stop and the cable do to it.
#include <algorithm>
#include <chrono>

#include "tests/hal_contract/fixture.hpp"
#include "tests/hal_contract/stream_checker.hpp"

namespace nicol::hal_contract {
namespace {

using namespace hal;

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(TimeTaggerContract);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(TaggerOverflowContract);

Deadline in_50_ms() { return {std::chrono::steady_clock::now() + std::chrono::milliseconds(50)}; }

std::string said(const StreamVerdict& verdict) {
  std::string out;
  for (std::size_t i = 0; i < std::min<std::size_t>(verdict.violations.size(), 5); ++i)
    out += verdict.violations[i] + "\n";
  return out;
}

/// The first status that is neither data nor a timeout, or the last of a bounded number.
StreamStatus status_in_the_end(TimeTagger& tagger) {
  return run_stream(tagger, {.tags = SIZE_MAX, .tag_storage = 4096}).last;
}

TEST_P(TimeTaggerContract, DescribesItself) {
  const TaggerCaps caps = as<TimeTagger>().caps();
  EXPECT_GT(caps.channels, 0u);
  EXPECT_GT(caps.tick.num, 0u);
  EXPECT_GT(caps.tick.den, 0u);
  EXPECT_GT(caps.fifo_depth, 0u);
  EXPECT_GE(caps.jitter, Picoseconds{});
  EXPECT_GE(caps.min_dead_time, Picoseconds{});
}

TEST_P(TimeTaggerContract, KeepsTheSettingsOfEachChannel) {
  auto& tagger = as<TimeTagger>();
  for (std::size_t c = 0; c < tagger.caps().channels; ++c) {
    Result<ChannelConfig> config = tagger.channel(c);
    ASSERT_TRUE(succeeds(config));
    config->enabled = false;
    config->delay_ticks += 17;
    ASSERT_TRUE(succeeds(tagger.set_channel(c, *config)));
    EXPECT_FALSE(tagger.channel(c)->enabled);
    EXPECT_EQ(tagger.channel(c)->delay_ticks, config->delay_ticks);
  }
}

TEST_P(TimeTaggerContract, RefusesChannelsItHasNot) {
  auto& tagger = as<TimeTagger>();
  EXPECT_EQ(code_of(tagger.channel(tagger.caps().channels)), Code::out_of_range);
  EXPECT_EQ(code_of(tagger.set_channel(tagger.caps().channels, {})), Code::out_of_range);
}

TEST_P(TimeTaggerContract, GivesNothingBeforeItIsStarted) {
  EXPECT_EQ(status_in_the_end(as<TimeTagger>()), StreamStatus::stopped);
}

TEST_P(TimeTaggerContract, GivesAnEmptyBlockWhenTimeRunsOut) {
  auto& tagger = as<TimeTagger>();
  ASSERT_TRUE(succeeds(tagger.start()));
  std::array<TimeTag, 16> tags{};
  std::array<LossInterval, 4> losses{};
  TagBlock block;
  block.storage = tags;
  block.loss_storage = losses;
  StreamStatus status = StreamStatus::ok;
  for (int i = 0; i < 1000 && status == StreamStatus::ok; ++i) status = tagger.acquire(block, in_50_ms());
  EXPECT_EQ(status, StreamStatus::timeout);
  EXPECT_EQ(block.tag_count, 0u);
  EXPECT_EQ(block.loss_count, 0u);
}

TEST_P(TimeTaggerContract, KeepsTheStreamContract) {
  NICOL_NEEDS(make_tags);
  auto& tagger = as<TimeTagger>();
  ASSERT_TRUE(succeeds(tagger.start()));
  bench().make_tags(2000);
  const StreamVerdict verdict = run_stream(tagger, {});
  EXPECT_TRUE(verdict.violations.empty()) << said(verdict);
  EXPECT_GE(verdict.tags, 2000u);
}

TEST_P(TimeTaggerContract, KeepsTheStreamContractOneTagAtATime) {
  NICOL_NEEDS(make_tags);
  auto& tagger = as<TimeTagger>();
  ASSERT_TRUE(succeeds(tagger.start()));
  bench().make_tags(100);
  const StreamVerdict verdict = run_stream(tagger, {.tags = 100, .tag_storage = 1, .loss_storage = 1});
  EXPECT_TRUE(verdict.violations.empty()) << said(verdict);
  EXPECT_GE(verdict.tags, 100u);
}

TEST_P(TaggerOverflowContract, ReportsAnOverflowBeforeAnyLaterTag) {
  NICOL_NEEDS(provoke_overflow);
  auto& tagger = as<TimeTagger>();
  ASSERT_TRUE(succeeds(tagger.start()));
  bench().provoke_overflow();
  const StreamVerdict verdict = run_stream(tagger, {.tags = SIZE_MAX, .tag_storage = 1024});
  EXPECT_TRUE(verdict.violations.empty()) << said(verdict);
  EXPECT_GE(verdict.overflows, 1u);
}

TEST_P(TimeTaggerContract, SaysStoppedOnceStopped) {
  auto& tagger = as<TimeTagger>();
  ASSERT_TRUE(succeeds(tagger.start()));
  ASSERT_TRUE(succeeds(tagger.stop()));
  EXPECT_EQ(status_in_the_end(tagger), StreamStatus::stopped);
}

TEST_P(TimeTaggerContract, KeepsTheStreamContractWhenStartedAgain) {
  NICOL_NEEDS(make_tags);
  auto& tagger = as<TimeTagger>();
  ASSERT_TRUE(succeeds(tagger.start()));
  ASSERT_TRUE(succeeds(tagger.stop()));
  ASSERT_EQ(status_in_the_end(tagger), StreamStatus::stopped);
  ASSERT_TRUE(succeeds(tagger.start()));
  bench().make_tags(200);
  const StreamVerdict verdict = run_stream(tagger, {.tags = 200});
  EXPECT_TRUE(verdict.violations.empty()) << said(verdict);
  EXPECT_GE(verdict.tags, 200u);
}

TEST_P(TimeTaggerContract, SaysDisconnectedOnceUnplugged) {
  NICOL_NEEDS(unplug);
  auto& tagger = as<TimeTagger>();
  ASSERT_TRUE(succeeds(tagger.start()));
  bench().unplug();
  EXPECT_EQ(status_in_the_end(tagger), StreamStatus::disconnected);
}

TEST_P(TimeTaggerContract, DoesNotStartByItselfWhenReplugged) {
  NICOL_NEEDS(unplug);
  NICOL_NEEDS(replug);
  auto& tagger = as<TimeTagger>();
  ASSERT_TRUE(succeeds(tagger.start()));
  bench().unplug();
  bench().replug();
  EXPECT_EQ(status_in_the_end(tagger), StreamStatus::stopped);
}

TEST_P(TimeTaggerContract, GivesOneRateAChannel) {
  auto& tagger = as<TimeTagger>();
  ASSERT_TRUE(succeeds(tagger.start()));
  const auto rates = tagger.count_rates();
  ASSERT_TRUE(succeeds(rates));
  EXPECT_EQ(rates->size(), tagger.caps().channels);
  for (const double rate : *rates) EXPECT_GE(rate, 0);
}

}  // namespace
}  // namespace nicol::hal_contract
