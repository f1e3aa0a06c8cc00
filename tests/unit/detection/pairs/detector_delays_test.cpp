// SPDX-License-Identifier: Apache-2.0
// What Bob learns of his own detectors' delays, against what was drawn.
#include "controller/detection/pairs/detector_delays.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "controller/detection/pairs/block_matcher.hpp"
#include "tests/unit/detection/pairs/drawn.hpp"

namespace nicol::detection::pairs {
namespace {

constexpr std::array<double, 4> kDrawn{300, -100, -180, -20};  // sum 0

/// As Bob would have measured them, with his corrections taken off.
MeasuredClicks his_clicks(const test::PairStreams& s, const std::array<std::int64_t, 4>& corrections) {
  std::vector<std::pair<std::int64_t, unsigned>> clicks;
  for (std::size_t k = 0; k < s.bob.ticks.size(); ++k) {
    const auto d = static_cast<unsigned>(std::countr_zero(static_cast<unsigned>(s.bob.patterns[k])));
    clicks.emplace_back(s.bob.ticks[k] - corrections[d], d);
  }
  std::sort(clicks.begin(), clicks.end());
  MeasuredClicks m;
  m.corrections = corrections;
  secret::PublicBits bases, bits;
  for (const auto& [time, d] : clicks) {
    m.times.push_back(m.times.empty() ? time : std::max(time, m.times.back() + 1));
    bases.push_back((d & 1U) != 0);
    bits.push_back((d & 2U) != 0);
  }
  m.bases = secret::BitString::from_public(bases);
  m.bits = secret::BitString::from_public(bits);
  return m;
}

ClosedList her_list(const test::PairStreams& s) {
  ClosedList list;
  for (const std::int64_t t : s.alice.ticks) {
    const auto tick = static_cast<std::uint64_t>(t / 1000);
    if (list.times.empty() || list.times.back() < tick) list.times.push_back(tick);
  }
  return list;
}

/// A block after the other, through one matcher.
class Blocks {
 public:
  explicit Blocks(test::PairSpec spec) : spec_(spec) {}
  TrackReport next() {
    const auto s = test::draw_pairs(spec_);
    ++spec_.seed;
    return match_(her_list(s), his_clicks(s, match_.delays().corrections())).report;
  }
  const DetectorDelayTable& fitted() const { return match_.delays().fitted(); }

 private:
  test::PairSpec spec_;
  BlockMatcher match_{Picoseconds{1000}};
};

test::PairSpec skewed() {
  test::PairSpec spec = bright(1.5);
  spec.jitter = 150;
  spec.delay_bob = kDrawn;
  return spec;
}

TEST(DetectorDelays, AreThoseThatWereDrawnWithinTheirErrors) {
  Blocks blocks(skewed());
  for (int block = 0; block < 4; ++block) ASSERT_EQ(blocks.next().locks, 1U);
  for (std::size_t c = 0; c < 4; ++c) {
    const DetectorDelay& d = blocks.fitted()[c];
    EXPECT_NEAR(d.ps, kDrawn[c], 5 * d.error_ps) << c;
    EXPECT_GT(d.error_ps, 1) << c;
    EXPECT_LT(d.error_ps, 20) << c;
    EXPECT_GT(d.pairs, 4'000U) << c;
  }
}

TEST(DetectorDelays, TakenOffMakeThePeakNarrow) {
  Blocks blocks(skewed());
  const double before = blocks.next().jitter_sigma;
  blocks.next();
  EXPECT_LT(blocks.next().jitter_sigma, before - 20);
}

TEST(DetectorDelays, OfEqualDetectorsAreNothing) {
  test::PairSpec spec = skewed();
  spec.delay_bob = {};
  Blocks blocks(spec);
  for (int block = 0; block < 3; ++block) blocks.next();
  for (const DetectorDelay& d : blocks.fitted()) EXPECT_NEAR(d.ps, 0, 5 * d.error_ps);
}

/// Her list says nothing of her detectors; yet a singlet's twin went to the detector of the other bit, so that half of
/// what hers are late by looks like his.
TEST(DetectorDelays, TakeOffWhatHisOutcomesSayOfHers) {
  test::PairSpec spec = skewed();
  spec.delay_bob = {};
  spec.delay_alice = kDrawn;
  Blocks blocks(spec);
  for (int block = 0; block < 4; ++block) blocks.next();
  for (std::size_t c = 0; c < 4; ++c) {
    const double hers = kDrawn[c ^ 2U] / 2 + (kDrawn[c ^ 1U] + kDrawn[c ^ 3U]) / 4;
    EXPECT_NEAR(blocks.fitted()[c].ps, -hers, 5 * blocks.fitted()[c].error_ps + 5) << c;
  }
}

TEST(DetectorDelays, SumToNothingSinceTheMeanIsTheOffset) {
  Blocks blocks(skewed());
  blocks.next();
  double sum = 0;
  for (const DetectorDelay& d : blocks.fitted()) sum += d.ps;
  EXPECT_NEAR(sum, 0, 1e-6);
}

/// By hand: two detectors that saw anything.
MatchedPairs pairs_of(std::size_t n, std::int32_t residual) {
  MatchedPairs pairs;
  pairs.report.locks = 1;
  pairs.report.coincidences = n;
  for (std::size_t k = 0; k < n; ++k) {
    pairs.hers.push_back(k);
    pairs.his.push_back(static_cast<std::uint32_t>(k));
    pairs.residuals.push_back(k % 2 == 0 ? residual : -residual);
  }
  return pairs;
}
MeasuredClicks clicks_of(std::size_t n) {
  MeasuredClicks m;
  secret::PublicBits bases, bits;
  for (std::size_t k = 0; k < n; ++k) {
    m.times.push_back(static_cast<std::int64_t>(k) * 1000);
    bases.push_back(false);
    bits.push_back(k % 2 == 0);
  }
  m.bases = secret::BitString::from_public(bases);
  m.bits = secret::BitString::from_public(bits);
  return m;
}

TEST(DetectorDelays, AreNeverCorrectedByMoreThanANanosecond) {
  DetectorDelays delays;
  for (int block = 0; block < 20; ++block) {
    MeasuredClicks his = clicks_of(1000);
    his.corrections = delays.corrections();
    delays.learn(his, pairs_of(1000, 700));
  }
  EXPECT_EQ(delays.corrections()[2], 1000);
  EXPECT_EQ(delays.corrections()[0], -1000);
}

TEST(DetectorDelays, AreNotLearnedFromAHandfulOfPairs) {
  DetectorDelays delays;
  delays.learn(clicks_of(100), pairs_of(100, 500));
  for (const DetectorDelay& d : delays.fitted()) EXPECT_EQ(d.pairs, 0U);
  EXPECT_EQ(delays.corrections(), (std::array<std::int64_t, 4>{}));
}

TEST(DetectorDelays, OfADetectorThatSawNothingStayUnknown) {
  DetectorDelays delays;
  delays.learn(clicks_of(1000), pairs_of(1000, 100));
  EXPECT_EQ(delays.fitted()[1].pairs, 0U);
  EXPECT_EQ(delays.fitted()[0].pairs, 500U);
}

}  // namespace
}  // namespace nicol::detection::pairs
