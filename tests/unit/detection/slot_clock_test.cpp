// SPDX-License-Identifier: Apache-2.0
// Sync tags lost, spurious, shaken and from a clock that runs wrong: the slots keep their numbers.
#include <gtest/gtest.h>

#include <random>

#include "tests/unit/detection/hand_made.hpp"

namespace nicol::detection::test {
namespace {

/// A tag in the middle of every third slot.
void every_third(Stream& s) {
  for (std::uint64_t k = 1; k < s.slots; k += 3) s.click(k, static_cast<std::uint16_t>(k % 4));
}
Slots thirds(std::uint64_t slots) {
  Slots out;
  for (std::uint64_t k = 1; k < slots; k += 3) out.push_back(k);
  return out;
}

TEST(SlotClock, HealsLostSyncTags) {
  Stream s;
  s.slots = 1'000;
  s.frame();
  for (const std::uint64_t j : {0U, 1U, 2U, 17U, 18U, 40U, 95U}) s.sync(j);
  every_third(s);
  const Seen seen = detect(s);
  EXPECT_EQ(seen.slots, thirds(1'000));
  EXPECT_EQ(seen.report.sync_missing, 14U + 21U + 54U);
}

TEST(SlotClock, HealsLostSyncTagsOfAClockThatRunsWrong) {
  for (const double ppm : {-80.0, -20.0, 35.0, 90.0}) {
    Stream s;
    s.slots = 20'000;
    s.rate = 1 + ppm * 1e-6;
    s.frame();
    for (std::uint64_t j = 0; j < 2'000; ++j)
      if (j < 5 || j % 37 == 0 || j % 51 < 9) s.sync(j);
    every_third(s);
    EXPECT_EQ(detect(s,
                     [&] {
                       DetectorOptions o = options(s);
                       o.capacity = 10'000;
                       return o;
                     }())
                  .slots,
              thirds(20'000))
        << ppm << " ppm";
  }
}

TEST(SlotClock, RejectsSpuriousSyncTags) {
  Stream s;
  s.slots = 1'000;
  s.marks();
  every_third(s);
  std::mt19937_64 g(3);
  for (int i = 0; i < 200; ++i) {
    const auto t = s.zero + static_cast<std::int64_t>(g() % 9'900'000);
    const std::int64_t phase = (t - s.zero) % 100'000;
    if (phase > 3'000 && phase < 97'000) s.at(t, kSync);
  }
  const Seen seen = detect(s);
  EXPECT_EQ(seen.slots, thirds(1'000));
  EXPECT_GT(seen.report.sync_rejected, 150U);
  EXPECT_EQ(seen.report.sync_missing, 0U);
}

TEST(SlotClock, ComesBackFromASpuriousTagTakenBeforeItWasLocked) {
  Stream s;
  s.timing.sync_divider = 1'000;
  s.timing.blind_time = {5'000};
  s.slots = 30'000;
  s.frame();
  s.sync(0);
  s.sync(1, -2'500);  // within 200 ppm of 10 us and half a gate
  for (std::uint64_t j = 1; j < 30; ++j) s.sync(j);
  for (std::uint64_t k = 5'000; k < s.slots; k += 50) s.click(k, 0);
  EXPECT_EQ(detect(s).slots.size(), 500U);
}

TEST(SlotClock, StandsJitterOfSyncTags) {
  std::mt19937_64 g(4);
  std::normal_distribution<double> jitter(0, 120);
  Stream s;
  s.slots = 10'000;
  s.rate = 1 - 40e-6;
  s.frame(70);
  for (std::uint64_t j = 0; j < 1'000; ++j) s.sync(j, static_cast<std::int64_t>(jitter(g)));
  every_third(s);
  EXPECT_EQ(detect(s).slots, thirds(10'000));
}

TEST(SlotClock, InterpolatesBetweenNeighbouringSyncTags) {
  Stream s;
  s.timing.sync_divider = 1'000;
  s.timing.gate_width = {200};
  s.slots = 3'000;
  s.rate = 1 + 50e-6;  // 500 ps over a sync interval: outside this gate at nominal rate
  s.marks();
  for (std::uint64_t k = 900; k < 3'000; k += 50) s.click(k, 1);
  EXPECT_EQ(detect(s).slots.size(), 42U);  // the last stretch is extrapolated
}

TEST(SlotClock, CountsFromTheFrameMarker) {
  Stream s;
  for (std::int64_t j = -7; j < 0; ++j) s.at(s.zero + j * 100'000, kSync);
  s.marks();
  s.click(12, 0);
  EXPECT_EQ(detect(s).slots, (Slots{12}));
}

TEST(SlotClock, TakesTheFrameMarkerWhereTheFirstSyncTagIsLost) {
  Stream s;
  s.frame();
  for (std::uint64_t j = 1; j < 10; ++j) s.sync(j);
  every_third(s);
  EXPECT_EQ(detect(s).slots, thirds(100));
}

TEST(SlotClock, PrefersTheSyncTagWhicheverComesFirst) {
  for (const std::int64_t skew : {-1'900, 1'900}) {
    Stream s;
    s.frame(skew);
    for (std::uint64_t j = 0; j < 10; ++j) s.sync(j);
    every_third(s);
    for (const std::size_t cut : {1U, 1'000U}) EXPECT_EQ(detect(s, cut).slots, thirds(100)) << skew;
  }
}

TEST(SlotClock, NumbersABlockWithinOneSyncIntervalAtNominalRate) {
  Stream s;
  s.timing.sync_divider = 1'000;
  s.marks();
  every_third(s);
  EXPECT_EQ(detect(s).slots, thirds(100));
}

TEST(SlotClock, NumbersSlotsWithASyncTagEach) {
  Stream s;
  s.timing.sync_divider = 1;
  s.rate = 1 + 60e-6;
  s.marks();
  every_third(s);
  EXPECT_EQ(detect(s).slots, thirds(100));
}

TEST(SlotClock, NumbersSlotsOfHalfASecond) {
  Stream s;
  s.timing.slot_period = {500'000'000'000};
  s.timing.gate_width = {100'000'000};
  s.timing.sync_divider = 1;
  s.rate = 1 + 20e-6;
  s.timing.channels[0].delay = {400'000'000'000};
  s.marks();
  for (std::uint64_t k = 1; k < 100; k += 3) s.click(k, 0, 20'000'000);
  s.end = s.start(103);
  EXPECT_EQ(detect(s).slots, thirds(100));
}

TEST(SlotClock, NumbersALongStretchWithoutSyncTagsExactly) {
  Stream s;
  s.timing.slot_period = {1'000'000'000};
  s.timing.gate_width = {10'000'000};
  s.timing.sync_divider = 1'000;
  s.slots = 2'000'000;  // 2000 s: products of time and slots need 128 bits
  s.frame();
  for (const std::uint64_t j : {0U, 1U, 2U, 3U, 4U, 5U, 6U, 7U, 1'999U}) s.sync(j);
  Slots expected;
  for (std::uint64_t k = 7; k < s.slots; k += 19'997) {
    s.click(k, 2, k % 2 == 0 ? -5'000'000 : 4'999'999);
    expected.push_back(k);
  }
  EXPECT_EQ(detect(s).slots, expected);
}

TEST(SlotClock, CountsTicksThatAreNoWholePicoseconds) {
  Stream s;
  s.tick = {1'000, 256};
  s.slots = 1'000;
  s.rate = 1 + 30e-6;
  s.marks();
  every_third(s);
  EXPECT_EQ(detect(s).slots, thirds(1'000));
}

TEST(SlotClock, DropsSlotsThatRestOnARateNobodyChecked) {
  Stream s;
  s.slots = 2'000;
  s.frame();
  for (std::uint64_t j = 0; j < 20; ++j) s.sync(j);  // then the sync cable is pulled
  every_third(s);
  const Seen seen = detect(s);
  ASSERT_EQ(seen.dropped, (std::vector<SlotRange>{{(19 + 64) * 10, 2'000}}));
  EXPECT_EQ(seen.slots, thirds(830));
}

TEST(SlotClock, LooksAtNoSyncTagAfterTheBlock) {
  Stream s;
  s.marks();
  s.sync(10, 900);  // would move slot 98 by 720 ps, if it came in time to be looked at
  s.click(98, 1, -900);
  for (const std::size_t cut : {1U, 3U, 1'000U}) EXPECT_EQ(detect(s, cut).slots, (Slots{98})) << cut;
}

TEST(SlotClock, DropsEverythingWithoutAFrameMarker) {
  Stream s;
  for (std::uint64_t j = 0; j < 10; ++j) s.sync(j);
  every_third(s);
  const Seen seen = detect(s);
  EXPECT_TRUE(seen.slots.empty());
  EXPECT_EQ(seen.dropped, (std::vector<SlotRange>{{0, 100}}));
}

TEST(SlotClock, StartsAtTheHintWhereNoFrameChannelExists) {
  Stream s;
  s.timing.channels.pop_back();
  for (std::int64_t j = -5; j < 10; ++j) s.at(s.zero + j * 100'000, kSync);
  s.click(12, 0);
  DetectorOptions o = options(s);
  o.frame_hint = {s.zero + 40'000};
  EXPECT_EQ(detect(s, o).slots, (Slots{12}));
}

TEST(SlotClock, WaitsForTheFrameMarkerHoweverManyTagsComeBefore) {
  Stream s;
  s.zero = 2'000'000'000;
  for (std::int64_t i = 0; i < 40'000; ++i) s.at(i * 45'000, 0);
  s.marks();
  s.click(50, 1);
  EXPECT_EQ(detect(s).slots, (Slots{50}));
}

}  // namespace
}  // namespace nicol::detection::test
