// SPDX-License-Identifier: Apache-2.0
// The emulated board by its bytes alone: descriptors, a greeting, the bench's knobs.
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "firmware-protocol/requester.hpp"
#include "sim/emulators/rig_bench.hpp"
#include "sim/emulators/rig_board.hpp"

namespace nicol::sim {
namespace {

constexpr std::uint8_t kOut = 0x01, kIn = 0x81, kTags = 0x82;
Picoseconds ms(std::int64_t t) { return {t * 1'000'000'000}; }

/// A host without a driver.
class Host {
 public:
  Host() : board_(std::make_unique<RigBench>()) { requester_.begin_session(0xABCD); }
  std::optional<fw::Reply> ask(fw::Type type, std::span<const std::uint8_t> payload) {
    EXPECT_TRUE(requester_.send(type, payload, 0).has_value());
    std::array<std::uint8_t, fw::Requester::kMostFrameBytes> frame{};
    const std::size_t size = requester_.transmit(frame, 0);
    EXPECT_EQ(board_.out(kOut, std::span<const std::uint8_t>(frame).first(size), ms(++now_)), static_cast<int>(size));
    for (int i = 0; i < 20; ++i) {
      const int n = board_.in(kIn, memory_, ms(now_));
      if (n <= 0) return {};
      const auto decoded = fw::decode_frame(std::span<const std::uint8_t>(memory_).first(static_cast<std::size_t>(n)));
      EXPECT_EQ(decoded.verdict, fw::Verdict::frame);
      if (auto reply = requester_.receive(decoded.frame, 0)) return reply;
    }
    return {};
  }
  std::optional<fw::Reply> hello() {
    fw::Hello hello;
    hello.nonce = 0xABCD;
    hello.mtu = fw::kLargestFrame;
    hello.schema_hash = fw::schema_hash();
    std::array<std::uint8_t, fw::kMostHelloBytes> payload{};
    return ask(fw::Type::hello, std::span<const std::uint8_t>(payload).first(fw::encode(hello, payload)));
  }
  RigBoard& board() { return board_; }

 private:
  RigBoard board_;
  fw::Requester requester_{fw::Framing::raw, fw::kUsbRetry};
  std::vector<std::uint8_t> memory_ = std::vector<std::uint8_t>(32768);
  std::int64_t now_ = 0;
};

TEST(RigBoardEmulator, DescribesAVendorInterfaceWithThreeBulkEndpoints) {
  RigBoard board(std::make_unique<RigBench>());
  const auto d = board.identity().descriptors;
  ASSERT_EQ(d.size(), 18u + 39u);
  EXPECT_EQ(d[8] | d[9] << 8, 0x1209);
  EXPECT_EQ(d[10] | d[11] << 8, 0x0001);
  EXPECT_EQ(d[18 + 2] | d[18 + 3] << 8, 39) << "wTotalLength";
  EXPECT_EQ(d[18 + 9 + 4], 3) << "endpoints";
  EXPECT_EQ(d[18 + 9 + 5], 0xff) << "vendor class";
  const std::vector<std::uint8_t> endpoints{d[18 + 18 + 2], d[18 + 25 + 2], d[18 + 32 + 2]};
  EXPECT_EQ(endpoints, (std::vector<std::uint8_t>{kOut, kIn, kTags}));
}

TEST(RigBoardEmulator, AnswersAGreetingWithWhoItIs) {
  Host host;
  const auto reply = host.hello();
  ASSERT_TRUE(reply);
  const auto hello = fw::decode_hello(reply->payload);
  ASSERT_TRUE(hello);
  EXPECT_EQ(hello->description.serial.view(), "NIC001");
  EXPECT_EQ(hello->description.axis_count, 2u);
}

TEST(RigBoardEmulator, StallsEndpointsItHasNot) {
  RigBoard board(std::make_unique<RigBench>());
  std::array<std::uint8_t, 64> bytes{};
  EXPECT_EQ(board.out(0x03, bytes, ms(1)), kUsbStall);
  EXPECT_EQ(board.in(0x84, bytes, ms(1)), kUsbStall);
}

TEST(RigBoardEmulator, KnowsNoSessionAfterAPowerCycle) {
  Host host;
  ASSERT_TRUE(host.hello());
  host.board().power_cycle();
  const auto reply = host.ask(fw::Type::time_mark, {});
  ASSERT_TRUE(reply && reply->refusal);
  EXPECT_EQ(reply->refusal->code, static_cast<std::uint16_t>(fw::Nack::wrong_session));
}

TEST(RigBench, MovesItsAxesInTheirTime) {
  RigBench bench;
  bench.tell_time(1000);
  ASSERT_EQ(bench.start_move(0, 143360 / 4), fw::Done::yes);  // 90 degrees at 90 degrees a second
  bench.tell_time(1500);
  EXPECT_TRUE(bench.axis(0).moving);
  EXPECT_NEAR(static_cast<double>(bench.axis(0).position), 143360.0 / 8, 100);
  bench.tell_time(2100);
  EXPECT_FALSE(bench.axis(0).moving);
  EXPECT_EQ(bench.axis(0).position, 143360 / 4);
}

TEST(RigBench, StandsStillHalfWayWhenItIsBlocked) {
  RigBench bench;
  bench.block_axis(0);
  (void)bench.start_move(0, 1000);
  bench.tell_time(10'000);
  EXPECT_EQ(bench.axis(0).position, 500);
}

TEST(RigBench, LosesWhatItsFifoDoesNotHoldAndCountsIt) {
  RigBenchOptions options;
  options.about.tagger.fifo_depth = 100;
  RigBench bench(options);
  bench.start_tags();
  bench.make_tags(130);
  std::vector<fw::Tag> tags(200);
  const fw::TagRead first = bench.read_tags(tags);
  EXPECT_EQ(first.count, 100u);
  EXPECT_EQ(first.lost, 0u) << "a read stops in front of a gap";
  EXPECT_EQ(bench.read_tags(tags).lost, 30u);
}

TEST(RigBench, ClosesItsShutterWithASpringWhenThePowerFails) {
  RigBench bench;
  bench.shutter(0, fw::Gate::open);
  bench.shutter(1, fw::Gate::open);
  bench.emission(fw::Switch::on);
  bench.power_off();
  EXPECT_FALSE(bench.shutter_open(0));
  EXPECT_TRUE(bench.shutter_open(1)) << "has no spring";
  EXPECT_FALSE(bench.emitting());
}

}  // namespace
}  // namespace nicol::sim
