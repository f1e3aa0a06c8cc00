// SPDX-License-Identifier: Apache-2.0
// The Swabian bridge over a stub of the vendor's library, to the driver and out: exact tags, exact losses; and the same
// over TCP under the seal of a key file.
#include <sys/stat.h>

#include <fstream>

#include "controller/app/key_file_seal.hpp"
#include "drivers/tagger-bridge/swabian/swabian_bridge.hpp"
#include "tests/hal_contract/fixture.hpp"
#include "tests/instruments/tagger_bridge_bench.hpp"

namespace nicol::hal_contract {
namespace {

using test::Heard;
using Type = Tag::Type;

Tag tag(channel_t channel, timestamp_t time) { return {Type::TimeTag, 0, 0, channel, time}; }

class SwabianBridge : public testing::Test {
 protected:
  SwabianBridge() : device_(createTimeTagger()) {
    folder_ = std::filesystem::temp_directory_path() / ("nicol-swabian-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
  }
  ~SwabianBridge() override {
    tagger_.reset();
    bridge_.reset();
    freeTimeTagger(device_);
    std::filesystem::remove_all(folder_);
  }
  void serve(bridge::ServerOptions options) {
    auto bridge = bridge::SwabianBridge::open(*device_, std::move(options));
    ASSERT_TRUE(succeeds(bridge));
    bridge_ = *std::move(bridge);
  }
  void serve_locally() {
    bridge::ServerOptions options;
    options.address.path = (folder_ / "swabian.tagger").string();
    serve(std::move(options));
    call({{"address", "unix:" + (folder_ / "swabian.tagger").string()}}, nullptr);
  }
  void call(const hal::DeviceArgs& args, tagger_bridge::SealFactory seal) {
    tagger_ = test::open_tagger(tagger_bridge::driver(hub_, std::move(seal)), args);
  }
  void start(timestamp_t origin) {
    device_->feed({}, 0, origin);
    ASSERT_TRUE(succeeds(tagger_->start()));
    ASSERT_TRUE(test::until([&] { return bridge_->server().streaming(); }));
  }
  void expect_two_tags_and_a_loss() {
    start(1'000'000);
    device_->feed({tag(1, 1'000'500),
                   {Type::OverflowBegin, 0, 0, 0, 1'001'000},
                   {Type::MissedEvents, 0, 300, 1, 1'001'500},
                   {Type::MissedEvents, 0, 65'000, 2, 1'002'000},
                   {Type::OverflowEnd, 0, 0, 0, 1'003'000},
                   tag(8, 1'004'000)},
                  1'000'000, 1'005'000);
    Heard ear;
    ear.listen(*tagger_, 20, [&] { return ear.tags.size() >= 2; });
    ASSERT_EQ(ear.tags.size(), 2u);
    EXPECT_EQ(ear.tags[0], (hal::TimeTag{500, 0, 0}));
    EXPECT_EQ(ear.tags[1], (hal::TimeTag{4000, 7, 0}));
    ASSERT_EQ(ear.losses.size(), 1u);
    EXPECT_EQ(ear.losses[0],
              (hal::LossInterval{1000, 3000, 65'300, true, hal::kAllChannels, hal::LossCause::fifo_overflow}));
  }

  TimeTagger* device_;
  std::filesystem::path folder_;
  transport::Hub hub_;
  std::unique_ptr<bridge::SwabianBridge> bridge_;
  std::unique_ptr<hal::TimeTagger> tagger_;
};

TEST_F(SwabianBridge, IsTheTaggerThatTheLibraryNames) {
  serve_locally();
  EXPECT_EQ(tagger_->info().serial, "1937000XYZ");
  EXPECT_EQ(tagger_->info().model, "Time Tagger 20");
  EXPECT_EQ(tagger_->caps().channels, 8u);
}

TEST_F(SwabianBridge, PassesTagsOverflowsAndMissedEventsExactly) {
  serve_locally();
  expect_two_tags_and_a_loss();
}

TEST_F(SwabianBridge, SetsTriggerLevelDelayAndDeadTimeOfTheInput) {
  serve_locally();
  hal::ChannelConfig config;
  config.threshold = {0.25};
  config.delay_ticks = -1500;
  config.dead_time_ticks = 20'000;
  ASSERT_TRUE(succeeds(tagger_->set_channel(2, config)));
  EXPECT_DOUBLE_EQ(device_->input(3).trigger_level, 0.25);
  EXPECT_EQ(device_->input(3).delay, -1500);
  EXPECT_EQ(device_->input(3).deadtime, 20'000);
}

TEST_F(SwabianBridge, ListensToTheFallingEdgeWhenToldAndNotToWhatIsOff) {
  serve_locally();
  hal::ChannelConfig config;
  config.edge = hal::Edge::falling;
  ASSERT_TRUE(succeeds(tagger_->set_channel(0, config)));
  config.enabled = false;
  ASSERT_TRUE(succeeds(tagger_->set_channel(1, config)));
  start(1000);
  device_->feed({tag(1, 1100), tag(-1, 1200), tag(2, 1300), tag(3, 1400)}, 1000, 2000);
  Heard ear;
  ear.listen(*tagger_, 20, [&] { return ear.tags.size() >= 2; });
  ASSERT_EQ(ear.tags.size(), 2u);
  EXPECT_EQ(ear.tags[0], (hal::TimeTag{200, 0, 0}));
  EXPECT_EQ(ear.tags[1], (hal::TimeTag{400, 2, 0}));
}

std::string key_file(const std::filesystem::path& folder, char fill) {
  const std::string path = (folder / (std::string("bridge-") + fill + ".key")).string();
  { std::ofstream(path, std::ios::binary) << std::string(32, fill); }
  ::chmod(path.c_str(), 0600);
  return path;
}

class SealedSwabianBridge : public SwabianBridge {
 protected:
  void SetUp() override {
    bridge::ServerOptions options;
    options.address = {tagger_bridge::Address::Kind::tcp, "127.0.0.1", "0"};
    options.key_file = key_file(folder_, 'a');
    options.seal = app::key_file_seal;
    options.greet_within = std::chrono::seconds(20);
    serve(std::move(options));
  }
  std::string address() { return "tcp:127.0.0.1:" + bridge_->server().address().port; }
};

TEST_F(SealedSwabianBridge, PassesTheSameTagsUnderTheSealOfAKeyFile) {
  call({{"address", address()}, {"key", key_file(folder_, 'a')}}, app::key_file_seal);
  expect_two_tags_and_a_loss();
}

TEST_F(SealedSwabianBridge, RefusesAnotherKey) {
  const auto made =
      tagger_bridge::driver(hub_, app::key_file_seal).make({{"address", address()}, {"key", key_file(folder_, 'b')}});
  EXPECT_EQ(code_of(made), Code::authentication);
}

}  // namespace
}  // namespace nicol::hal_contract
