// SPDX-License-Identifier: Apache-2.0
// The bridge driver over a real socket: the contract of a time tagger, exact tags and losses, gone programs, nonsense.
#include <poll.h>
#include <sys/socket.h>

#include "tests/hal_contract/fixture.hpp"
#include "tests/instruments/tagger_bridge_bench.hpp"

namespace nicol::hal_contract {
namespace {

using hal::LossCause;
using test::BridgeBench;
using test::Heard;

struct Linked {
  BridgeBench bench;
  std::unique_ptr<hal::TimeTagger> tagger = bench.open();
};

const Fixture kBridge{"TaggerBridge", [] {
                        auto linked = std::make_shared<Linked>();
                        Bench bench;
                        bench.device = linked->tagger.get();
                        bench.unplug = [l = linked.get()] { l->bench.unplug(*l->tagger); };
                        bench.replug = [l = linked.get()] { l->bench.replug(*l->tagger); };
                        bench.make_tags = [l = linked.get()](std::size_t n) { l->bench.make_tags(n); };
                        bench.provoke_overflow = [l = linked.get()] {
                          l->bench.make_tags(100);
                          auto& now = l->bench.now();
                          l->bench.server().overflow_begin(now += 1000);
                          l->bench.server().missed(500);
                          l->bench.server().overflow_end(now += 1'000'000);
                          l->bench.make_tags(100);
                        };
                        bench.keep = std::move(linked);
                        return bench;
                      }};

INSTANTIATE_TEST_SUITE_P(TaggerBridge, DeviceContract, testing::Values(kBridge), fixture_name);
INSTANTIATE_TEST_SUITE_P(TaggerBridge, TimeTaggerContract, testing::Values(kBridge), fixture_name);
INSTANTIATE_TEST_SUITE_P(TaggerBridge, TaggerOverflowContract, testing::Values(kBridge), fixture_name);

/// The named case that a wrong program must not pass: what is pushed on k at t comes out on k at t.
Result<void> channels_are_inputs(BridgeBench& bench, unsigned zero, unsigned one) {
  auto tagger = bench.open();
  const std::int64_t origin = bench.now();
  bench.server().complete(origin);
  if (auto ok = tagger->start(); !ok) return ok;
  if (!bench.streaming()) return Error{Code::timeout, "no stream"};
  for (int i = 1; i <= 10'000; ++i) (void)bench.server().push(i % 2 == 0 ? zero : one, origin + i * 37);
  bench.server().complete(bench.now() = origin + 1'000'000);
  Heard ear;
  ear.listen(*tagger, 20, [&] { return ear.tags.size() >= 10'000; });
  if (ear.tags.size() != 10'000 || !ear.losses.empty()) return Error{Code::protocol, "tags are missing"};
  for (int i = 1; i <= 10'000; ++i)
    if (ear.tags[static_cast<std::size_t>(i - 1)] != hal::TimeTag{i * 37, static_cast<std::uint16_t>(i % 2), 0})
      return Error{Code::protocol, "a tag came out on another channel or at another time"};
  return {};
}

TEST(TaggerBridge, DeliversEveryTagExactly) {
  BridgeBench bench;
  EXPECT_TRUE(succeeds(channels_are_inputs(bench, 0, 1)));
}

TEST(TaggerBridge, DeliversEveryTagExactlyIsRedForAProgramThatSwapsTwoChannels) {
  BridgeBench bench;
  const auto result = channels_are_inputs(bench, 1, 0);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().message, "a tag came out on another channel or at another time");
}

TEST(TaggerBridge, TellsAnOverflowWithItsExactBoundsAndCount) {
  BridgeBench bench;
  const auto tagger = bench.open();
  bench.server().complete(5'000'000);
  ASSERT_TRUE(succeeds(tagger->start()));
  ASSERT_TRUE(bench.streaming());
  auto& server = bench.server();
  (void)server.push(1, 5'000'100);
  server.overflow_begin(5'000'200);
  server.missed(7);
  server.overflow_end(5'000'900);
  (void)server.push(2, 5'001'000);
  server.complete(5'002'000);
  Heard ear;
  ear.listen(*tagger, 20, [&] { return ear.tags.size() >= 2; });
  ASSERT_EQ(ear.losses.size(), 1u);
  EXPECT_EQ(ear.losses[0], (hal::LossInterval{200, 900, 7, true, hal::kAllChannels, LossCause::fifo_overflow}));
  ASSERT_EQ(ear.tags.size(), 2u);
  EXPECT_EQ(ear.tags[0].ticks, 100);
  EXPECT_EQ(ear.tags[1].ticks, 1000);
}

TEST(TaggerBridge, SaysThatTheCountIsNotKnownWhereTheProgramDoesNotKnowIt) {
  BridgeBench bench;
  const auto tagger = bench.open();
  ASSERT_TRUE(succeeds(tagger->start()));
  ASSERT_TRUE(bench.streaming());
  bench.server().overflow_begin(2'000'000);
  bench.server().overflow_end(3'000'000);
  Heard ear;
  ear.listen(*tagger, 20, [&] { return !ear.losses.empty(); });
  ASSERT_EQ(ear.losses.size(), 1u);
  EXPECT_FALSE(ear.losses[0].lost_known);
}

TEST(TaggerBridge, CountsTheTagsOfBlocksThatNeverCame) {
  bridge::ServerOptions options;
  options.most_waiting = 0;  // every block but the last finds no place
  BridgeBench bench(options);
  const auto tagger = bench.open();
  ASSERT_TRUE(succeeds(tagger->start()));
  bench.make_tags(100);
  ASSERT_GT(bench.server().dropped_blocks(), 0u);
  ASSERT_TRUE(succeeds(tagger->stop()));
  Heard ear;
  ear.listen(*tagger, 20);
  EXPECT_TRUE(ear.tags.empty());
  ASSERT_EQ(ear.losses.size(), 1u);
  EXPECT_EQ(ear.losses[0].cause, LossCause::transport);
  EXPECT_TRUE(ear.losses[0].lost_known);
  EXPECT_EQ(ear.losses[0].lost, 100u);
}

TEST(TaggerBridge, CountsTheTagsThatASlowConsumerCost) {
  BridgeBench bench;
  const auto tagger = bench.open();
  ASSERT_TRUE(succeeds(tagger->start()));
  ASSERT_TRUE(bench.streaming());
  constexpr std::uint64_t kTags = 400'000;  // six times what the ring holds
  for (std::uint64_t i = 0; i < kTags; ++i) (void)bench.server().push(0, bench.now() += 100);
  ASSERT_TRUE(succeeds(tagger->stop()));
  Heard ear;
  ear.listen(*tagger, 20);
  std::uint64_t lost = 0;
  for (const auto& loss : ear.losses) lost += loss.lost;
  EXPECT_GT(lost, 0u);
  EXPECT_EQ(ear.tags.size() + lost, kTags);
}

TEST(TaggerBridge, PassesSettingsToTheProgramAndItsRefusalBack) {
  std::mutex mutex;
  std::vector<std::pair<unsigned, fw::ChannelConfig>> set;
  bridge::ServerOptions options;
  options.on_channel = [&](unsigned c, const fw::ChannelConfig& config) -> std::optional<fw::Nack> {
    const std::lock_guard lock(mutex);
    set.emplace_back(c, config);
    return config.dead_time_ticks > 1000 ? std::optional(fw::Nack::bad_value) : std::nullopt;
  };
  BridgeBench bench(options);
  const auto tagger = bench.open();
  hal::ChannelConfig config;
  config.threshold = {-0.35};
  config.edge = hal::Edge::falling;
  ASSERT_TRUE(succeeds(tagger->set_channel(3, config)));
  ASSERT_EQ(set.size(), 1u);
  EXPECT_EQ(set[0].first, 3u);
  EXPECT_EQ(set[0].second.threshold_mv, -350);
  EXPECT_EQ(set[0].second.edge, fw::Edge::falling);
  config.dead_time_ticks = 5000;
  EXPECT_EQ(code_of(tagger->set_channel(3, config)), Code::out_of_range);
  EXPECT_EQ(tagger->channel(3)->dead_time_ticks, 0u);
}

TEST(TaggerBridge, IsFoundInTheRuntimeFolderWithoutBeingOpened) {
  BridgeBench bench;
  ::setenv("XDG_RUNTIME_DIR", bench.folder().c_str(), 1);
  const auto found = bench.driver().find({}, {});
  ASSERT_TRUE(succeeds(found));
  ASSERT_EQ(found->size(), 1u);
  EXPECT_EQ(found->front().at("address"), bench.address());
  EXPECT_FALSE(found->front().contains("serial"));
  const auto probed = bench.driver().find({{"probe", "1"}}, {});
  EXPECT_EQ(probed->front().at("serial"), "BRIDGE-1");
}

TEST(TaggerBridge, RefusesAnotherTaggerThanTheOneAskedFor) {
  BridgeBench bench;
  EXPECT_EQ(code_of(bench.driver().make({{"address", bench.address()}, {"serial", "OTHER"}})), Code::not_found);
}

TEST(TaggerBridge, RefusesTcpWithoutAKey) {
  BridgeBench bench;
  EXPECT_EQ(code_of(bench.driver().make({{"address", "tcp:localhost:1"}})), Code::refused);
  bridge::ServerOptions options;
  options.address = {tagger_bridge::Address::Kind::tcp, "localhost", "0"};
  EXPECT_EQ(code_of(bridge::TagServer::open(std::move(options))), Code::refused);
}

TEST(TaggerBridge, SaysSoWhenNoProgramListens) {
  BridgeBench bench;
  EXPECT_EQ(code_of(bench.driver().make({{"address", "unix:/nonexistent/x.tagger"}})), Code::disconnected);
  EXPECT_EQ(code_of(bench.driver().make({{"address", "x.tagger"}})), Code::bad_input);
}

/// A peer that accepts, says these bytes, and is silent.
Code met_with(const std::vector<std::uint8_t>& bytes) {
  BridgeBench bench;
  const std::string path = (bench.folder() / "odd.tagger").string();
  auto listener = tagger_bridge::listen_on({tagger_bridge::Address::Kind::local, path, ""});
  EXPECT_TRUE(succeeds(listener));
  std::jthread peer([&](const std::stop_token& stop) {
    pollfd p{listener->fd.get(), POLLIN, 0};
    (void)::poll(&p, 1, 2000);
    const tagger_bridge::Fd fd(::accept(listener->fd.get(), nullptr, nullptr));
    (void)::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    while (!stop.stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  });
  return code_of(bench.driver().make({{"address", "unix:" + path}}));
}

TEST(TaggerBridgeFaults, APeerThatSaysNothingIsATimeout) { EXPECT_EQ(met_with({}), Code::timeout); }

TEST(TaggerBridgeFaults, APeerThatSaysGarbageIsRefusedInTime) {
  EXPECT_EQ(met_with(std::vector<std::uint8_t>(5000, 0xD7)), Code::timeout);
}

TEST(TaggerBridgeFaults, APeerWithAnotherFirstFrameIsIncompatible) {
  std::vector<std::uint8_t> bytes(64);
  const fw::Header header{fw::Type::ack, fw::kIsAck, 0, 0, 4, fw::kVersion};
  bytes.resize(fw::encode_frame(header, std::vector<std::uint8_t>(4), bytes));
  EXPECT_EQ(met_with(bytes), Code::incompatible_firmware);
}

TEST(TaggerBridgeFaults, AProgramThatDiesInAStreamIsADisconnectAndNothingStartsByItself) {
  BridgeBench bench;
  const auto tagger = bench.open();
  ASSERT_TRUE(succeeds(tagger->start()));
  bench.make_tags(100);
  Heard ear;
  ear.listen(*tagger, 20, [&] { return ear.tags.size() >= 100; });
  bench.unplug(*tagger);
  ear.listen(*tagger, 20);
  EXPECT_EQ(ear.last, hal::StreamStatus::disconnected);
  bench.replug(*tagger);
  EXPECT_FALSE(bench.server().streaming());
  const std::int64_t before = ear.tags.back().ticks;
  ASSERT_TRUE(succeeds(tagger->start()));
  bench.make_tags(10);
  ear.listen(*tagger, 20, [&] { return ear.tags.size() >= 110; });
  EXPECT_GT(ear.tags.back().ticks, before) << "ticks never go back";
}

}  // namespace
}  // namespace nicol::hal_contract
