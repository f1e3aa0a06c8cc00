// SPDX-License-Identifier: Apache-2.0
// Files played as taggers: the HAL's contract, and each thing that a file may hold and a live stream may not.
#include "drivers/files/tag_player.hpp"

#include <random>

#include "tests/hal_contract/fixture.hpp"
#include "tests/hal_contract/stream_checker.hpp"
#include "tests/support/folder.hpp"
#include "tests/unit/files/temporary_files.hpp"

namespace nicol::hal_contract {
namespace {

using files::click;
using files::dummy;
using files::FileEvent;
using files::FileFormat;
using files::loss;
using files::PlayerOptions;
using files::TagPlayer;
using Events = std::vector<FileEvent>;
using Roles = std::vector<hal::ChannelRole>;

constexpr TickLength kTick{1000, 1};
constexpr std::int64_t kStep = 1000;  // ticks: a microsecond

/// A file in a folder of its own, and a player on a virtual clock.
struct Played {
  Played(FileFormat format, const Events& events, PlayerOptions::Pace pace) {
    auto writer =
        files::TagFileWriter::create(dir / "recording", format, {kTick, Roles(4, hal::ChannelRole::detector)});
    EXPECT_TRUE(succeeds(writer));
    EXPECT_TRUE(succeeds(writer->add(events)));
    EXPECT_TRUE(succeeds(writer->finish()));
    PlayerOptions options{.path = dir / "recording", .format = format, .pace = pace, .clock = clock.get()};
    auto opened = TagPlayer::open(options);
    EXPECT_TRUE(succeeds(opened));
    if (opened) player = *std::move(opened);
  }
  Played(const Played&) = delete;
  Played& operator=(const Played&) = delete;

  test::Folder dir;
  std::unique_ptr<RigClock> clock = make_virtual_rig_clock();
  std::unique_ptr<TagPlayer> player;
};

/// A tag or a dummy every microsecond, and from the 6000th on a loss every 500. (Never two at once: those cannot be
/// given one a block.)
Events busy_file(FileEvent::Kind losses) {
  Events events;
  for (std::int64_t i = 0; i < 40'000; ++i) {
    if (losses == FileEvent::Kind::loss && i >= 6000 && i % 500 == 0)
      events.push_back(loss(i * kStep, static_cast<std::uint32_t>(i % 3)));
    events.push_back(i % 7 == 3 ? dummy(i * kStep) : click(i * kStep, 1u << i % 4));
  }
  return events;
}

Bench bench_of(FileFormat format, FileEvent::Kind losses) {
  auto played = std::make_shared<Played>(format, busy_file(losses), PlayerOptions::Pace::clock);
  Bench bench;
  bench.device = played->player.get();
  const auto advance = [clock = played->clock.get()](std::int64_t microseconds) {
    clock->advance_to(clock->now() + Picoseconds{microseconds * 1'000'000});
  };
  bench.make_tags = [advance](std::size_t n) { advance(static_cast<std::int64_t>(2 * n)); };
  bench.advance = [clock = played->clock.get()](Picoseconds t) { clock->advance_to(clock->now() + t); };
  if (losses == FileEvent::Kind::loss) bench.provoke_overflow = [advance] { advance(20'000); };
  bench.because = {{"unplug", "unplug = none (a file has no cable)"},
                   {"replug", "replug = none (a file has no cable)"},
                   {"provoke_overflow", "overflow = none (this format has no mark for a loss)"}};
  bench.keep = std::move(played);
  return bench;
}

const Fixture kPlayers[] = {{"NicolFile", [] { return bench_of(FileFormat::nicol, FileEvent::Kind::loss); }},
                            {"ReadeventsFile", [] { return bench_of(FileFormat::readevents, FileEvent::Kind::event); }},
                            {"Tdc1File", [] { return bench_of(FileFormat::tdc1, FileEvent::Kind::event); }},
                            {"PtuFile", [] { return bench_of(FileFormat::ptu, FileEvent::Kind::event); }}};

INSTANTIATE_TEST_SUITE_P(TagPlayer, DeviceContract, testing::ValuesIn(kPlayers), fixture_name);
INSTANTIATE_TEST_SUITE_P(TagPlayer, TimeTaggerContract, testing::ValuesIn(kPlayers), fixture_name);
INSTANTIATE_TEST_SUITE_P(TagPlayer, TaggerOverflowContract, testing::Values(kPlayers[0]), fixture_name);

// --- what comes of a file that is played as fast as it is asked

struct Heard {
  std::vector<hal::TimeTag> tags;
  std::vector<hal::LossInterval> losses;
  hal::StreamStatus last = hal::StreamStatus::ok;
};

Heard hear(TagPlayer& player) {
  std::vector<hal::TimeTag> tags(300);
  std::vector<hal::LossInterval> losses(4);
  hal::TagBlock block;
  block.storage = tags;
  block.loss_storage = losses;
  Heard heard;
  StreamChecker checker;
  do {
    heard.last = player.acquire(block, SteadyDeadlines().in(std::chrono::seconds(30)));
    checker.see(heard.last, block);
    heard.tags.insert(heard.tags.end(), block.tags().begin(), block.tags().end());
    heard.losses.insert(heard.losses.end(), block.losses().begin(), block.losses().end());
  } while (heard.last == hal::StreamStatus::ok || heard.last == hal::StreamStatus::overflow);
  for (const std::string& violation : checker.violations()) ADD_FAILURE() << violation;
  return heard;
}

Heard hear(FileFormat format, const Events& events, const std::function<void(TagPlayer&)>& settings = {}) {
  Played played(format, events, PlayerOptions::Pace::asked);
  if (settings) settings(*played.player);
  EXPECT_TRUE(succeeds(played.player->start()));
  return hear(*played.player);
}

using Tags = std::vector<hal::TimeTag>;

TEST(TagPlayer, GivesEveryTagOfTheFileOnceAndThenStops) {
  Events events;
  Tags expected;
  for (std::int64_t i = 0; i < 20'000; ++i) {
    events.push_back(click(i * i, 1u << i % 4));
    expected.push_back({i * i, static_cast<std::uint16_t>(i % 4), 0});
  }
  const Heard heard = hear(FileFormat::csv, events);
  EXPECT_EQ(heard.last, hal::StreamStatus::stopped);
  Tags in_picoseconds = expected;
  for (auto& tag : in_picoseconds) tag.ticks *= 1000;
  EXPECT_EQ(heard.tags, in_picoseconds);
  EXPECT_TRUE(heard.losses.empty());
}

TEST(TagPlayer, GivesOneTagADetectorOfAWordAndSaysTheyCameTogether) {
  const Heard heard = hear(FileFormat::nicol, {click(10, 5), dummy(15), click(20, 2)});
  EXPECT_EQ(heard.tags, (Tags{{10, 0, hal::kTagSimultaneous}, {10, 2, hal::kTagSimultaneous}, {20, 1, 0}}));
}

TEST(TagPlayer, GivesALossFromTheTagBeforeItToTheTagAfterIt) {
  const Heard heard = hear(FileFormat::nicol, {click(10, 1), loss(10, 7), click(500, 2)});
  EXPECT_EQ(heard.losses,
            (std::vector<hal::LossInterval>{{10, 500, 7, true, hal::kAllChannels, hal::LossCause::fifo_overflow}}));
  EXPECT_EQ(heard.tags.size(), 2u);
}

TEST(TagPlayer, SaysThatALossWasNotCounted) {
  const Heard heard = hear(FileFormat::nicol, {click(10, 1), loss(10, 7), loss(10, 0), click(500, 2)});
  ASSERT_EQ(heard.losses.size(), 1u);
  EXPECT_FALSE(heard.losses[0].lost_known);
}

TEST(TagPlayer, GivesALossAtTheEndOfTheFile) {
  const Heard heard = hear(FileFormat::nicol, {click(10, 1), loss(10, 7)});
  ASSERT_EQ(heard.losses.size(), 1u);
  EXPECT_EQ(heard.losses[0].lost, 7u);
  EXPECT_EQ(heard.last, hal::StreamStatus::stopped);
}

TEST(TagPlayer, PutsTagsInOrderAsLongAsTheyAreNotGivenYet) {
  const Heard heard = hear(FileFormat::csv, {click(10, 1), click(30, 2), click(20, 4), click(40, 1)});
  EXPECT_EQ(heard.tags, (Tags{{10'000, 0, 0}, {20'000, 2, 0}, {30'000, 1, 0}, {40'000, 0, 0}}));
}

TEST(TagPlayer, GivesATagThatComesTooLateAsLost) {
  Events events;
  for (std::int64_t i = 0; i < 5000; ++i) events.push_back(click(100 + i, 1));
  events.push_back(click(50, 4));
  for (std::int64_t i = 5000; i < 6000; ++i) events.push_back(click(100 + i, 1));
  const Heard heard = hear(FileFormat::csv, events);
  EXPECT_EQ(heard.tags.size(), 6000u);
  ASSERT_EQ(heard.losses.size(), 1u);
  EXPECT_EQ(heard.losses[0].lost, 1u);
  EXPECT_EQ(heard.losses[0].channels, 4u);
  EXPECT_EQ(heard.losses[0].cause, hal::LossCause::corrupt);
}

TEST(TagPlayer, GoesOnAfterARecordingThatWasBegunAnew) {
  const std::int64_t second = 1'000'000'000;
  const Heard heard = hear(FileFormat::csv, {click(5 * second, 1), click(7, 2), click(second, 4)});
  ASSERT_EQ(heard.tags.size(), 3u);
  EXPECT_EQ(heard.tags[2].ticks - heard.tags[1].ticks, (second - 7) * 1000);
  ASSERT_EQ(heard.losses.size(), 1u);
  EXPECT_EQ(heard.losses[0].cause, hal::LossCause::restarted);
  EXPECT_FALSE(heard.losses[0].lost_known);
}

TEST(TagPlayer, SaysThatTheFileIsRefusedAndWhy) {
  Played played(FileFormat::csv, {click(1, 1), click(2, 1)}, PlayerOptions::Pace::asked);
  std::ofstream(played.dir / "recording", std::ios::app) << "rubbish\n";
  // The first piece of so short a file is all of it: it is refused before anything is played.
  EXPECT_EQ(code_of(played.player->start()), Code::bad_input);
  std::ofstream long_file(played.dir / "recording");
  for (int i = 0; i < 50'000; ++i) long_file << "0," << i << "000\n";
  long_file << "rubbish\n";
  long_file.close();
  ASSERT_TRUE(succeeds(played.player->start()));
  const Heard heard = hear(*played.player);
  EXPECT_EQ(heard.last, hal::StreamStatus::disconnected);
  EXPECT_EQ(played.player->link(), hal::Link::faulted);
  ASSERT_EQ(heard.losses.size(), 1u);
  EXPECT_EQ(heard.losses[0].cause, hal::LossCause::corrupt);
  const auto items = played.player->self_test({});
  ASSERT_TRUE(succeeds(items));
  EXPECT_FALSE(items->front().passed);
  EXPECT_NE(items->front().detail.find("line 50001:"), std::string::npos) << items->front().detail;
}

TEST(TagPlayer, LeavesOutChannelsThatAreDisabledAndDelaysTheOthers) {
  const Heard heard =
      hear(FileFormat::nicol, {click(100, 1), click(110, 2), click(120, 4), click(130, 1)}, [](TagPlayer& player) {
        hal::ChannelConfig config = *player.channel(1);
        config.enabled = false;
        ASSERT_TRUE(succeeds(player.set_channel(1, config)));
        config = *player.channel(0);
        config.delay_ticks = 25;
        ASSERT_TRUE(succeeds(player.set_channel(0, config)));
        config = *player.channel(2);
        config.delay_ticks = -15;
        ASSERT_TRUE(succeeds(player.set_channel(2, config)));
      });
  EXPECT_EQ(heard.tags, (Tags{{105, 2, 0}, {125, 0, 0}, {155, 0, 0}}));
}

TEST(TagPlayer, KeepsRandomDelaysAndRandomDisorderInOrder) {
  std::mt19937_64 random(5);
  Events events;
  std::int64_t t = 10'000;
  for (int i = 0; i < 30'000; ++i) {
    t += static_cast<std::int64_t>(random() % 50);
    events.push_back(click(t - static_cast<std::int64_t>(random() % 200), 1u << random() % 4));
  }
  std::uint64_t lost = 0;
  const Heard heard = hear(FileFormat::csv, events, [&](TagPlayer& player) {
    for (std::size_t c = 0; c < 4; ++c) {
      hal::ChannelConfig config = *player.channel(c);
      config.delay_ticks = static_cast<std::int64_t>(random() % 2'000'000) - 1'000'000;
      ASSERT_TRUE(succeeds(player.set_channel(c, config)));
    }
  });
  for (const auto& interval : heard.losses) lost += interval.lost;
  EXPECT_EQ(heard.tags.size() + lost, events.size());
  EXPECT_LT(lost, 20u) << "only what comes late over the edge of a piece";
}

TEST(TagPlayer, RefusesWhatWasSettledWhenTheFileWasRecorded) {
  Played played(FileFormat::nicol, {click(1, 1)}, PlayerOptions::Pace::asked);
  hal::ChannelConfig config = *played.player->channel(0);
  config.threshold = {1.5};
  EXPECT_EQ(code_of(played.player->set_channel(0, config)), Code::not_supported);
  config = *played.player->channel(0);
  config.dead_time_ticks = 3;
  EXPECT_EQ(code_of(played.player->set_channel(0, config)), Code::not_supported);
  config = *played.player->channel(0);
  config.delay_ticks = 1'000'000'000;
  EXPECT_EQ(code_of(played.player->set_channel(0, config)), Code::out_of_range);
}

TEST(TagPlayer, RefusesASecondStart) {
  Played played(FileFormat::nicol, {click(1, 1)}, PlayerOptions::Pace::asked);
  ASSERT_TRUE(succeeds(played.player->start()));
  EXPECT_EQ(code_of(played.player->start()), Code::busy);
}

TEST(TagPlayer, PlaysFromTheBeginningAtEachStart) {
  Played played(FileFormat::nicol, {click(10, 1), click(20, 2)}, PlayerOptions::Pace::asked);
  ASSERT_TRUE(succeeds(played.player->start()));
  const Tags first = hear(*played.player).tags;
  ASSERT_TRUE(succeeds(played.player->start()));
  EXPECT_EQ(hear(*played.player).tags, first);
}

TEST(TagPlayer, MovesTheClockAlongWhenItIsAsked) {
  Played played(FileFormat::nicol, {click(10, 1), click(1010, 2)}, PlayerOptions::Pace::asked);
  ASSERT_TRUE(succeeds(played.player->start()));
  (void)hear(*played.player);
  EXPECT_EQ(played.clock->now(), Picoseconds{1'000'000});
}

TEST(TagPlayer, WaitsForTheClockAndKnowsThatNothingCame) {
  Played played(FileFormat::nicol, {click(10, 1), click(1'000'000, 2)}, PlayerOptions::Pace::clock);
  ASSERT_TRUE(succeeds(played.player->start()));
  played.clock->advance_to(Picoseconds{500'000'000});
  std::array<hal::TimeTag, 8> tags{};
  std::array<hal::LossInterval, 2> losses{};
  hal::TagBlock block;
  block.storage = tags;
  block.loss_storage = losses;
  EXPECT_EQ(played.player->acquire(block, {}), hal::StreamStatus::ok);
  ASSERT_EQ(block.tag_count, 1u);
  EXPECT_EQ(block.t_end, 500'011) << "complete up to the clock";
  EXPECT_EQ(played.player->acquire(block, SteadyDeadlines().in(std::chrono::milliseconds(5))),
            hal::StreamStatus::timeout);
}

TEST(TagPlayer, NeedsAClockToFollowOne) {
  PlayerOptions options{.path = "none", .pace = PlayerOptions::Pace::clock};
  EXPECT_EQ(code_of(TagPlayer::open(options)), Code::bad_input);
}

TEST(TagPlayer, TakesRolesFromAFileThatSaysThem) {
  Played played(FileFormat::nicol, {}, PlayerOptions::Pace::asked);
  {
    auto writer = files::TagFileWriter::create(played.dir / "roles", FileFormat::nicol,
                                               {kTick, {hal::ChannelRole::sync, hal::ChannelRole::detector}});
    ASSERT_TRUE(writer && writer->finish());
  }
  const auto player = TagPlayer::open({.path = played.dir / "roles", .format = FileFormat::nicol});
  ASSERT_TRUE(succeeds(player));
  EXPECT_EQ((*player)->caps().channels, 2u);
  EXPECT_EQ((*player)->channel(0)->role, hal::ChannelRole::sync);
}

TEST(TagPlayer, GivesRatesOfTheTimePlayed) {
  Events events;
  for (std::int64_t i = 0; i <= 1000; ++i) events.push_back(click(i * 1000, 1));  // 1 MHz
  events.push_back(click(10'000'000'000, 1));
  Played played(FileFormat::nicol, events, PlayerOptions::Pace::clock);
  ASSERT_TRUE(succeeds(played.player->start()));
  played.clock->advance_to(Picoseconds{1'000'000'000});
  std::vector<hal::TimeTag> tags(4000);
  std::array<hal::LossInterval, 2> losses{};
  hal::TagBlock block;
  block.storage = tags;
  block.loss_storage = losses;
  ASSERT_EQ(played.player->acquire(block, {}), hal::StreamStatus::ok);
  const auto rates = played.player->count_rates();
  ASSERT_TRUE(succeeds(rates));
  EXPECT_NEAR((*rates)[0], 1e6, 2e3);
  EXPECT_EQ((*rates)[1], 0);
}

}  // namespace
}  // namespace nicol::hal_contract
