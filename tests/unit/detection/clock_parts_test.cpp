// SPDX-License-Identifier: Apache-2.0
// The parts of clock recovery by themselves: transform, period, pattern, slot search, check, filter.
#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <memory>
#include <numbers>

#include "controller/detection/clock/fft.hpp"
#include "controller/detection/clock/near_search.hpp"
#include "controller/detection/clock/period_search.hpp"
#include "controller/detection/clock/phase_filter.hpp"
#include "controller/detection/clock/public_check.hpp"
#include "controller/detection/clock/slot_search.hpp"
#include "tests/unit/detection/clock_run.hpp"
#include "tests/unit/detection/hand_made.hpp"

namespace nicol::detection::test {
namespace {

CounterStream coins(std::uint64_t seed) { return CounterStream({seed, NodeId::world, Purpose::test, 99}); }

TEST(Fourier, AgreesWithTheSumItStandsFor) {
  auto random = coins(1);
  std::vector<std::complex<float>> x(64);
  for (auto& v : x) v = {static_cast<float>(random.uniform()), static_cast<float>(random.uniform())};
  auto fast = x;
  fourier(fast);
  for (std::size_t k = 0; k < x.size(); ++k) {
    std::complex<double> sum;
    for (std::size_t j = 0; j < x.size(); ++j)
      sum += std::complex<double>(x[j]) * std::polar(1.0, -2 * std::numbers::pi * static_cast<double>(j * k % 64) / 64);
    EXPECT_LT(std::abs(sum - std::complex<double>(fast[k])), 1e-4);
  }
}

/// n times on a train of pulses, `dark` of them anywhere.
std::vector<std::int64_t> times_on(double period, double phase, std::size_t n, double dark, double jitter,
                                   std::uint64_t seed) {
  auto random = coins(seed);
  std::vector<std::int64_t> t;
  for (std::size_t i = 0; i < n; ++i) {
    const double at = random.uniform() * 1e12, noise = jitter * std::sqrt(-2 * std::log(random.uniform_positive())) *
                                                       std::cos(2 * std::numbers::pi * random.uniform());
    const double pulse = phase + std::floor(at / period) * period + noise;
    t.push_back(static_cast<std::int64_t>(random.uniform() < dark ? at : pulse));
  }
  std::sort(t.begin(), t.end());
  return t;
}

TEST(PeriodSearch, FindsPeriodAndPhaseWithinTheErrorsItStates) {
  double frequency = 0, phase = 0;
  constexpr int kRuns = 20;
  for (std::uint64_t seed = 1; seed <= kRuns; ++seed) {
    const double period = 10'000 * (1 + (static_cast<double>(seed) - 10.5) * 9e-6);
    const auto found = PeriodSearch()(times_on(period, 1'234, 2'000, 0.3, 500, seed), {10'000, 0, 100e-6, 0});
    ASSERT_TRUE(found) << seed;
    const double true_offset = period / 10'000 - 1;
    const double slots = (static_cast<double>(found->epoch) + found->phase - 1'234) / period;
    frequency += std::pow((found->offset - true_offset) / found->offset_sigma, 2);
    phase += std::pow((slots - std::nearbyint(slots)) * period / found->phase_sigma, 2);
  }
  // Sums of 20 squares of normal deviates: 99.9 % lie within 6..46.
  EXPECT_GT(frequency, 6);
  EXPECT_LT(frequency, 46);
  EXPECT_GT(phase, 6);
  EXPECT_LT(phase, 46);
}

TEST(PeriodSearch, FindsAJitterOfAQuarterPeriodInTwiceAsManyDarkCounts) {
  EXPECT_TRUE(PeriodSearch()(times_on(10'000.5, 0, 9'000, 0.67, 2'500, 3), {10'000, 0, 100e-6, 0}));
}

TEST(PeriodSearch, FindsNothingInNoise) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed)
    EXPECT_FALSE(PeriodSearch()(times_on(10'000, 0, 1'000, 1, 0, seed), {10'000, 0, 100e-6, 0})) << seed;
}

TEST(PublicPattern, RefusesWhatItsCodesCannotTellApart) {
  PatternLayout p;
  p.slots = 1'000;
  EXPECT_FALSE(PublicPattern::make(p).ok()) << "no preamble";
  p.preamble = 10;
  EXPECT_TRUE(PublicPattern::make(p).ok());
  p.spacing = 1;
  EXPECT_FALSE(PublicPattern::make(p).ok());
  p.spacing = 32;
  p.slots = static_cast<std::uint64_t>(PublicPattern::kRange);
  EXPECT_FALSE(PublicPattern::make(p).ok());
}

TEST(PublicPattern, WritesExactlyThePublicSlotsOverAlicesSettings) {
  PatternLayout layout;
  layout.seed = 5;
  layout.slots = 2'000;
  layout.preamble = 100;
  layout.repeat = 700;
  layout.tail = 50;
  auto pattern = PublicPattern::make(layout).value();
  pattern.resume_at(1'111);
  constexpr std::size_t kFirst = 37, kCount = 1'963;
  std::vector<std::uint64_t> bases(31, ~std::uint64_t{0}), bits(31, 0x5555555555555555);
  pattern.write(kFirst, kCount, bases, bits);
  std::size_t seen = 0;
  for (std::size_t i = 0; i < kCount; ++i) {
    const auto sent = pattern.bit(kFirst + i);
    seen += sent ? 1U : 0U;
    EXPECT_EQ((bases[i / 64] >> (i % 64)) & 1U, sent ? 0U : 1U) << i;
    EXPECT_EQ((bits[i / 64] >> (i % 64)) & 1U, sent ? (*sent ? 1U : 0U) : (i + 1) % 2) << i;
  }
  EXPECT_EQ(seen + 37, pattern.public_slots());
}

TEST(PublicPattern, CostsWhatItSays) {
  EXPECT_EQ(pattern_of(1'000'000, 10'000, 5'000).public_slots(), 10'000U + 5'000U + 30'781U);
}

TEST(PublicPattern, IsTheSameForBothAndAnotherForAnotherSeed) {
  PatternLayout layout;
  layout.slots = layout.preamble = 10'000;
  const auto a = PublicPattern::make(layout).value(), b = PublicPattern::make(layout).value();
  layout.seed = 1;
  const auto c = PublicPattern::make(layout).value();
  int differ = 0;
  for (std::uint64_t k = 0; k < 10'000; ++k) {
    EXPECT_EQ(*a.bit(k), *b.bit(k));
    differ += *a.bit(k) != *c.bit(k) ? 1 : 0;
  }
  EXPECT_NEAR(differ, 5'000, 250);
}

/// Clicks of random slots of a pattern, `wrong` of them with a random bit.
struct Sample {
  std::vector<std::int64_t> local;
  std::vector<std::int8_t> values;
  LocalClicks clicks() const { return {local, values}; }
};
Sample sample(const PublicPattern& pattern, std::uint64_t first, std::uint64_t span, std::size_t n, double random_part,
              std::int64_t shift, std::uint64_t seed) {
  auto random = coins(seed);
  std::vector<std::uint64_t> slots;
  for (std::size_t i = 0; i < n; ++i) slots.push_back(first + random.below(span));
  std::sort(slots.begin(), slots.end());
  Sample s;
  for (const std::uint64_t slot : slots) {
    const bool coin = (random() & 1U) != 0;
    const bool bit = random.uniform() < random_part ? coin : pattern.bit(slot).value_or(coin);
    s.local.push_back(static_cast<std::int64_t>(slot) - shift);
    s.values.push_back(bit ? 1 : -1);
  }
  return s;
}

struct Rows {
  std::unique_ptr<ClockScratch> scratch = std::make_unique<ClockScratch>();
  SearchRows rows() { return {scratch->correlation, scratch->second}; }
};

TEST(SlotSearch, FindsThePreambleAmongTwentyThousandMillionOffsets) {
  const auto pattern = pattern_of(1'000'000'000, 100'000'000);
  Rows rows;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const std::int64_t shift = static_cast<std::int64_t>(seed * 1'234'567'891) - 12'000'000'000;
    const auto found =
        find_in_preamble(pattern, sample(pattern, 5'000, 90'000'000, 400, 0.1, shift, seed).clicks(), rows.rows());
    ASSERT_TRUE(found) << seed;
    EXPECT_EQ(found->shift, shift);
    EXPECT_NEAR(found->contrast, 0.9, 0.15);
  }
}

TEST(SlotSearch, FindsTheCombNearWhereItIsExpected) {
  const auto pattern = pattern_of(1'000'000'000, 1'000'000);
  Rows rows;
  for (const std::int64_t off : {-131'000, -31, 0, 1, 100'000}) {
    const auto s = sample(pattern, 200'000'000, 100'000'000, 8'000, 0.1, -77, 4);
    const auto found = find_in_comb(pattern, s.clicks(), -77 + off, rows.rows());
    ASSERT_TRUE(found) << off;
    EXPECT_EQ(found->shift, -77);
  }
}

TEST(SlotSearch, FindsNothingInClicksThatKnowNothing) {
  const auto pattern = pattern_of(1'000'000'000, 100'000'000);
  Rows rows;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto s = sample(pattern, 0, 90'000'000, 3'000, 1, 0, seed);
    EXPECT_FALSE(find_in_preamble(pattern, s.clicks(), rows.rows()));
    EXPECT_FALSE(find_in_comb(pattern, s.clicks(), 0, rows.rows()));
  }
}

TEST(SlotSearch, IsNotFooledByADetectorThatAlwaysFires) {
  const auto pattern = pattern_of(1'000'000'000, 100'000'000);
  Rows rows;
  Sample s = sample(pattern, 0, 90'000'000, 16'000, 1, 0, 3);
  for (std::int8_t& v : s.values) v = 1;
  EXPECT_FALSE(find_in_preamble(pattern, s.clicks(), rows.rows()));
  EXPECT_FALSE(find_in_comb(pattern, s.clicks(), 0, rows.rows()));
}

TEST(SlotSearch, IsNotFooledByInvertedBits) {
  const auto pattern = pattern_of(1'000'000'000, 100'000'000);
  Rows rows;
  Sample s = sample(pattern, 0, 90'000'000, 2'000, 0, 0, 3);
  for (std::int8_t& v : s.values) v = static_cast<std::int8_t>(-v);
  EXPECT_FALSE(find_in_preamble(pattern, s.clicks(), rows.rows()));
}

/// Decisions of a run of windows on clicks that agree with this probability.
struct Decisions {
  int passed = 0, failed = 0;
};
Decisions decide(double agree, std::size_t clicks, std::uint64_t seed) {
  auto random = coins(seed);
  PublicCheck check(0.9);
  Decisions d;
  for (std::size_t i = 0; i < clicks; ++i) {
    const auto verdict = check.take(random.uniform() < agree);
    if (verdict == PublicCheck::Verdict::passed) ++d.passed, check.next();
    if (verdict == PublicCheck::Verdict::failed) ++d.failed, check = PublicCheck(0.9);
  }
  return d;
}

TEST(PublicCheck, PassesEveryFewDozenAgreeingClicks) {
  const Decisions d = decide(0.97, 10'000, 1);
  EXPECT_GT(d.passed, 150);
  EXPECT_EQ(d.failed, 0);
}

TEST(PublicCheck, NeverPassesCoinsInAMillion) {
  const Decisions d = decide(0.5, 1'000'000, 2);
  EXPECT_EQ(d.passed, 0);
  EXPECT_GT(d.failed, 10'000);
}

TEST(PublicCheck, GetsUsedToMoreErrors) {
  const Decisions d = decide(0.8, 20'000, 3);
  EXPECT_GT(d.passed, 50);
}

TEST(PublicCheck, StatesTheContrastItSaw) {
  auto random = coins(4);
  PublicCheck check(0.5);
  for (int i = 0; i < 20'000; ++i)
    if (check.take(random.uniform() < 0.9) == PublicCheck::Verdict::passed) check.next();
  EXPECT_NEAR(check.contrast(), 0.8, 5 * check.contrast_sigma());
}

TEST(PhaseFilter, LearnsAFrequencyAndADriftWithinTheErrorsItStates) {
  double squares[2] = {};
  constexpr int kRuns = 20;
  for (std::uint64_t seed = 1; seed <= kRuns; ++seed) {
    auto random = coins(seed);
    const auto normal = [&] {
      return std::sqrt(-2 * std::log(random.uniform_positive())) * std::cos(2 * std::numbers::pi * random.uniform());
    };
    const ClockNoise noise;
    PhaseFilter filter(noise);
    filter.start(1e-10, 0, 1e-9, 0);
    double line = 0, phase = 0, frequency = 1e-9 * normal(), drift = noise.drift * normal();
    for (int i = 0; i < 500; ++i) {
      constexpr double dt = 0.02;
      phase += frequency * dt + drift * dt * dt / 2;
      frequency += drift * dt + noise.frequency_walk * std::sqrt(dt) * normal();
      line += filter.frequency() * dt;
      line += filter.predict(dt);
      line += filter.update(phase + 1e-10 * normal() - line, 1e-10);
    }
    squares[0] += std::pow((filter.frequency() - frequency) / filter.frequency_sigma(), 2);
    squares[1] += std::pow((phase - line) / filter.phase_sigma(), 2);
  }
  for (const double sum : squares) {
    EXPECT_GT(sum, 5);
    EXPECT_LT(sum, 50);
  }
}

/// 1500 photons in 0.6 s and as many dark counts, five seconds after a line was left alone that is `late` by then.
struct AfterDarkness {
  explicit AfterDarkness(std::uint64_t seed, double late_ps, double qber) {
    auto random = coins(seed);
    std::vector<std::pair<std::int64_t, std::uint8_t>> clicks;
    for (int i = 0; i < 3000; ++i) {
      const auto slot = 500'000'000 + random.below(60'000'000);
      const bool dark = i % 2 != 0, matching = (random() & 1) != 0;
      const bool bit = pattern.bit(slot).value_or((random() & 1) != 0) != (random.uniform() < qber);
      const auto at = static_cast<std::int64_t>(dark ? 5e12 + 0.6e12 * random.uniform()
                                                     : static_cast<double>(slot) * 10'000 + late_ps +
                                                           1'000 * (random.uniform() - 0.5));
      const bool said = dark ? (random() & 1) != 0 : bit;
      clicks.emplace_back(at, static_cast<std::uint8_t>(matching ? (said ? 1 : 0) : 2));
    }
    std::sort(clicks.begin(), clicks.end());
    for (const auto& [at, detector] : clicks) times.push_back(at), who.push_back(detector);
    line.start({0, 0}, 0, 1e-10, 0, 4e-10, 0);
  }
  std::optional<NearLock> find() {
    const std::array<std::int8_t, 3> value_of{-1, 1, 0};
    return find_near(pattern, line, {times, who, value_of, 4'000}, {local, values});
  }
  PublicPattern pattern = pattern_of(1'000'000'000, 1'000'000, 0, 8);
  TrackedLine line{10'000, 1e-12, ClockNoise{}};
  std::vector<std::int64_t> times, local = std::vector<std::int64_t>(3'000);
  std::vector<std::uint8_t> who;
  std::vector<std::int8_t> values = std::vector<std::int8_t>(3'000);
};

TEST(NearSearch, TakesTheSlotThatPublicClicksTellOfThoseThatDriftAllows) {
  int found = 0;
  for (const double late : {-23'000.0, -9'000.0, 400.0, 13'500.0, 21'000.0}) {
    AfterDarkness after(static_cast<std::uint64_t>(late + 30'000), late, 0.03);
    const auto near = after.find();
    if (!near) continue;
    ++found;
    const double slots = near->line.slots_to(static_cast<std::int64_t>(5.3e12 + late));
    EXPECT_NEAR(static_cast<double>(near->line.slot()) + slots, 530'000'000, 0.05) << late;
    EXPECT_LT(near->log_false, std::log(kFalseNearLock));
  }
  EXPECT_EQ(found, 5);
}

TEST(NearSearch, TakesNothingWherePublicClicksSayNothing) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) EXPECT_FALSE(AfterDarkness(seed, 5'000, 0.5).find()) << seed;
}

TEST(NearSearch, TakesNothingFurtherOffThanFiveSigma) { EXPECT_FALSE(AfterDarkness(3, 90'000, 0.03).find()); }

TEST(NearSearch, TakesNothingInDarkness) {
  AfterDarkness after(4, 0, 0.03);
  auto random = coins(5);
  for (auto& t : after.times) t = static_cast<std::int64_t>(5e12 + 0.6e12 * random.uniform());
  std::sort(after.times.begin(), after.times.end());
  EXPECT_FALSE(after.find());
}

}  // namespace
}  // namespace nicol::detection::test
