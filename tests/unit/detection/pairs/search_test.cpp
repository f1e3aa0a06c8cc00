// SPDX-License-Identifier: Apache-2.0
#include "controller/detection/pairs/offset_search.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "controller/detection/pairs/significance.hpp"
#include "tests/unit/detection/pairs/drawn.hpp"

namespace nicol::detection::pairs {
namespace {

using test::PairSpec;

double offset_error(const PairSpec& spec, const ClockLine& line) {
  const auto t = static_cast<double>(line.at);
  return line.offset - (spec.offset + spec.frequency * t + 0.5 * spec.drift * t * t * 1e-12);
}
double frequency_error(const PairSpec& spec, const ClockLine& line) {
  return line.frequency - spec.frequency - spec.drift * 1e-12 * static_cast<double>(line.at);
}

PairSpec noise(double seconds, double rate, std::uint64_t seed) {
  PairSpec spec;
  spec.seed = seed;
  spec.seconds = seconds;
  spec.pairs = 0;
  spec.background_alice = spec.background_bob = rate;
  return spec;
}

TEST(OffsetSearch, FindsPairsAnywhereInItsRange) {
  OffsetSearch search;
  for (std::uint64_t seed = 1; seed < 6; ++seed) {
    const PairSpec spec = anywhere(bright(1.5), seed);
    const auto s = test::draw_pairs(spec);
    const auto found = search(s.alice.ticks, s.bob.ticks);
    ASSERT_TRUE(found.line) << seed;
    EXPECT_LT(std::abs(offset_error(spec, *found.line)), found.offset_error);
    EXPECT_LT(std::abs(frequency_error(spec, *found.line)), found.frequency_error);
  }
}

TEST(OffsetSearch, FindsThemAtTheCornersOfItsRange) {
  OffsetSearch search;
  for (const double offset : {-0.9999e12, 0.9999e12})
    for (const double frequency : {-119.9e-6, 119.9e-6}) {
      PairSpec spec = bright(2);
      spec.offset = offset, spec.frequency = frequency;
      const auto s = test::draw_pairs(spec);
      EXPECT_TRUE(search(s.alice.ticks, s.bob.ticks).line) << offset << ' ' << frequency;
    }
}

TEST(OffsetSearch, ClaimsNothingInNoise) {
  OffsetSearch search;
  for (std::uint64_t seed = 1; seed < 5; ++seed) {
    const auto s = test::draw_pairs(noise(2, 20'000, seed));
    const auto found = search(s.alice.ticks, s.bob.ticks);
    EXPECT_FALSE(found.line);
    EXPECT_LT(found.sigma, kLeastSigma);
  }
}

TEST(OffsetSearch, ClaimsNothingInFewEvents) {
  OffsetSearch search;
  const std::vector<std::int64_t> none, one{5}, two{5, 1'000'000'000};
  EXPECT_FALSE(search(none, one).line);
  EXPECT_FALSE(search(one, one).line);
  EXPECT_FALSE(search(two, two).line);
}

TEST(OffsetSearch, ClaimsNothingWhereBothSidesBlinkTogether) {
  OffsetSearch search;
  auto s = test::draw_pairs(noise(2, 40'000, 3));
  const auto blink = [](std::vector<std::int64_t>& ticks) {  // a lamp at 100 Hz
    std::erase_if(ticks, [](std::int64_t t) { return t % 10'000'000'000 > 4'000'000'000; });
  };
  blink(s.alice.ticks), blink(s.bob.ticks);
  EXPECT_FALSE(search(s.alice.ticks, s.bob.ticks).line);
}

TEST(OffsetSearch, IsLessSureTheMoreOftenItHasTried) {
  OffsetSearch search;
  const auto s = test::draw_pairs(anywhere(bright(1.5), 2));
  const auto once = search(s.alice.ticks, s.bob.ticks, 1), often = search(s.alice.ticks, s.bob.ticks, 1000);
  EXPECT_NEAR(often.cells, 1000 * once.cells, 1);
  EXPECT_LT(often.sigma, once.sigma);
}

TEST(OffsetSearch, LooksAboutAnotherCentreWhenTold) {
  OffsetSearch search;
  auto s = test::draw_pairs(anywhere(bright(1.5), 3));
  for (auto& t : s.bob.ticks) t += 40'000'000'000'000;
  EXPECT_FALSE(search(s.alice.ticks, s.bob.ticks).line);
  const auto found = search(s.alice.ticks, s.bob.ticks, 1, {40'000'000'000'000});
  ASSERT_TRUE(found.line);
  EXPECT_LT(std::abs(offset_error(s.spec, *found.line) - 4e13), found.offset_error);
}

TEST(OffsetSearch, NearALineNeedsLittleData) {
  OffsetSearch search;
  PairSpec spec = bright(0.3);
  spec.frequency = 50e-6;
  const auto s = test::draw_pairs(spec);
  const auto found = search.near(s.alice.ticks, s.bob.ticks, {0, 900'000, 50.1e-6}, 2e6, 2e-7);
  ASSERT_TRUE(found.line);
  EXPECT_LT(std::abs(offset_error(spec, *found.line)), found.offset_error);
}

TEST(OffsetSearch, TakesTheRightPulseOfAPulsedSource) {
  OffsetSearch search;
  PairSpec spec = anywhere(bright(1.5), 4);
  spec.pulse_period = 12'500;
  const auto s = test::draw_pairs(spec);
  const auto found = search(s.alice.ticks, s.bob.ticks);
  ASSERT_TRUE(found.line);
  EXPECT_LT(std::abs(offset_error(spec, *found.line)), 6'000);
}

TEST(PatchSearch, CountsChanceAsTheRatesSay) {
  const auto s = test::draw_pairs(noise(2, 100'000, 7));
  PatchSearch search;
  Patch patch;
  patch.length = 1'000'000'000'000;
  patch.centre = {0, 0, 0};
  patch.offset_half = 1e7, patch.frequency_half = 1e-6, patch.cell = 5e4;
  const PatchPeak peak = search(s.alice.ticks, s.bob.ticks, patch);
  EXPECT_NEAR(peak.background, 1e5 * 1e5 * 5e-8, 10);
  EXPECT_NEAR(peak.overdispersion, 1 + 2e5 * 5e-8, 1e-3);
  // The largest of so many cells, corrected for them, is nothing special.
  EXPECT_GT(peak.log_p + std::log(peak.cells), std::log(1e-4));
}

/// Every tenth run is ten seconds long. What a false lock would need, p times the cells searched, does not depend on
/// the length, and the shorter runs cost a fifth.
TEST(LongOffsetSearch, NeverLocksOnNoise) {
  OffsetSearch search;
  double highest = 0;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    const auto s = test::draw_pairs(noise(seed % 10 == 0 ? 10 : 2.4, 100'000, seed));
    const auto result = search(s.alice.ticks, s.bob.ticks);
    ASSERT_FALSE(result.line) << seed;
    highest = std::max(highest, result.sigma);
  }
  RecordProperty("highest_sigma_times_1000", static_cast<int>(1000 * highest));
}

}  // namespace
}  // namespace nicol::detection::pairs
