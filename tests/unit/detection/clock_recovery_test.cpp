// SPDX-License-Identifier: Apache-2.0
// Clock recovery as a whole, on simulated pulses whose truth is known. The counts that TIMING.md states are the cases
// called Long (100 seeds each, label `long`, figures printed); the ordinary suite runs a few seeds of each.
#include <gtest/gtest.h>

#include <fmt/core.h>

#include "tests/unit/detection/clock_run.hpp"
#include "tests/unit/detection/hand_made.hpp"

namespace nicol::detection::test {
namespace {

/// Bob's link at 40 dB: 1000 photons a second among 1000 dark counts.
PulsedLink dim(std::uint64_t seed) {
  PulsedLink link = link_of(seed);
  link.per_slot = 1e-5;
  link.dark_rate = 250;
  return link;
}

struct Tally {
  int runs = 0, locked = 0, in_time = 0;
  std::size_t slipped = 0, kept = 0, light = 0;
  double slowest = 0, mean = 0;
  void add(const Outcome& o, double limit) {
    ++runs;
    const bool is_locked = o.relocked_after < 1e8;
    locked += is_locked ? 1 : 0;
    in_time += o.relocked_after <= limit ? 1 : 0;
    slipped += o.slipped;
    kept += o.kept;
    light += o.light;
    if (is_locked) slowest = std::max(slowest, o.relocked_after), mean += o.relocked_after;
  }
  void print(const char* what) const {
    fmt::print(
        "{}: {} of {} locked, {} in time; after light mean {:.3f} s, slowest {:.3f} s; kept {} of {} photons, {} "
        "with a wrong slot\n",
        what, locked, runs, in_time, mean / std::max(locked, 1), slowest, kept, light, slipped);
  }
};

Tally lock_from_start(std::uint64_t seeds) {
  Tally t;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed)
    t.add(run(link_of(seed), pattern_of(slots_in(4), slots_in(1))), 1);
  t.print("lock, 1e4 photons/s");
  return t;
}

Tally relock(std::uint64_t seeds) {
  Tally t;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    PulsedLink link = link_of(seed);
    link.darkness = {{2.5, 7.5}};
    t.add(run(link, pattern_of(slots_in(11), slots_in(1)), 7.5), 2);
  }
  t.print("relock after 5 s of darkness, 1e4 photons/s");
  return t;
}

Tally lock_at_40_db(std::uint64_t seeds) {
  Tally t;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed)
    t.add(run(dim(seed), pattern_of(slots_in(12), slots_in(4), slots_in(0.5))), 4);
  t.print("lock at 40 dB, 1e3 photons/s and 1e3 dark counts/s");
  return t;
}

Tally relock_at_40_db(std::uint64_t seeds, std::uint32_t spacing) {
  Tally t;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    PulsedLink link = dim(seed);
    link.darkness = {{12, 17}};
    t.add(run(link, pattern_of(slots_in(40), slots_in(4), slots_in(0.5), spacing), 17), 2);
  }
  t.print(fmt::format("relock at 40 dB after 5 s of darkness, every {}th slot public", spacing).c_str());
  return t;
}

/// The worst that a tagger can do: jumps by whole slots, which no phase shows.
Tally jumps(std::uint64_t seeds) {
  Tally t;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    PulsedLink link = link_of(seed);
    CounterStream random({seed, NodeId::world, Purpose::test, 5});
    const auto by = [&] { return (random() & 1U ? 1e-8 : -1e-8) * static_cast<double>(1 + random.below(40)); };
    link.jumps = {{1.5 + 2 * random.uniform(), by()}, {5 + 2 * random.uniform(), by()}};
    t.add(run(link, pattern_of(slots_in(10), slots_in(1)), 8), 2);
  }
  t.print("two jumps of 1 to 40 whole slots");
  return t;
}

void expect_locked(const Tally& t, int least) {
  EXPECT_GE(t.in_time, least);
  EXPECT_EQ(t.slipped, 0U) << "a slip was kept";
}

TEST(RecoveredClock, LocksFromLessThanASecondOfLight) { expect_locked(lock_from_start(8), 8); }
TEST(RecoveredClock, LocksAgainTwoSecondsAfterDarkness) { expect_locked(relock(3), 3); }
TEST(RecoveredClock, LocksAt40Decibels) { expect_locked(lock_at_40_db(3), 3); }
TEST(RecoveredClock, LocksAgainAt40DecibelsWithADenserComb) { expect_locked(relock_at_40_db(3, 8), 3); }
TEST(RecoveredClock, KeepsNoClickThatAJumpByWholeSlotsMisplaced) { expect_locked(jumps(3), 3); }

TEST(RecoveredClock, LongLocksInHundredRuns) { expect_locked(lock_from_start(100), 99); }
TEST(RecoveredClock, LongRelocksInHundredRuns) { expect_locked(relock(100), 99); }
TEST(RecoveredClock, LongLocksAt40DecibelsInHundredRuns) { expect_locked(lock_at_40_db(100), 99); }
TEST(RecoveredClock, LongRelocksAt40DecibelsInHundredRuns) { expect_locked(relock_at_40_db(100, 8), 99); }
TEST(RecoveredClock, LongRelocksAt40DecibelsWithThinnerCombs) {
  for (const std::uint32_t spacing : {16U, 32U}) {
    const Tally t = relock_at_40_db(100, spacing);
    EXPECT_EQ(t.slipped, 0U);
    EXPECT_GE(t.locked, 99);
  }
}
TEST(RecoveredClock, LongKeepsNoSlipInHundredRunsOfJumps) { expect_locked(jumps(100), 99); }

TEST(RecoveredClock, LocksWithAJitterOfAQuarterPeriod) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    PulsedLink link = link_of(seed);
    link.jitter_ps = 2'500;
    link.tail_ps = 0;
    const Outcome o = run(link, pattern_of(slots_in(4), slots_in(1)));
    EXPECT_LT(o.relocked_after, 1);
    EXPECT_GT(o.kept, o.light / 3);
    // Photons that are late by more than half a period are another slot's, whatever the clock.
    EXPECT_LT(o.slipped, o.kept / 50);
    EXPECT_NEAR(o.report.jitter, 2.5e-9, 5 * o.report.jitter_sigma + 0.1e-9);
  }
}

TEST(RecoveredClock, LocksAtHundredPpmAndAGigahertz) {
  PulsedLink link = link_of(3);
  link.slot_ps = 1'000;
  link.jitter_ps = 100;
  link.tail_ps = 0;
  link.ppm = -100;
  link.per_slot = 2e-5;
  const Outcome o = run(link, pattern_of(2'500'000'000, 1'000'000'000));
  EXPECT_LT(o.relocked_after, 1);
  EXPECT_EQ(o.slipped, 0U);
  EXPECT_GT(o.kept, o.light / 2);
}

TEST(RecoveredClock, ReportsOffsetFrequencyJitterAndContrastWithinTheirErrors) {
  PulsedLink link = link_of(5);
  link.tail_ps = 0;
  link.walk = 0;
  const PublicPattern pattern = pattern_of(slots_in(6), slots_in(1));
  const Outcome o = run(link, pattern);
  const ClockReport& r = o.report;
  EXPECT_EQ(r.locks, 1U);
  EXPECT_EQ(r.slips + r.phase_losses, 0U);
  EXPECT_NEAR(r.slot_zero.value, link.offset_s, 5 * r.slot_zero.sigma);
  EXPECT_LT(r.slot_zero.sigma, 1e-9);
  EXPECT_NEAR(r.frequency.value, send(link, pattern).end_frequency, 5 * r.frequency.sigma);
  EXPECT_NEAR(r.drift.value, link.drift, 5 * r.drift.sigma);
  EXPECT_NEAR(r.jitter, 500e-12, 5 * r.jitter_sigma);
  EXPECT_NEAR(r.background, 0.038, 0.03);
  EXPECT_NEAR(r.contrast.value, 0.94 * (1 - 0.4 * r.background), 5 * r.contrast.sigma + 0.01);
  EXPECT_LT(r.log10_false_lock, -8);
}

/// Error of the reported frequency in its own sigmas, at every look in a tenth of a second after each of these moments
/// since light began: with slot 0, after up to two seconds of darkness, or again after one of `dark` seconds.
std::vector<double> pulls_of_light(std::uint64_t seeds, double dark, std::initializer_list<double> after) {
  std::vector<double> pulls;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    PulsedLink link = link_of(seed);
    if (dark > 0) link.darkness = {{1.5, 1.5 + dark}};
    const double begin = dark > 0 ? 1.5 + dark : 0;
    Watched watched(link, pattern_of(slots_in(begin + 2), slots_in(0.3)));
    Numbering sink(4'000, watched.light.tags.size());
    watched.play(50, sink, [&](double t, const ClockReport& r) {
      for (const double from : after)
        if (const double since = t - begin - from; r.tracking && since >= 0 && since < 0.1)
          pulls.push_back((r.frequency.value - watched.true_frequency(t)) / r.frequency.sigma);
    });
  }
  return pulls;
}

void expect_as_stated(const std::vector<double>& pulls) {
  ASSERT_GT(pulls.size(), 100U);
  double squares = 0;
  std::size_t beyond = 0;
  for (const double p : pulls) squares += p * p, beyond += std::abs(p) > 3 ? 1U : 0U;
  fmt::print("{} looks: rms {:.2f} sigma, {} beyond 3\n", pulls.size(),
             std::sqrt(squares / static_cast<double>(pulls.size())), beyond);
  EXPECT_LT(squares / static_cast<double>(pulls.size()), 1.5);
  EXPECT_LE(beyond, pulls.size() / 100);
}

TEST(RecoveredClock, KnowsHowWellItKnowsTheFrequencyAfterDarkness) {
  expect_as_stated(pulls_of_light(12, 5, {0.2, 0.3, 0.4, 0.8}));
}
TEST(RecoveredClock, KnowsHowWellItKnowsTheFrequencyAfterAShortDarkness) {
  expect_as_stated(pulls_of_light(12, 1.5, {0.1, 0.2, 0.3, 0.8}));
}

TEST(RecoveredClock, KnowsHowWellItKnowsTheFrequencyFromTheFirstLockOn) {
  expect_as_stated(pulls_of_light(20, 0, {0.05, 0.15, 0.3, 0.8}));
}

TEST(RecoveredClock, LosesLittleOfTheBlockWhereNothingHappens) {
  const Outcome o = run(link_of(9), pattern_of(slots_in(6), slots_in(1)));
  EXPECT_GT(o.kept, o.light * 98 / 100);
}

TEST(RecoveredClock, SaysHowOftenItSlippedAndHealed) {
  PulsedLink link = link_of(2);
  link.jumps = {{3, 1e-8}};
  const Outcome o = run(link, pattern_of(slots_in(6), slots_in(1)));
  EXPECT_EQ(o.report.slips, 1U);
  EXPECT_EQ(o.report.locks, 2U);
  EXPECT_GT(o.kept, o.light / 2);
}

TEST(RecoveredClock, SeesAJumpOfAPartOfASlotInThePhase) {
  PulsedLink link = link_of(2);
  link.jumps = {{3, 4e-9}};
  const Outcome o = run(link, pattern_of(slots_in(6), slots_in(1)));
  EXPECT_EQ(o.report.phase_losses, 1U);
  EXPECT_EQ(o.slipped, 0U);
}

TEST(RecoveredClock, KeepsNothingOfAJumpBeyondItsOwnSearch) {
  PulsedLink link = link_of(2);
  link.jumps = {{3, -0.01}};
  const Outcome o = run(link, pattern_of(slots_in(6), slots_in(1)));
  EXPECT_EQ(o.slipped, 0U);
}

TEST(RecoveredClock, NeverLocksOnDarkCounts) {
  for (std::uint64_t seed = 1; seed <= 2; ++seed) {
    PulsedLink link = link_of(seed);
    link.per_slot = 1e-12;
    link.dark_rate = 5'000;
    const Outcome o = run(link, pattern_of(slots_in(4), slots_in(1)));
    EXPECT_EQ(o.report.locks, 0U);
    EXPECT_EQ(o.dropped, slots_in(4));
  }
}

TEST(RecoveredClock, KeepsNothingWhereThePublicStatesAreNotThePattern) {
  // Light with the right period that knows nothing of this block's seed.
  PulsedLink link = link_of(1);
  link.qber = 0.5;
  const Outcome o = run(link, pattern_of(slots_in(4), slots_in(1)));
  EXPECT_EQ(o.report.locks, 0U);
  EXPECT_EQ(o.dropped, slots_in(4));
}

TEST(RecoveredClock, DoesNotDependOnWhereTheStreamIsCut) {
  PulsedLink link = link_of(4);
  link.darkness = {{1, 2.2}};
  link.jumps = {{3.5, 3e-8}};
  const PublicPattern pattern = pattern_of(slots_in(5), slots_in(0.4));
  const Outcome whole = run(link, pattern, 0, 1 << 20);
  for (const std::size_t tags : {1UL, 311UL}) {
    const Outcome cut = run(link, pattern, 0, tags);
    EXPECT_EQ(cut.slots, whole.slots) << tags;
    EXPECT_EQ(cut.dropped, whole.dropped) << tags;
    EXPECT_EQ(cut.report.locks, whole.report.locks) << tags;
  }
}

TEST(RecoveredClock, WorksWithTicksOf1000By256) {
  PulsedLink link = link_of(6);
  link.tick = {1'000, 256};
  const Outcome o = run(link, pattern_of(slots_in(3), slots_in(1)));
  EXPECT_LT(o.relocked_after, 1);
  EXPECT_EQ(o.slipped, 0U);
}

SlotDetector detector_for(const PulsedLink& link, const PublicPattern& pattern, Random& random) {
  DetectorOptions o;
  o.slots = pattern.layout().slots;
  o.capacity = 1'000'000;
  o.pattern = pattern;
  return SlotDetector(layout_of(link), link.tick, o, random);
}

/// Clicks in Alice's basis, and of them those with another bit.
struct Sifted {
  std::size_t same = 0, wrong = 0;
};
Sifted sift(const PulsedLink& link, const PublicPattern& pattern, const Seen& seen) {
  Sifted s;
  for (std::size_t i = 0; i < seen.slots.size(); ++i) {
    const unsigned sent = nicol::test::sent_state(link, pattern, seen.slots[i]);
    if (seen.bases.get(i) != ((sent & 1U) != 0)) continue;
    ++s.same;
    s.wrong += seen.bits.get(i) != ((sent & 2U) != 0) ? 1U : 0U;
  }
  return s;
}

TEST(ADetectorWithoutSyncChannel, GivesClicksThatAgreeWithAliceAndNoPublicSlot) {
  const PulsedLink link = link_of(7);
  const PublicPattern pattern = pattern_of(slots_in(5), slots_in(1));
  PulsedTags light = send(link, pattern);
  const auto random = make_seeded_random(1, NodeId::bob);
  SlotDetector detector = detector_for(link, pattern, *random);
  nicol::test::in_blocks(light, 1'000, [&](const hal::TagBlock& b) { ASSERT_TRUE(detector.process(b).ok()); });
  EXPECT_TRUE(detector.done());
  const Seen seen = see(detector.finish());
  ASSERT_TRUE(seen.report.clock);
  EXPECT_EQ(seen.report.clock->locks, 1U);
  for (const std::uint64_t slot : seen.slots) EXPECT_FALSE(pattern.is_public(slot));
  const Sifted s = sift(link, pattern, seen);
  EXPECT_GT(s.same, 15'000U);
  EXPECT_NEAR(static_cast<double>(s.wrong) / static_cast<double>(s.same), 0.04, 0.015);
}

TEST(ADetectorWithoutSyncChannel, TellsOfSlotsThatGoByWhileItsLockIsLost) {
  PulsedLink link = link_of(9);
  link.darkness = {{1, 4}};
  const PublicPattern pattern = pattern_of(slots_in(6), slots_in(0.5), slots_in(0.5));
  PulsedTags light = send(link, pattern);
  const auto random = make_seeded_random(1, NodeId::bob);
  SlotDetector detector = detector_for(link, pattern, *random);
  const auto dark = static_cast<std::int64_t>((light.first_light_s + 3.5) * 1e12);
  std::uint64_t told = 0;
  nicol::test::in_blocks(light, 20, [&](const hal::TagBlock& b) {
    ASSERT_TRUE(detector.process(b).ok());
    if (told != 0 || b.t_begin < dark) return;
    EXPECT_TRUE(detector.awaits_lock());
    told = detector.complete_slots();
  });
  EXPECT_GT(told, slots_in(3.45));
  EXPECT_LT(told, slots_in(3.6));
  EXPECT_TRUE(detector.done());
  const Seen seen = see(detector.finish());
  EXPECT_GT(std::count_if(seen.slots.begin(), seen.slots.end(), [&](auto slot) { return slot > told; }), 3'000);
  const Sifted s = sift(link, pattern, seen);
  EXPECT_NEAR(static_cast<double>(s.wrong) / static_cast<double>(s.same), 0.04, 0.02);
}

TEST(ADetectorWithoutSyncChannel, FindsItsSlotsAgainAfterAPause) {
  const PulsedLink whole = link_of(8);
  PublicPattern pattern = pattern_of(slots_in(6), slots_in(1));
  const PublicPattern before = pattern;
  const std::uint64_t again = slots_in(3) + 12'345;
  pattern.resume_at(again);
  // Light stops at 2.5 s and goes on, seconds later, with slot `again`.
  PulsedLink link = whole;
  link.darkness = {{2.5, 3.0 + 12'345e-8}};
  link.jumps = {{2.9, 3.21}};
  PulsedTags light = send(link, pattern);
  const auto random = make_seeded_random(1, NodeId::bob);
  SlotDetector detector = detector_for(link, before, *random);
  const auto held_at = static_cast<std::int64_t>((light.first_light_s + 2.6) * 1e12);
  const auto resumed_at = static_cast<std::int64_t>((light.first_light_s + 5.5) * 1e12);
  bool held = false, resumed = false;
  nicol::test::in_blocks(light, 100, [&](const hal::TagBlock& b) {
    if (!held && b.t_begin > held_at) detector.hold(), held = true;
    if (!resumed && b.t_begin > resumed_at) {
      ASSERT_TRUE(detector.resume(again, StreamAfterPause::goes_on).ok());
      resumed = true;
    }
    ASSERT_TRUE(detector.process(b).ok());
  });
  EXPECT_TRUE(detector.done());
  const Seen seen = see(detector.finish());
  const auto after = std::count_if(seen.slots.begin(), seen.slots.end(), [&](auto slot) { return slot > again; });
  EXPECT_GT(after, 15'000);
  EXPECT_GT(static_cast<std::ptrdiff_t>(seen.slots.size()) - after, 8'000);
  const Sifted s = sift(link, pattern, seen);
  EXPECT_NEAR(static_cast<double>(s.wrong) / static_cast<double>(s.same), 0.04, 0.02);
}

TEST(ADetectorWithoutSyncChannel, IsRefusedToAnActiveReceiver) {
  const PulsedLink link = link_of(1);
  const PublicPattern pattern = pattern_of(1'000, 100, 0);
  const secret::BitString bases(1'000);
  DetectorOptions o;
  o.slots = 1'000;
  o.capacity = 10;
  o.pattern = pattern;
  o.settings.bases = &bases;
  const auto random = make_seeded_random(1, NodeId::bob);
  EXPECT_THROW(SlotDetector(layout_of(link), link.tick, o, *random), std::invalid_argument);
}

TEST(ADetectorWithSyncChannel, LeavesPublicSlotsOutToo) {
  Stream s;
  s.marks();
  for (std::uint64_t k = 40; k < 100; k += 4) s.click(k, 0);
  DetectorOptions o = options(s);
  o.pattern = pattern_of(100, 50, 0);
  EXPECT_EQ(detect(s, o).slots, (Slots{52, 56, 60, 68, 72, 76, 80, 84, 88, 92}));
}

}  // namespace
}  // namespace nicol::detection::test
