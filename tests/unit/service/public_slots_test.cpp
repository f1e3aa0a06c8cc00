// SPDX-License-Identifier: Apache-2.0
// Alice sends what everybody knows where everybody knows it, and keeps none of it; Bob opens only with a slot clock.
#include <gtest/gtest.h>

#include "controller/service/emitter.hpp"
#include "controller/service/receiver.hpp"
#include "sim/devices/world.hpp"
#include "tests/unit/service/stub_source.hpp"

namespace nicol::service {
namespace {

constexpr std::size_t kChunk = EmitterOptions::kChunkSlots;

detection::PublicPattern pattern_of(std::uint64_t slots, std::uint64_t preamble) {
  detection::PatternLayout layout;
  layout.seed = 3;
  layout.slots = slots;
  layout.preamble = preamble;
  layout.tail = 1'000;
  return detection::PublicPattern::make(layout).value();
}

struct Light {
  explicit Light(const detection::PublicPattern& pattern) {
    rig.clock = make_virtual_rig_clock();
    auto made = std::make_unique<StubSource>(kChunk);
    source = made.get();
    rig.add("source", "source", std::move(made));
    EmitterOptions options;
    options.pattern = pattern;
    auto begun = Emitter::begin(rig, *random, options, 0, pattern.layout().slots);
    if (begun) emitter = std::make_unique<Emitter>(*std::move(begun));
  }
  std::unique_ptr<Random> random = make_seeded_random(1, NodeId::alice);
  hal::Rig rig;
  StubSource* source = nullptr;
  std::unique_ptr<Emitter> emitter;
};

TEST(PublicLight, CarriesThePatternAndElsewhereWhatNobodyKnows) {
  const auto pattern = pattern_of(200'000, 3'000);
  Light light(pattern);
  ASSERT_TRUE(light.emitter->work().ok());
  ASSERT_EQ(light.source->bits.size(), 200'000U);
  std::size_t diagonal = 0, others = 0;
  for (std::uint64_t slot = 0; slot < 200'000; ++slot) {
    const auto sent = pattern.bit(slot);
    if (sent) {
      EXPECT_FALSE(light.source->bases[slot]) << slot;
      EXPECT_EQ(light.source->bits[slot], *sent) << slot;
    } else {
      ++others;
      diagonal += light.source->bases[slot] ? 1U : 0U;
    }
  }
  EXPECT_NEAR(static_cast<double>(diagonal) / static_cast<double>(others), 0.5, 0.01);
}

TEST(PublicLight, IsNotKept) {
  const auto pattern = pattern_of(200'000, 3'000);
  Light light(pattern);
  ASSERT_TRUE(light.emitter->work().ok());
  std::vector<std::uint64_t> all(200'000);
  for (std::uint64_t slot = 0; slot < all.size(); ++slot) all[slot] = slot;
  ASSERT_TRUE(light.emitter->hint(all.size(), all).ok());
  const auto done = light.emitter->work();
  ASSERT_TRUE(done.ok());
  EXPECT_EQ(*done, Emitter::Progress::finished);
  const auto kept = light.emitter->finish().kept;
  EXPECT_EQ(kept.slots.size(), 200'000U - pattern.public_slots());
  for (const std::uint64_t slot : kept.slots) ASSERT_FALSE(pattern.is_public(slot)) << slot;
}

TEST(PublicLight, DoesNotWaitForBobWhileHeFindsHisSlots) {
  const std::uint64_t preamble = 20 * kChunk;
  Light light(pattern_of(40 * kChunk, preamble));
  auto progress = Emitter::Progress::emitted;
  for (int i = 0; i < 200 && light.emitter->slots_done() < 40 * kChunk; ++i) {
    const auto done = light.emitter->work();
    ASSERT_TRUE(done.ok());
    progress = *done;
  }
  EXPECT_EQ(progress, Emitter::Progress::waiting);
  EXPECT_EQ(light.emitter->slots_done(), preamble + EmitterOptions{}.chunks_in_flight * kChunk);
}

Error refusal_of_bob(const char* scenario, sim::SyncType sync, const ReceiverOptions& options) {
  sim::Scenario s = sim::load_scenario(scenario).value();
  s.timing.sync = sync;
  auto rig = sim::make_bob_rig({std::move(s), 1, {}, 0, {}, {}}).value();
  RateGuard guard = guard_of(*rig);
  const auto random = make_seeded_random(1, NodeId::bob);
  auto begun = Receiver::begin(*rig, *random, guard, options, 0, 10'000);
  return begun ? Error{Code::internal, "opened", "", 0, {}} : begun.error();
}

TEST(AReceiverWithoutASlotClock, DoesNotOpen) {
  const Error why = refusal_of_bob("lossy", sim::SyncType::none, {});
  EXPECT_EQ(why.code, Code::not_supported);
  EXPECT_NE(why.message.find("no public slots were agreed"), std::string::npos) << why.message;
}

TEST(AReceiverWithoutASlotClock, OpensWithAPublicPattern) {
  ReceiverOptions options;
  options.pattern = pattern_of(10'000, 100);
  EXPECT_EQ(refusal_of_bob("lossy", sim::SyncType::none, options).message, "opened");
}

TEST(AReceiverWithoutASlotClock, ThatSetsItsBasesBySlotDoesNotOpenEitherWay) {
  ReceiverOptions options;
  options.pattern = pattern_of(10'000, 100);
  EXPECT_EQ(refusal_of_bob("motorised", sim::SyncType::none, options).code, Code::not_supported);
}

}  // namespace
}  // namespace nicol::service
