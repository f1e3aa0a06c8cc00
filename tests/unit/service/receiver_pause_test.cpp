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
    auto begun = Receiver::begin(*rig_, *random_, {}, 0, kSlots);
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

}  // namespace
}  // namespace nicol::service
