// SPDX-License-Identifier: Apache-2.0
// The tagger's FIFO loses what it must lose, and says exactly that.
#include <gtest/gtest.h>

#include <array>

#include "sim/devices/tag_stream.hpp"

namespace nicol::sim {
namespace {

using hal::StreamStatus;

struct Reader {
  std::vector<hal::TimeTag> tags;
  std::vector<hal::LossInterval> losses;
  std::vector<StreamStatus> statuses;
  std::int64_t end = 0;

  void drain(TagStream& stream, std::size_t storage = 64) {
    std::vector<hal::TimeTag> room(storage);
    std::array<hal::LossInterval, 4> loss_room{};
    for (;;) {
      hal::TagBlock block;
      block.storage = room;
      block.loss_storage = loss_room;
      const StreamStatus status = stream.fill(block);
      if (status == StreamStatus::timeout) return;
      statuses.push_back(status);
      tags.insert(tags.end(), block.tags().begin(), block.tags().end());
      losses.insert(losses.end(), block.losses().begin(), block.losses().end());
      end = block.t_end;
    }
  }
};

TagStream make_stream(std::uint64_t depth, double drain_hz, TickLength tick = {1, 1}, double ppm = 0) {
  return TagStream({tick, {0, ppm, 0, 0}, depth, drain_hz, 3, {}}, std::vector<hal::ChannelConfig>(3));
}

TEST(Fifo, KeepsEverythingWhileItDrainsFastEnough) {
  TagStream stream = make_stream(4, 1e12);
  stream.resume({0});
  for (std::int64_t t = 0; t < 1000; ++t) stream.push({t * 10, 0, 0, false});
  stream.complete_until({10'000});
  Reader reader;
  reader.drain(stream);
  EXPECT_EQ(reader.tags.size(), 1000u);
  EXPECT_TRUE(reader.losses.empty());
}

TEST(Fifo, BeginsWithItsStreamWhateverJitterTookBeforeIt) {
  TagStream stream = make_stream(4, 1e12);
  stream.resume({1000});
  stream.push({998, 0, 0, false});
  stream.push({999, 1500, 1, true});
  stream.push({2000, 0, 0, false});
  stream.complete_until({10'000});
  Reader reader;
  reader.drain(stream);
  ASSERT_EQ(reader.tags.size(), 1u);
  EXPECT_EQ(reader.tags[0].ticks, 2000);
  ASSERT_EQ(reader.losses.size(), 1u);
  EXPECT_EQ(reader.losses[0].begin, 1000);
}

TEST(Fifo, LosesExactlyWhatItReports) {
  TagStream stream = make_stream(100, 1e9);  // a tag a nanosecond
  stream.resume({0});
  constexpr std::int64_t kTags = 10'000;
  for (std::int64_t t = 0; t < kTags; ++t) stream.push({t * 250, 0, 0, false});
  stream.complete_until({kTags * 250});
  Reader reader;
  reader.drain(stream);
  std::uint64_t lost = 0;
  for (const hal::LossInterval& loss : reader.losses) {
    EXPECT_TRUE(loss.lost_known);
    EXPECT_EQ(loss.cause, hal::LossCause::fifo_overflow);
    lost += loss.lost;
  }
  EXPECT_GT(reader.losses.size(), 3u);
  EXPECT_EQ(reader.tags.size() + lost, static_cast<std::size_t>(kTags));
}

TEST(Fifo, LosesNothingOutsideItsIntervalsAndEverythingInside) {
  TagStream stream = make_stream(100, 1e9);
  stream.resume({0});
  for (std::int64_t t = 0; t < 10'000; ++t) stream.push({t * 250, 0, 0, false});
  stream.complete_until({2'500'000});
  Reader reader;
  reader.drain(stream);
  std::size_t next = 0;
  for (std::int64_t t = 0; t < 10'000; ++t) {
    const auto inside = [&](const hal::LossInterval& l) { return t * 250 >= l.begin && t * 250 < l.end; };
    const bool kept = next < reader.tags.size() && reader.tags[next].ticks == t * 250;
    EXPECT_NE(kept, std::any_of(reader.losses.begin(), reader.losses.end(), inside)) << t;
    next += kept;
  }
}

TEST(Fifo, FirstOverflowsAtItsDepth) {
  TagStream stream = make_stream(10, 1e6);
  stream.resume({0});
  for (std::int64_t t = 0; t < 20; ++t) stream.push({t, 0, 0, false});
  stream.complete_until({1000});
  Reader reader;
  reader.drain(stream);
  EXPECT_EQ(reader.tags.size(), 10u);
  ASSERT_EQ(reader.losses.size(), 1u);
  EXPECT_EQ(reader.losses[0].begin, 10);
  EXPECT_EQ(reader.losses[0].lost, 10u);
}

TEST(Fifo, TellsALongOverflowBeforeItIsOver) {
  TagStream stream = make_stream(10, 1e3);
  stream.resume({0});
  for (std::int64_t t = 0; t < 20; ++t) stream.push({t, 0, 0, false});
  stream.complete_until({1000});
  Reader reader;
  reader.drain(stream);
  EXPECT_EQ(reader.end, 1000);
  stream.push({1500, 0, 0, false});
  stream.complete_until({2000});
  reader.drain(stream);
  EXPECT_EQ(reader.losses.size(), 2u);
  EXPECT_EQ(reader.losses[1].lost, 1u);
  EXPECT_EQ(reader.end, 2000);
}

TEST(TagStream, SaysOverflowOnlyWithTheBlockThatBeginsWithOne) {
  TagStream stream = make_stream(10, 1e9);
  stream.resume({0});
  for (std::int64_t t = 0; t < 20; ++t) stream.push({t, 0, 0, false});
  stream.push({1'000'000, 0, 0, false});
  stream.complete_until({2'000'000});
  Reader reader;
  reader.drain(stream);
  EXPECT_EQ(reader.statuses, (std::vector<StreamStatus>{StreamStatus::ok, StreamStatus::overflow}));
}

TEST(TagStream, HoldsBackWhatIsNotComplete) {
  TagStream stream = make_stream(100, 1e12);
  stream.resume({0});
  for (std::int64_t t = 0; t < 10; ++t) stream.push({t * 10, 0, 0, false});
  stream.complete_until({50});
  Reader reader;
  reader.drain(stream);
  EXPECT_EQ(reader.tags.size(), 5u);
  EXPECT_EQ(reader.end, 50);
}

TEST(TagStream, CountsInItsOwnTicksAndByItsOwnClock) {
  TagStream stream = make_stream(100, 1e12, {2000, 16}, 100);  // 125 ps, 100 ppm fast
  stream.resume({0});
  stream.push({1'000'000'000'000, 0, 1, false});
  stream.complete_until({2'000'000'000'000});
  Reader reader;
  reader.drain(stream);
  ASSERT_EQ(reader.tags.size(), 1u);
  EXPECT_EQ(reader.tags[0].ticks, 8'000'800'000);
}

TEST(TagStream, DropsDisabledChannelsAndTheirDeadTime) {
  std::vector<hal::ChannelConfig> channels(3);
  channels[0].enabled = false;
  channels[1].dead_time_ticks = 100;
  TagStream stream({{1, 1}, {}, 100, 1e12, 3, {}}, channels);
  stream.resume({0});
  for (std::int64_t t = 0; t < 10; ++t) {
    stream.push({t * 30, 0, 0, false});
    stream.push({t * 30, 0, 1, false});
  }
  stream.complete_until({1000});
  Reader reader;
  reader.drain(stream);
  ASSERT_EQ(reader.tags.size(), 3u);
  EXPECT_EQ(reader.tags[1].ticks, 120);
}

TEST(TagStream, ReportsTheHoleBetweenTwoBlocksOfLight) {
  TagStream stream = make_stream(100, 1e12);
  stream.resume({0});
  stream.complete_until({100});
  stream.resume({500});
  stream.complete_until({600});
  Reader reader;
  reader.drain(stream);
  ASSERT_EQ(reader.losses.size(), 1u);
  EXPECT_EQ(reader.losses[0].begin, 100);
  EXPECT_EQ(reader.losses[0].end, 500);
  EXPECT_EQ(reader.losses[0].cause, hal::LossCause::restarted);
}

TEST(TagStream, TurnsAWithheldTagIntoALossOfItsChannelAlone) {
  TagStream stream = make_stream(100, 1e12);
  stream.resume({0});
  stream.push({10, 0, 0, false});
  stream.push({20, 400, 2, true});
  stream.push({30, 0, 0, false});
  stream.complete_until({100});
  Reader reader;
  reader.drain(stream);
  ASSERT_EQ(reader.losses.size(), 1u);
  EXPECT_EQ(reader.losses[0], (hal::LossInterval{20, 400, 0, false, 4, hal::LossCause::rate_limit}));
  EXPECT_EQ(reader.tags.size(), 2u);
}

}  // namespace
}  // namespace nicol::sim
