// SPDX-License-Identifier: Apache-2.0
// Light pauses and goes on at a slot that Alice names: numbers, bits and drops are right however long it took, and
// whatever became of the tagger meanwhile.
#include <gtest/gtest.h>

#include "tests/unit/detection/hand_made.hpp"

namespace nicol::detection::test {
namespace {

constexpr std::uint64_t kSlots = 400, kLastShown = 157, kDivider = 10;

/// Slot k clicks on channel k % 4, every third one, from `first` to `end`.
void clicks_and_syncs(Stream& s, std::uint64_t first, std::uint64_t end) {
  for (std::uint64_t j = first / kDivider; j * kDivider < end; ++j) s.sync(j);
  for (std::uint64_t k = first; k < end; ++k)
    if (k % 3 == 0) s.click(k, static_cast<std::uint16_t>(k % 4));
}

Stream before_the_pause() {
  Stream s;
  s.slots = kSlots;
  s.frame();
  clicks_and_syncs(s, 0, kLastShown + 1);
  s.end = s.start(kLastShown) + 8'000;
  return s;
}

/// `first` begins at `at` picoseconds of the tagger's clock.
Stream after_the_pause(std::uint64_t first, std::int64_t at) {
  Stream s;
  s.slots = kSlots;
  s.zero = at - static_cast<std::int64_t>(first) * s.timing.slot_period.count;
  s.at(at, kFrame);
  clicks_and_syncs(s, first, kSlots);
  return s;
}

class PausedDetector {
 public:
  PausedDetector() : random_(make_seeded_random(1, NodeId::bob)), detector_(layout(), {1, 1}, options_of(), *random_) {}
  SlotDetector& operator*() { return detector_; }
  SlotDetector* operator->() { return &detector_; }
  void feed(Stream s, std::size_t tags_per_block = 7) {
    s.blocks(tags_per_block, [&](hal::TagBlock b) {
      b.t_begin = std::max(b.t_begin, end_);
      end_ = b.t_end;
      const auto ok = detector_.process(b);
      ASSERT_TRUE(ok.ok()) << describe(ok.error());
    });
  }
  void dark_until(std::int64_t ps) {
    hal::TagBlock b;
    b.t_begin = end_;
    b.t_end = end_ = ps;
    ASSERT_TRUE(detector_.process(b).ok());
  }
  void start_tagger_anew() { end_ = 0; }
  std::int64_t now() const { return end_; }
  Seen seen() { return see(detector_.finish()); }

 private:
  static DetectorOptions options_of() {
    DetectorOptions o;
    o.slots = kSlots;
    o.capacity = 4096;
    return o;
  }
  std::unique_ptr<Random> random_;
  SlotDetector detector_;
  std::int64_t end_ = 0;
};

void expect_every_bit_in_its_slot(const Seen& seen) {
  for (std::size_t i = 0; i < seen.slots.size(); ++i) {
    EXPECT_EQ(seen.slots[i] % 3, 0U);
    EXPECT_EQ(seen.bases.get(i), seen.slots[i] % 4 >= 2) << seen.slots[i];
    EXPECT_EQ(seen.bits.get(i), seen.slots[i] % 2 == 1) << seen.slots[i];
  }
}

struct Case {
  std::uint64_t first;
  std::int64_t gap_ps;
  StreamAfterPause stream;
};
class APause : public testing::TestWithParam<Case> {};

TEST_P(APause, LeavesEveryBitInItsSlot) {
  const auto [first, gap, stream] = GetParam();
  PausedDetector d;
  d.feed(before_the_pause());
  const std::uint64_t complete = d->complete_slots();
  EXPECT_GE(complete, kLastShown / kDivider * kDivider);
  d->hold();
  std::int64_t at = d.now() + gap;
  if (stream == StreamAfterPause::restarted) {
    d.start_tagger_anew();
    at = gap;
  }
  ASSERT_TRUE(d->resume(first, stream).ok());
  d.feed(after_the_pause(first, at));
  EXPECT_TRUE(d->done());
  const Seen seen = d.seen();
  EXPECT_EQ(seen.dropped, (std::vector<SlotRange>{{complete, first}}));
  expect_every_bit_in_its_slot(seen);
  std::size_t expected = 0;
  for (std::uint64_t k = 0; k < kSlots; k += 3) expected += k < complete || k >= first;
  EXPECT_EQ(seen.slots.size(), expected);
}

INSTANTIATE_TEST_SUITE_P(OfAnyLength, APause,
                         testing::Values(Case{160, 50'000, StreamAfterPause::goes_on},
                                         Case{160, 123'457, StreamAfterPause::goes_on},
                                         Case{160, 7'000'000'000'003, StreamAfterPause::goes_on},
                                         Case{310, 99'999, StreamAfterPause::goes_on},
                                         Case{160, 50'000, StreamAfterPause::restarted},
                                         Case{230, 7'000'000'000'003, StreamAfterPause::restarted}));

TEST(PausedLight, CanPauseManyTimes) {
  PausedDetector d;
  Stream first = before_the_pause();
  d.feed(std::move(first));
  for (const std::uint64_t at : {160U, 200U, 300U}) {
    d->hold();
    ASSERT_TRUE(d->resume(at, StreamAfterPause::goes_on).ok());
    Stream s;
    s.slots = kSlots;
    s.zero = d.now() + 1'000'000 - static_cast<std::int64_t>(at) * 10'000;
    s.at(s.start(at), kFrame);
    clicks_and_syncs(s, at, at + 35);
    s.end = s.start(at + 35);
    d.feed(std::move(s));
  }
  const Seen seen = d.seen();
  expect_every_bit_in_its_slot(seen);
  EXPECT_GT(seen.slots.size(), 80U);
}

TEST(PausedLight, DoesNotCountDarknessAsSlots) {
  PausedDetector held, not_held;
  for (PausedDetector* d : {&held, &not_held}) d->feed(before_the_pause());
  const std::uint64_t complete = held->complete_slots();
  held->hold();
  for (PausedDetector* d : {&held, &not_held}) d->dark_until(1'000'000'000);
  EXPECT_EQ(held->complete_slots(), complete);
  EXPECT_TRUE(not_held->done());
}

TEST(PausedLight, IsStillTakenWhileItIsOnItsWay) {
  PausedDetector d;
  Stream s = before_the_pause();
  Stream late = s;
  const auto early = [&](const hal::TimeTag& t) { return t.ticks < s.start(80); };
  std::erase_if(late.tags, early);
  std::erase_if(s.tags, [&](const hal::TimeTag& t) { return !early(t); });
  s.end = s.start(80);
  d.feed(std::move(s));
  d->hold();
  d.feed(std::move(late));
  EXPECT_GE(d->complete_slots(), 150U);
}

TEST(PausedLight, SaysNothingBeforeItsFrameMarker) {
  PausedDetector d;
  d.feed(before_the_pause());
  ASSERT_TRUE(d->resume(200, StreamAfterPause::goes_on).ok());
  Stream s = after_the_pause(200, d.now() + 5'000'000);
  for (std::int64_t t = d.now() + 10'000; t < d.now() + 4'000'000; t += 33'000) s.at(t, 2);
  s.at(d.now() + 2'000'000, kSync);
  d.feed(std::move(s));
  expect_every_bit_in_its_slot(d.seen());
}

TEST(PausedLight, OfATaggerStartedAnewIsBlindAtItsBeginning) {
  PausedDetector d;
  d.feed(before_the_pause());
  d.start_tagger_anew();
  ASSERT_TRUE(d->resume(160, StreamAfterPause::restarted).ok());
  Stream s;
  s.slots = kSlots;
  s.zero = 2'000 - 1'600'000;  // slot 160 begins 2 ns after the stream does, its detectors are blind for 15
  s.at(2'000, kFrame);
  for (std::uint64_t j = 16; j < 40; ++j) s.sync(j);
  s.click(160, 1);
  s.click(170, 1);
  d.feed(std::move(s));
  const Seen seen = d.seen();
  EXPECT_FALSE(std::count(seen.slots.begin(), seen.slots.end(), 160U));
  EXPECT_TRUE(std::count(seen.slots.begin(), seen.slots.end(), 170U));
}

TEST(PausedLight, TakesBackClicksOfSlotsThatNobodyConfirmed) {
  PausedDetector d;
  d.feed(before_the_pause());
  ASSERT_GE(d->complete_slots(), 150U);
  d->drop({60, 160});
  ASSERT_TRUE(d->resume(160, StreamAfterPause::goes_on).ok());
  d.feed(after_the_pause(160, d.now() + 1'000'000));
  const Seen seen = d.seen();
  EXPECT_EQ(seen.dropped, (std::vector<SlotRange>{{60, 160}}));
  for (const std::uint64_t slot : seen.slots) EXPECT_TRUE(slot < 60 || slot >= 160) << slot;
  expect_every_bit_in_its_slot(seen);
}

TEST(PausedLight, ThatALossSpansKeepsWhatWasCompleteBefore) {
  PausedDetector d;
  d.feed(before_the_pause());
  const std::uint64_t complete = d->complete_slots();
  ASSERT_TRUE(d->resume(200, StreamAfterPause::goes_on).ok());
  Stream s = after_the_pause(200, d.now() + 900'000'000);
  s.lose(d.now(), d.now() + 899'000'000);
  d.feed(std::move(s));
  EXPECT_EQ(d.seen().dropped, (std::vector<SlotRange>{{complete, 200}}));
}

TEST(PausedLight, GoesOnAtTheEndOfTheBlockByClosingIt) {
  PausedDetector d;
  d.feed(before_the_pause());
  const std::uint64_t complete = d->complete_slots();
  ASSERT_TRUE(d->resume(kSlots, StreamAfterPause::restarted).ok());
  EXPECT_TRUE(d->done());
  EXPECT_EQ(d.seen().dropped, (std::vector<SlotRange>{{complete, kSlots}}));
}

TEST(PausedLight, GoesOnOnlyAtASyncPulseAndNeverBackwards) {
  PausedDetector d;
  d.feed(before_the_pause());
  for (const std::uint64_t slot : {100U, 161U, 410U}) {
    const auto refused = d->resume(slot, StreamAfterPause::goes_on);
    ASSERT_FALSE(refused.ok()) << slot;
    EXPECT_EQ(refused.error().code, Code::out_of_range);
  }
}

TEST(PausedLight, CannotGoOnWithoutAFrameChannel) {
  hal::TimingLayout timing = layout();
  timing.channels.pop_back();
  const auto random = make_seeded_random(1, NodeId::bob);
  DetectorOptions o;
  o.slots = kSlots;
  o.capacity = 16;
  SlotDetector d(timing, {1, 1}, o, *random);
  const auto refused = d.resume(10, StreamAfterPause::goes_on);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::not_supported);
}

TEST(PausedLight, SurvivesAnyNumberOfTagsWhileItIsHeld) {
  PausedDetector d;
  d.feed(before_the_pause());
  const std::uint64_t complete = d->complete_slots();
  d->hold();
  Stream noise;
  noise.slots = kSlots;
  for (std::int64_t i = 1; i < 60'000; ++i) noise.at(d.now() + i * 50'000, static_cast<std::uint16_t>(i % 4));
  noise.end = d.now() + 60'000 * std::int64_t{50'000};
  d.feed(std::move(noise), 1'000);
  EXPECT_EQ(d->complete_slots(), complete);
  ASSERT_TRUE(d->resume(160, StreamAfterPause::goes_on).ok());
  d.feed(after_the_pause(160, d.now() + 1'000'000));
  const Seen seen = d.seen();
  EXPECT_EQ(seen.dropped, (std::vector<SlotRange>{{complete, 160}}));
  expect_every_bit_in_its_slot(seen);
}

TEST(PausedHeralds, AreNumberedLikeDetections) {
  HeraldDetector d(layout(), {1, 1}, kSlots);
  Slots kept;
  const auto feed = [&](Stream s, std::int64_t begin) {
    s.blocks(11, [&](hal::TagBlock b) {
      b.t_begin = std::max(b.t_begin, begin);
      begin = std::max(b.t_end, begin);
      ASSERT_TRUE(d.process(b).ok());
      const auto progress = d.take_progress();
      kept.insert(kept.end(), progress.heralded.begin(), progress.heralded.end());
    });
  };
  Stream s = before_the_pause();
  for (std::uint64_t k = 0; k <= kLastShown; k += 5) s.click(k, kHerald);
  feed(std::move(s), 0);
  d.hold();
  ASSERT_TRUE(d.resume(200, StreamAfterPause::restarted).ok());
  Stream t = after_the_pause(200, 3'000'000);
  for (std::uint64_t k = 200; k < kSlots; k += 5) t.click(k, kHerald);
  feed(std::move(t), 0);
  EXPECT_TRUE(d.done());
  for (const std::uint64_t slot : kept) EXPECT_EQ(slot % 5, 0U);
  EXPECT_EQ(std::count_if(kept.begin(), kept.end(), [](std::uint64_t k) { return k >= 200; }), 40);
  EXPECT_GE(std::count_if(kept.begin(), kept.end(), [](std::uint64_t k) { return k < 200; }), 29);
}

}  // namespace
}  // namespace nicol::detection::test
