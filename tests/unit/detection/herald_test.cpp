// SPDX-License-Identifier: Apache-2.0
// Alice's heralds run on the same slot clock and gates as Bob's detectors.
#include <gtest/gtest.h>

#include "tests/unit/detection/hand_made.hpp"

namespace nicol::detection::test {
namespace {

struct Kept {
  Slots slots;
  std::uint64_t complete = 0;
  bool done = false;
};
Kept heralds(Stream s, std::size_t cut = 1 << 20) {
  HeraldDetector d(s.timing, s.tick, s.slots);
  Kept kept;
  s.blocks(cut, [&](const hal::TagBlock& b) {
    EXPECT_TRUE(d.process(b).ok());
    const auto p = d.take_progress();
    for (const std::uint64_t slot : p.heralded) {
      EXPECT_GE(slot, kept.complete);
      kept.slots.push_back(slot);
    }
    kept.complete = p.complete_slots;
  });
  kept.done = d.done();
  return kept;
}

TEST(Herald, KeepsTheSlotsWithAHeraldInTheirGate) {
  Stream s;
  s.marks();
  s.click(3, kHerald);
  s.click(4, kHerald, 999);
  s.click(50, kHerald, 1'000);
  s.click(99, kHerald);
  s.click(70, 0);  // a detector is no herald
  const Kept kept = heralds(s);
  EXPECT_EQ(kept.slots, (Slots{3, 4, 99}));
  EXPECT_TRUE(kept.done);
  EXPECT_EQ(kept.complete, 100U);
}

TEST(Herald, KeepsASlotOnceHoweverManyHeralds) {
  Stream s;
  s.marks();
  for (int i = 0; i < 3; ++i) s.click(31, kHerald, 100 * i);
  EXPECT_EQ(heralds(s).slots, (Slots{31}));
}

TEST(Herald, KeepsNoSlotOfALoss) {
  Stream s;
  s.marks();
  for (std::uint64_t k = 40; k < 50; ++k) s.click(k, kHerald);
  s.lose(s.start(43), s.start(45));
  s.timing.blind_time = {0};
  EXPECT_EQ(heralds(s).slots, (Slots{40, 41, 42, 45, 46, 47, 48, 49}));
}

TEST(Herald, KeepsTheSameSlotsHoweverTheStreamIsCut) {
  Stream s;
  s.slots = 400;
  s.rate = 1 - 60e-6;
  s.frame();
  for (std::uint64_t j = 0; j < 40; ++j)
    if (j % 7 != 3) s.sync(j);
  for (std::uint64_t k = 0; k < 400; k += 1 + k % 3) s.click(k, kHerald, static_cast<std::int64_t>(k % 1'900) - 950);
  s.lose(s.start(100), s.start(120));
  const Kept whole = heralds(s);
  EXPECT_GT(whole.slots.size(), 100U);
  for (const std::size_t cut : {1U, 3U, 50U}) EXPECT_EQ(heralds(s, cut).slots, whole.slots);
}

TEST(Herald, NumbersSlotsAsTheDetectorsDo) {
  Stream s;
  s.slots = 500;
  s.rate = 1 + 45e-6;
  s.timing.blind_time = {0};
  s.timing.channels[kHerald].delay = s.timing.channels[0].delay;
  s.frame();
  for (std::uint64_t j = 0; j < 50; j += 1 + j % 4) s.sync(j);
  Stream hers = s;
  for (std::uint64_t k = 0; k < 500; k += 2) {
    s.click(k, 0, static_cast<std::int64_t>(k * 7 % 2'600) - 1'300);
    hers.click(k, kHerald, static_cast<std::int64_t>(k * 7 % 2'600) - 1'300);
  }
  EXPECT_EQ(heralds(hers).slots, detect(s).slots);
}

}  // namespace
}  // namespace nicol::detection::test
