// SPDX-License-Identifier: Apache-2.0
// Slots by a pulse a second, and the choice of a clock by channel roles.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "tests/unit/detection/hand_made.hpp"

namespace nicol::detection::test {
namespace {

constexpr std::uint16_t kPps = 10;

/// Slots of 2 us with gates of 1 us, twenty seconds, a pps channel, no sync channel.
struct Seconds {
  Stream stream;
  double ppm = 20, jitter = 20'000;
  explicit Seconds(std::int64_t period = 2'000'000) {
    stream.timing.channels.resize(4);
    stream.timing.channels.push_back({kPps, hal::ChannelRole::pps, 0, 0, Picoseconds{0}, Hertz{0}});
    stream.timing.slot_period = {period};
    stream.timing.sync_divider = 1;
    stream.timing.gate_width = {period / 2};
    stream.slots = static_cast<std::uint64_t>(20'000'000'000'000 / period);
    stream.zero = 300'000'000'000;
    stream.rate = 1 + ppm * 1e-6;
    stream.end = stream.zero + 23'000'000'000'000;
  }
  void pulses(std::int64_t first = -3, std::int64_t skip = 1'000) {
    CounterStream random({3, NodeId::world, Purpose::test, 1});
    for (std::int64_t second = first; second < 22; ++second) {
      const double noise = jitter * std::sqrt(-2 * std::log(random.uniform_positive())) *
                           std::cos(2 * std::numbers::pi * random.uniform());
      const double t = static_cast<double>(stream.zero) + static_cast<double>(second) * 1e12 * stream.rate + noise;
      if (t > 0 && second != skip) stream.at(static_cast<std::int64_t>(t), kPps);
    }
  }
  void clicks() {
    for (std::uint64_t k = 1'000; k < stream.slots; k += stream.slots / 3'000) sent.push_back(k), stream.click(k, 1);
  }
  DetectorOptions detector() const {
    DetectorOptions o = options(stream);
    o.frame_hint = {stream.zero};
    return o;
  }
  Slots sent;
};

/// Clicks of slots that were not dropped, from a slot on.
Slots not_dropped(const Slots& sent, const std::vector<SlotRange>& dropped) {
  Slots out;
  for (const std::uint64_t k : sent)
    if (std::none_of(dropped.begin(), dropped.end(), [&](const SlotRange& r) { return r.begin <= k && k < r.end; }))
      out.push_back(k);
  return out;
}

TEST(PpsClock, NumbersSlowSlotsByTheSecond) {
  Seconds s;
  s.pulses();
  s.clicks();
  const Seen seen = detect(s.stream, s.detector());
  EXPECT_EQ(seen.slots, not_dropped(s.sent, seen.dropped));
  EXPECT_GT(seen.slots.size(), s.sent.size() * 9 / 10);
  ASSERT_TRUE(seen.report.clock);
  EXPECT_NEAR(seen.report.clock->frequency.value, 20e-6, 5 * seen.report.clock->frequency.sigma);
}

TEST(PpsClock, GivesUpSlotsUntilItsPhaseIsAsSharpAsTheyNeed) {
  Seconds s(200'000);
  s.pulses();
  s.clicks();
  const Seen seen = detect(s.stream, s.detector());
  ASSERT_FALSE(seen.dropped.empty());
  EXPECT_EQ(seen.dropped[0].begin, 0U);
  EXPECT_GE(seen.dropped[0].end, 5'000'000U);
  EXPECT_EQ(seen.slots, not_dropped(s.sent, seen.dropped));
  EXPECT_GT(seen.slots.size(), s.sent.size() / 2);
}

TEST(PpsClock, BridgesAMissingPulse) {
  Seconds s;
  s.pulses(-3, 9);
  s.clicks();
  const Seen seen = detect(s.stream, s.detector());
  EXPECT_EQ(seen.report.sync_missing, 1U);
  EXPECT_EQ(seen.slots, not_dropped(s.sent, seen.dropped));
}

TEST(PpsClock, RefusesASpuriousPulse) {
  Seconds s;
  s.pulses();
  s.clicks();
  s.stream.at(s.stream.zero + 7'400'000'000'000, kPps);
  const Seen seen = detect(s.stream, s.detector());
  EXPECT_EQ(seen.report.sync_rejected, 1U);
  EXPECT_EQ(seen.slots, not_dropped(s.sent, seen.dropped));
}

TEST(PpsClock, KeepsNothingOfSlotsShorterThanItsPulsesAreSharp) {
  Seconds s(50'000);
  s.pulses();
  s.clicks();
  const Seen seen = detect(s.stream, s.detector());
  EXPECT_TRUE(seen.slots.empty());
}

TEST(PpsClock, TakesTheSecondThatTheFrameMarkerMeans) {
  Seconds s;
  s.stream.timing.channels.push_back({kFrame, hal::ChannelRole::frame, 0, 0, Picoseconds{0}, Hertz{0}});
  s.pulses();
  s.clicks();
  s.stream.frame(200'000'000'000);
  const Seen seen = detect(s.stream, options(s.stream));
  EXPECT_EQ(seen.slots, not_dropped(s.sent, seen.dropped));
  EXPECT_GT(seen.slots.size(), s.sent.size() * 9 / 10);
}

TEST(PpsClock, DoesNotDependOnWhereTheStreamIsCut) {
  Seconds s;
  s.pulses();
  s.clicks();
  const Seen whole = detect(s.stream, s.detector());
  for (const std::size_t tags : {1UL, 7UL, 100UL}) EXPECT_TRUE(detect(s.stream, s.detector(), tags) == whole) << tags;
}

TEST(TheChoiceOfAClock, FallsOnTheSyncChannelWhateverElseThereIs) {
  Stream s;
  s.timing.channels.push_back({kPps, hal::ChannelRole::pps, 0, 0, Picoseconds{0}, Hertz{0}});
  s.marks();
  s.click(44, 2);
  s.at(s.start(30) + 123, kPps);
  DetectorOptions o = options(s);
  o.pattern = PublicPattern::make({1, s.slots, 1, 0, 0, 32, Basis::rectilinear}).value();
  const Seen seen = detect(s, o);
  EXPECT_EQ(seen.slots, (Slots{44}));
  EXPECT_FALSE(seen.report.clock);
}

}  // namespace
}  // namespace nicol::detection::test
