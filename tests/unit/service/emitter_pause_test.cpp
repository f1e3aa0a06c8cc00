// SPDX-License-Identifier: Apache-2.0
// Alice's light is interrupted in every way it can be: no slot is shown twice, none in doubt is kept.
#include <gtest/gtest.h>

#include "controller/service/emitter.hpp"
#include "sim/devices/four_state_source.hpp"
#include "sim/devices/herald_tagger.hpp"
#include "sim/devices/world.hpp"
#include "tests/unit/service/stub_source.hpp"

namespace nicol::service {
namespace {

constexpr std::uint64_t kSlots = 3'000'000, kChunk = EmitterOptions::kChunkSlots, kDivider = 1'000;

/// Alice in front of a fibre that leads nowhere.
class InterruptedLight : public testing::Test {
 protected:
  void SetUp() override {
    auto rig = sim::make_alice_rig({std::move(sim::load_scenario("teaching")).value(), 1, {}, 0, {}, {}});
    ASSERT_TRUE(rig.ok());
    rig_ = *std::move(rig);
    source_ = rig_->find<sim::FourStateSource>("source");
    tagger_ = rig_->find<sim::HeraldTagger>("tagger");
    ASSERT_TRUE(source_->arm({1}).ok());
    auto begun = Emitter::begin(*rig_, *random_, {}, 0, kSlots);
    ASSERT_TRUE(begun.ok()) << describe(begun.error());
    emitter_ = std::make_unique<Emitter>(*std::move(begun));
  }
  void emit_chunks(int chunks) {
    for (int i = 0; i < chunks; ++i) {
      const auto done = emitter_->work();
      ASSERT_TRUE(done.ok()) << describe(done.error());
    }
  }
  void bob_hears_all() {
    std::vector<std::uint64_t> clicked;
    for (std::uint64_t slot = hinted_; slot < emitter_->slots_done(); ++slot) clicked.push_back(slot);
    hinted_ = emitter_->slots_done();
    ASSERT_TRUE(emitter_->hint(hinted_, clicked).ok());
  }
  std::vector<std::uint64_t> kept_at_the_end() {
    for (int i = 0; i < 100; ++i) {
      const auto done = emitter_->work();
      EXPECT_TRUE(done.ok()) << describe(done.error());
      if (!done.ok() || *done == Emitter::Progress::finished) break;
      bob_hears_all();
    }
    return emitter_->finish().kept.slots;
  }
  static std::size_t within(const std::vector<std::uint64_t>& slots, std::uint64_t from, std::uint64_t to) {
    return static_cast<std::size_t>(
        std::count_if(slots.begin(), slots.end(), [&](auto s) { return s >= from && s < to; }));
  }
  std::unique_ptr<Random> random_ = make_seeded_random(1, NodeId::alice);
  std::unique_ptr<hal::Rig> rig_;
  sim::FourStateSource* source_ = nullptr;
  sim::HeraldTagger* tagger_ = nullptr;
  std::unique_ptr<Emitter> emitter_;
  std::uint64_t hinted_ = 0;
};

TEST_F(InterruptedLight, OfTheSourceGoesOnBehindEverySlotThatMayHaveBeenShown) {
  emit_chunks(2);
  source_->unplug();
  ASSERT_FALSE(emitter_->work().ok());
  EXPECT_EQ(emitter_->doubt(), Doubt::source);
  EXPECT_EQ(emitter_->pause(Doubt::source), 2 * kChunk);
  source_->replug();
  ASSERT_TRUE(source_->arm({2}).ok());
  const std::uint64_t slot = emitter_->resume_slot();
  EXPECT_EQ(slot % kDivider, 0U);
  EXPECT_GE(slot, 3 * kChunk);
  ASSERT_TRUE(emitter_->resume(slot).ok());
  EXPECT_EQ(emitter_->slots_done(), slot);
  const auto kept = kept_at_the_end();
  EXPECT_EQ(within(kept, 2 * kChunk, slot), 0U);
  EXPECT_GT(within(kept, 0, kChunk), 0U);
  EXPECT_GT(within(kept, slot + kDivider, kSlots), 0U);
}

TEST_F(InterruptedLight, OfTheTaggerKeepsNoSlotWithoutHeralds) {
  emit_chunks(2);
  tagger_->unplug();
  ASSERT_FALSE(emitter_->work().ok());
  EXPECT_EQ(emitter_->doubt(), Doubt::tagger);
  const std::uint64_t from = emitter_->pause(Doubt::tagger);
  EXPECT_LE(from, 2 * kChunk);
  EXPECT_GT(from, kChunk);
  tagger_->replug();
  const std::uint64_t slot = emitter_->resume_slot();
  ASSERT_TRUE(emitter_->resume(slot).ok());
  const auto kept = kept_at_the_end();
  EXPECT_EQ(within(kept, from, slot), 0U);
  EXPECT_GT(within(kept, slot + kDivider, kSlots), 0U);
}

TEST_F(InterruptedLight, TakesBackWhatWasKeptButNeverConfirmed) {
  emit_chunks(1);
  emitter_->confirm();
  emit_chunks(2);
  bob_hears_all();
  EXPECT_EQ(emitter_->pause(Doubt::rig), kChunk);
  const std::uint64_t slot = emitter_->resume_slot();
  ASSERT_TRUE(emitter_->resume(slot).ok());
  const auto kept = kept_at_the_end();
  EXPECT_EQ(within(kept, kChunk, slot), 0U);
  EXPECT_GT(within(kept, 0, kChunk), 0U);
}

TEST_F(InterruptedLight, DropsWhatBobDoesNotVouchFor) {
  emit_chunks(2);
  emitter_->pause(Doubt::peer);
  emitter_->distrust(1'234);
  const std::uint64_t slot = emitter_->resume_slot();
  ASSERT_TRUE(emitter_->resume(slot).ok());
  EXPECT_EQ(within(kept_at_the_end(), 1'234, slot), 0U);
}

TEST_F(InterruptedLight, IsDarkUntilItGoesOn) {
  emit_chunks(1);
  emitter_->pause(Doubt::peer);
  EXPECT_EQ(source_->light_level(), hal::LightLevel::off);
  EXPECT_EQ(*rig_->find<hal::Shutter>("shutter")->state(), hal::ShutterState::closed);
  ASSERT_TRUE(emitter_->resume(emitter_->resume_slot()).ok());
  EXPECT_EQ(source_->light_level(), hal::LightLevel::quantum);
}

/// Alice with a source that may still hold what she gave it.
class BufferedLight : public testing::Test {
 protected:
  BufferedLight() {
    rig_.clock = make_virtual_rig_clock();
    rig_.timing.sync_divider = kDivider;
    auto source = std::make_unique<StubSource>(std::size_t{1} << 20);
    source_ = source.get();
    rig_.add("source", "source", std::move(source));
    auto begun = Emitter::begin(rig_, *random_, {}, 0, kSlots);
    if (begun) emitter_ = std::make_unique<Emitter>(*std::move(begun));
  }
  std::unique_ptr<Random> random_ = make_seeded_random(1, NodeId::alice);
  hal::Rig rig_;
  StubSource* source_;
  std::unique_ptr<Emitter> emitter_;
};

TEST_F(BufferedLight, IsConfirmedOnlyWhereItHasLeft) {
  ASSERT_TRUE(emitter_->work().ok());
  source_->unsent = 1'000;
  emitter_->confirm();
  ASSERT_TRUE(emitter_->work().ok());
  EXPECT_EQ(emitter_->pause(Doubt::rig), 1'000U);
}

TEST_F(BufferedLight, IsInDoubtFromTheFirstSlotThatHasNotLeft) {
  ASSERT_TRUE(emitter_->work().ok());
  emitter_->confirm();
  source_->unsent = 2'000;
  EXPECT_EQ(emitter_->pause(Doubt::peer), 2'000U);
  EXPECT_GE(emitter_->resume_slot(), kChunk) << "what is in the memory may still leave";
}

TEST_F(BufferedLight, OfASourceWithoutMemoryHasLeftWhenItWasEmitted) {
  ASSERT_TRUE(emitter_->work().ok());
  emitter_->confirm();
  EXPECT_EQ(emitter_->pause(Doubt::rig), kChunk);
}

TEST_F(InterruptedLight, AtItsEndNeedsNoDeviceAnyMore) {
  emit_chunks(2);
  bob_hears_all();
  emitter_->pause(Doubt::peer);
  source_->unplug();
  tagger_->unplug();
  ASSERT_TRUE(emitter_->resume(kSlots).ok());
  ASSERT_TRUE(emitter_->hint(kSlots, {}).ok());
  const auto done = emitter_->work();
  ASSERT_TRUE(done.ok());
  EXPECT_EQ(*done, Emitter::Progress::finished);
  EXPECT_EQ(within(emitter_->finish().kept.slots, 2 * kChunk, kSlots), 0U);
}

}  // namespace
}  // namespace nicol::service
