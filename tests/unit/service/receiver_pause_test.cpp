// SPDX-License-Identifier: Apache-2.0
// Bob's eyes in a pause: open for light that is to come, and only for that.
#include <gtest/gtest.h>

#include "controller/service/receiver.hpp"
#include "sim/devices/detector.hpp"
#include "sim/devices/receiver_tagger.hpp"
#include "sim/devices/world.hpp"

namespace nicol::service {
namespace {

constexpr std::uint64_t kSlots = 1'000'000;

/// Bob before a fibre out of which nothing comes.
class PausedReceiver : public testing::Test {
 protected:
  void SetUp() override {
    auto rig = sim::make_bob_rig({std::move(sim::load_scenario("teaching")).value(), 1, {}, 0, {}, {}});
    ASSERT_TRUE(rig.ok());
    rig_ = *std::move(rig);
    tagger_ = rig_->find<sim::ReceiverTagger>("tagger");
    detector_ = rig_->find<sim::Detector>("detector-0");
    guard_.emplace(guard_of(*rig_));
    auto begun = Receiver::begin(*rig_, *random_, *guard_, {}, 0, kSlots);
    ASSERT_TRUE(begun.ok()) << describe(begun.error());
    receiver_ = std::make_unique<Receiver>(*std::move(begun));
  }
  bool eyes_open() const {
    return detector_->enabled() && *rig_->find<hal::Shutter>("shutter")->state() == hal::ShutterState::open;
  }
  std::unique_ptr<Random> random_ = make_seeded_random(1, NodeId::bob);
  std::unique_ptr<hal::Rig> rig_;
  sim::ReceiverTagger* tagger_ = nullptr;
  sim::Detector* detector_ = nullptr;
  std::optional<RateGuard> guard_;
  std::unique_ptr<Receiver> receiver_;
};

TEST_F(PausedReceiver, OpensItsEyesForTheRestOfABlock) {
  receiver_->pause(Doubt::tagger);
  EXPECT_FALSE(eyes_open());
  ASSERT_TRUE(receiver_->resume(1'000).ok());
  EXPECT_TRUE(eyes_open());
}

TEST_F(PausedReceiver, KeepsThemShutWhenNoLightIsToCome) {
  receiver_->pause(Doubt::tagger);
  ASSERT_TRUE(receiver_->resume(kSlots).ok());
  EXPECT_FALSE(eyes_open());
}

TEST_F(PausedReceiver, NeedsNoDeviceForTheEndOfABlock) {
  tagger_->unplug();
  EXPECT_FALSE(receiver_->work().ok());
  receiver_->pause(Doubt::tagger);
  ASSERT_TRUE(receiver_->resume(kSlots).ok());
  EXPECT_TRUE(receiver_->all_confirmed());
  const auto done = receiver_->work();
  ASSERT_TRUE(done.ok()) << describe(done.error());
  EXPECT_EQ(*done, Receiver::Progress::finished);
}

TEST_F(PausedReceiver, SwitchesOnOnlyTheDetectorsThatCountLight) {
  auto monitor = std::make_unique<sim::Detector>(sim::DetectorConfig{}, [] { return hal::LightLevel::off; });
  const sim::Detector* spare = monitor.get();
  rig_->add("spare", "herald-0", std::move(monitor));
  receiver_->pause(Doubt::tagger);
  ASSERT_TRUE(receiver_->resume(1'000).ok());
  EXPECT_TRUE(eyes_open());
  EXPECT_FALSE(spare->enabled());
}

TEST_F(PausedReceiver, CarriesWhatWasTooBrightIntoTheNextBlock) {
  // 90 ms over every limit at the end of one block, 30 ms at the beginning of the next.
  std::vector<hal::TimeTag> tags(2'000'000);
  for (std::size_t i = 0; i < tags.size(); ++i) tags[i].channel = rig_->timing.channels.front().channel;
  const std::int64_t second = tagger_->caps().tick.to_ticks(Picoseconds::seconds(1));
  const auto shine = [&](std::int64_t begin, std::int64_t milliseconds) {
    hal::TagBlock block;
    block.storage = tags;
    block.t_begin = begin;
    block.t_end = begin + milliseconds * second / 1000;
    block.tag_count = tags.size();
    for (std::size_t i = 0; i < tags.size(); ++i)
      tags[i].ticks =
          begin + (block.t_end - begin) * static_cast<std::int64_t>(i) / static_cast<std::int64_t>(tags.size());
    return guard_->see(block).has_value();
  };
  EXPECT_FALSE(shine(0, 90));
  (void)tagger_->stop();
  auto next = Receiver::begin(*rig_, *random_, *guard_, {}, 1, kSlots);
  ASSERT_TRUE(next.ok()) << describe(next.error());
  EXPECT_TRUE(shine(0, 30));
}

}  // namespace
}  // namespace nicol::service
