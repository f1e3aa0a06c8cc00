// SPDX-License-Identifier: Apache-2.0
// The stream contract: losses, cuts, progress, refusals.
#include <gtest/gtest.h>

#include "tests/unit/detection/hand_made.hpp"

namespace nicol::detection::test {
namespace {

void every_slot(Stream& s) {
  s.timing.blind_time = {0};
  for (std::uint64_t k = 0; k < s.slots; ++k) s.click(k, static_cast<std::uint16_t>(k % 4));
}
Slots all_but(std::uint64_t slots, std::uint64_t from, std::uint64_t to) {
  Slots out;
  for (std::uint64_t k = 0; k < slots; ++k)
    if (k < from || k >= to) out.push_back(k);
  return out;
}

TEST(Loss, DropsTheSlotsItTouches) {
  Stream s;
  s.marks();
  every_slot(s);
  s.lose(s.start(20) + 3'000 + 999, s.start(23) + 3'000 - 999);  // a picosecond of two gates
  const Seen seen = detect(s);
  EXPECT_EQ(seen.dropped, (std::vector<SlotRange>{{20, 24}}));
  EXPECT_EQ(seen.slots, all_but(100, 20, 24));
  EXPECT_EQ(seen.report.lost_intervals, 1U);
  EXPECT_EQ(seen.report.dropped_slots, 4U);
}

TEST(Loss, SparesSlotsBetweenWhoseGatesItLies) {
  Stream s;
  s.marks();
  every_slot(s);
  s.lose(s.start(20) + 3'000 + 1'000, s.start(21) + 3'000 - 1'000);
  EXPECT_TRUE(detect(s).dropped.empty());
}

TEST(Loss, IsLongerByTheBlindTime) {
  Stream s;
  s.marks();
  s.click(25, 0);
  s.click(28, 0);
  s.lose(s.start(24) + 3'000, s.start(24) + 3'001 + 500);  // blind until 1.5 slots later
  const Seen seen = detect(s);
  EXPECT_EQ(seen.dropped, (std::vector<SlotRange>{{24, 26}}));
  EXPECT_EQ(seen.slots, (Slots{28}));
}

TEST(Loss, CountsForEveryDetectorsDelay) {
  Stream s;
  s.timing.blind_time = {0};
  s.timing.channels[3].delay = {33'000};
  s.marks();
  s.lose(s.start(50), s.start(50) + 5'000);
  EXPECT_EQ(detect(s).dropped, (std::vector<SlotRange>{{47, 51}}));
}

TEST(Loss, OfOneDetectorIsALossOfAll) {
  Stream s;
  s.marks();
  s.lose(s.start(50), s.start(50) + 5'000, 1U << 2);
  EXPECT_FALSE(detect(s).dropped.empty());
}

TEST(Loss, OfOtherChannelsIsHealed) {
  Stream s;
  s.frame();
  for (std::uint64_t j = 0; j < 10; ++j)
    if (j < 3 || j > 6) s.sync(j);
  every_slot(s);
  s.lose(s.start(25), s.start(65), 1U << kSync);
  const Seen seen = detect(s);
  EXPECT_TRUE(seen.dropped.empty());
  EXPECT_EQ(seen.slots.size(), 100U);
}

TEST(Loss, SpanningSyncTagsIsHealedAfterwards) {
  Stream s;
  s.rate = 1 + 70e-6;
  s.slots = 1'000;
  s.frame();
  for (std::uint64_t j = 0; j < 100; ++j)
    if (j < 22 || j > 61) s.sync(j);
  s.timing.blind_time = {0};
  for (std::uint64_t k = 0; k < 1'000; ++k)
    if (k < 215 || k >= 615) s.click(k, 1);
  s.lose(s.start(215), s.start(615) - 1'000);
  const Seen seen = detect(s);
  EXPECT_EQ(seen.dropped, (std::vector<SlotRange>{{215, 615}}));
  EXPECT_EQ(seen.slots, all_but(1'000, 215, 615));
}

TEST(Loss, IsAssumedWhereBlocksLeaveAGap) {
  Stream s;
  s.timing.blind_time = {0};
  s.marks();
  for (const std::uint64_t k : {10U, 40U, 90U}) s.click(k, 0);
  const auto random = make_seeded_random(1, NodeId::bob);
  SlotDetector d(s.timing, s.tick, options(s), *random);
  s.blocks(4, [&](hal::TagBlock b) {
    if (b.t_end > s.start(40) && b.t_begin < s.start(40)) b.t_end -= 2'000;
    ASSERT_TRUE(d.process(b).ok());
  });
  EXPECT_EQ(d.finish().report.lost_intervals, 1U);
}

TEST(Loss, ToldTooLateTakesClicksBack) {
  Stream s;
  s.marks();
  every_slot(s);
  const auto random = make_seeded_random(1, NodeId::bob);
  SlotDetector d(s.timing, s.tick, options(s), *random);
  hal::LossInterval late;
  late.begin = s.start(30);
  late.end = s.start(33);
  s.blocks(10, [&](hal::TagBlock b) {
    if (b.t_begin > s.start(60) && late.end != 0) {
      b.loss_storage = std::span(&late, 1);
      b.loss_count = 1;
    }
    ASSERT_TRUE(d.process(b).ok());
    if (b.loss_count != 0) late.end = 0;
  });
  const Seen seen = see(d.finish());
  EXPECT_EQ(seen.slots, all_but(100, 30, 33));
  EXPECT_EQ(seen.bits.size(), 97U);
  for (std::size_t i = 0; i < seen.slots.size(); ++i) EXPECT_EQ(seen.bits.get(i), seen.slots[i] % 2 == 1);
}

TEST(Drop, RemovesWhatTheMechanicsCouldNotConfirm) {
  Stream s;
  s.marks();
  every_slot(s);
  const auto random = make_seeded_random(1, NodeId::bob);
  SlotDetector d(s.timing, s.tick, options(s), *random);
  d.drop({40, 50});
  d.drop({45, 60});
  d.drop({98, 1'000});
  s.blocks(7, [&](const hal::TagBlock& b) { ASSERT_TRUE(d.process(b).ok()); });
  const Seen seen = see(d.finish());
  EXPECT_EQ(seen.dropped, (std::vector<SlotRange>{{40, 60}, {98, 100}}));
  EXPECT_EQ(seen.slots.size(), 78U);
}

TEST(Capacity, ExceededIsRefused) {
  Stream s;
  s.marks();
  every_slot(s);
  DetectorOptions o = options(s);
  o.capacity = 99;
  const auto random = make_seeded_random(1, NodeId::bob);
  SlotDetector d(s.timing, s.tick, o, *random);
  Result<void> last;
  s.blocks(1'000, [&](const hal::TagBlock& b) { last = d.process(b); });
  ASSERT_FALSE(last.ok());
  EXPECT_EQ(last.error().code, Code::exhausted);
  EXPECT_NE(last.error().message.find("99"), std::string::npos);
}

TEST(Capacity, MetExactlyIsFine) {
  Stream s;
  s.marks();
  every_slot(s);
  DetectorOptions o = options(s);
  o.capacity = 100;
  EXPECT_EQ(detect(s, o).slots.size(), 100U);
}

TEST(Order, OfTagsIsChecked) {
  std::vector<hal::TimeTag> tags{{1'000, 0, 0}, {5'000, 1, 0}, {4'999, 0, 0}, {6'000, 0, 0}};
  const Stream s;
  const auto random = make_seeded_random(1, NodeId::bob);
  SlotDetector d(s.timing, s.tick, options(s), *random);
  hal::TagBlock b;
  b.storage = tags;
  b.tag_count = tags.size();
  b.t_end = 10'000;
  const auto first = d.process(b);
  ASSERT_FALSE(first.ok());
  EXPECT_EQ(first.error().code, Code::protocol);
  b.tag_count = 0;
  b.t_begin = 10'000;
  b.t_end = 20'000;
  EXPECT_FALSE(d.process(b).ok()) << "an error is final";
}

TEST(Order, OfBlocksIsChecked) {
  const Stream s;
  const auto random = make_seeded_random(1, NodeId::bob);
  SlotDetector d(s.timing, s.tick, options(s), *random);
  hal::TagBlock b;
  b.t_end = 10'000;
  ASSERT_TRUE(d.process(b).ok());
  b.t_begin = 9'999;
  b.t_end = 20'000;
  const auto again = d.process(b);
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code, Code::protocol);
}

TEST(Order, OfATimeoutsEmptyBlockIsNotChecked) {
  Stream s;
  s.marks();
  s.click(12, 0);
  const auto random = make_seeded_random(1, NodeId::bob);
  SlotDetector d(s.timing, s.tick, options(s), *random);
  s.blocks(3, [&](const hal::TagBlock& b) {
    ASSERT_TRUE(d.process(b).ok());
    ASSERT_TRUE(d.process({}).ok());
  });
  EXPECT_EQ(d.finish().clicks.slots, (Slots{12}));
}

TEST(Progress, NamesCompleteSlotsOnceAndInOrder) {
  Stream s;
  s.slots = 500;
  s.marks();
  for (std::uint64_t k = 2; k < 500; k += 3) s.click(k, 1);
  const auto random = make_seeded_random(1, NodeId::bob);
  SlotDetector d(s.timing, s.tick, options(s), *random);
  Slots told;
  std::uint64_t complete = 0;
  s.blocks(1, [&](const hal::TagBlock& b) {
    ASSERT_TRUE(d.process(b).ok());
    const auto p = d.take_progress();
    EXPECT_GE(p.complete_slots, complete);
    for (const std::uint64_t slot : p.clicked) {
      EXPECT_GE(slot, complete) << "slot told complete without its click";
      EXPECT_LT(slot, p.complete_slots);
      told.push_back(slot);
    }
    complete = p.complete_slots;
  });
  EXPECT_TRUE(d.done());
  EXPECT_EQ(complete, 500U);
  EXPECT_EQ(told, d.finish().clicks.slots);
}

TEST(Progress, IsCompleteOnceTheLastGateIsOver) {
  Stream s;
  s.marks();
  s.click(99, 0);
  s.end = s.start(99) + 3'000 + 1'000;
  const auto random = make_seeded_random(1, NodeId::bob);
  SlotDetector d(s.timing, s.tick, options(s), *random);
  s.blocks(1'000, [&](const hal::TagBlock& b) { ASSERT_TRUE(d.process(b).ok()); });
  EXPECT_TRUE(d.done());
  EXPECT_EQ(d.finish().clicks.slots, (Slots{99}));
}

TEST(Finish, DropsSlotsThatAreNotComplete) {
  Stream s;
  s.marks();
  s.click(30, 0);
  s.click(61, 1);
  s.tags.erase(std::remove_if(s.tags.begin(), s.tags.end(), [&](const auto& t) { return t.ticks > s.start(62); }),
               s.tags.end());
  s.end = s.start(61) + 3'000 + 500;  // within slot 61's gate
  const auto random = make_seeded_random(1, NodeId::bob);
  SlotDetector d(s.timing, s.tick, options(s), *random);
  s.blocks(1'000, [&](const hal::TagBlock& b) { ASSERT_TRUE(d.process(b).ok()); });
  EXPECT_FALSE(d.done());
  const Seen seen = see(d.finish());
  EXPECT_EQ(seen.slots, (Slots{30}));
  EXPECT_EQ(seen.dropped, (std::vector<SlotRange>{{61, 100}}));
}

TEST(Layout, ThatIsNoLayoutIsRefused) {
  const auto random = make_seeded_random(1, NodeId::bob);
  Stream s;
  s.timing.gate_width = {10'001};
  EXPECT_THROW(SlotDetector(s.timing, s.tick, options(s), *random), std::invalid_argument);
  s = Stream{};
  s.timing.sync_divider = 0;
  EXPECT_THROW(SlotDetector(s.timing, s.tick, options(s), *random), std::invalid_argument);
  s = Stream{};
  s.timing.channels.erase(s.timing.channels.begin(), s.timing.channels.begin() + 4);
  EXPECT_THROW(SlotDetector(s.timing, s.tick, options(s), *random), std::invalid_argument);
}

}  // namespace
}  // namespace nicol::detection::test
