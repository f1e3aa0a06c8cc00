// SPDX-License-Identifier: Apache-2.0
// What detectors add to light: each property by itself, against its closed form.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "sim/devices/detector_bank.hpp"
#include "sim/optics/arrival.hpp"
#include "tests/unit/sim/bench_link.hpp"

namespace nicol::sim {
namespace {

constexpr std::int64_t kMillisecond = 1'000'000'000, kSecond = 1'000 * kMillisecond;

DetectorModel quiet_detector() {
  DetectorModel d;
  d.dark_hz = d.afterpulse_probability = d.dead_time_ns = d.jitter_ps = 0;
  d.rate_limit_hz = 1e10;
  return d;
}

struct Table {
  DetectorBank bank;
  explicit Table(const DetectorModel& model, double stray_hz = 0) : bank({{model}, {stray_hz}, 5, NodeId::bob}) {
    LightHeader header;
    header.slot_period = kSecond;
    bank.begin_block(header);
    bank.set_live(1, DetectorBank::Stray::falls);
  }
  std::vector<std::int64_t> clicks() {
    std::vector<std::int64_t> times;
    for (const RawTag& tag : bank.tags())
      if (tag.channel == 0 && !tag.withheld) times.push_back(tag.time);
    return times;
  }
};

TEST(DarkCounts, ArePoissonAtTheirRate) {
  DetectorModel d = quiet_detector();
  d.dark_hz = 1000;
  Table table(d);
  table.bank.advance(100 * kSecond);
  EXPECT_NEAR(static_cast<double>(table.clicks().size()), 1e5, 4.5 * std::sqrt(1e5));
}

TEST(DarkCounts, WaitExponentially) {
  DetectorModel d = quiet_detector();
  d.dark_hz = 1000;
  Table table(d);
  table.bank.advance(100 * kSecond);
  const auto times = table.clicks();
  double long_gaps = 0;
  for (std::size_t i = 1; i < times.size(); ++i) long_gaps += times[i] - times[i - 1] > 2 * kMillisecond;
  EXPECT_LT(std::abs(test::sigmas(long_gaps, static_cast<double>(times.size() - 1), std::exp(-2.0))), 4.5);
}

TEST(StrayLight, FallsOnlyWhileTheShutterIsOpen) {
  Table table(quiet_detector(), 1000);
  table.bank.advance(10 * kSecond);
  const auto open = static_cast<double>(table.clicks().size());
  EXPECT_NEAR(open, 1e4, 4.5 * 100);
  table.bank.set_live(1, DetectorBank::Stray::blocked);
  table.bank.advance(20 * kSecond);
  EXPECT_EQ(static_cast<double>(table.clicks().size()), open);
}

TEST(DisabledDetector, GivesNothing) {
  DetectorModel d = quiet_detector();
  d.dark_hz = 1000;
  Table table(d);
  table.bank.set_live(0, DetectorBank::Stray::falls);
  for (std::int64_t t = 0; t < kSecond; t += kMillisecond) table.bank.arrive(0, t);
  EXPECT_TRUE(table.clicks().empty());
}

TEST(DeadTime, SwallowsWhatComesTooSoonAndIsNotExtendedByIt) {
  DetectorModel d = quiet_detector();
  d.dead_time_ns = 45;
  Table table(d);
  for (std::int64_t i = 0; i < 1000; ++i) table.bank.arrive(0, i * 10'000);
  const auto times = table.clicks();
  ASSERT_EQ(times.size(), 200u);
  for (std::size_t i = 0; i < times.size(); ++i) EXPECT_EQ(times[i], static_cast<std::int64_t>(i) * 50'000);
}

TEST(DeadTime, LowersAPoissonRateAsANonParalysableDetectorDoes) {
  DetectorModel d = quiet_detector();
  d.dark_hz = 1e6;
  d.dead_time_ns = 500;
  Table table(d);
  table.bank.advance(kSecond);
  const double expected = 1e6 / 1.5;  // r / (1 + r tau); variance of the count r / (1 + r tau)^3
  EXPECT_NEAR(static_cast<double>(table.clicks().size()), expected, 4.5 * std::sqrt(1e6 / std::pow(1.5, 3)));
}

TEST(Afterpulses, FollowWithTheirProbabilityAndMayFollowEachOther) {
  DetectorModel d = quiet_detector();
  d.afterpulse_probability = 0.1;
  d.dead_time_ns = 50;
  constexpr double kPhotons = 100'000;
  Table table(d);
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(kPhotons); ++i) table.bank.arrive(0, i * kMillisecond);
  table.bank.advance(static_cast<std::int64_t>(kPhotons) * kMillisecond);
  // Each photon starts a geometric chain of mean 1/(1-p) and variance p/(1-p)^2.
  EXPECT_NEAR(static_cast<double>(table.clicks().size()), kPhotons / 0.9, 4.5 * std::sqrt(kPhotons * 0.1) / 0.9);
}

TEST(Afterpulses, DecayFromTheEndOfTheDeadTime) {
  DetectorModel d = quiet_detector();
  d.afterpulse_probability = 0.2;
  d.afterpulse_decay_ns = 80;
  d.dead_time_ns = 50;
  Table table(d);
  for (std::int64_t i = 0; i < 50'000; ++i) table.bank.arrive(0, i * kMillisecond);
  double first = 0, late = 0;
  for (const std::int64_t t : table.clicks()) {
    const std::int64_t after = t % kMillisecond;
    if (after == 0) continue;
    EXPECT_GE(after, 50'000);
    if (after > 50'000 + 5 * 80'000) continue;  // mostly the first of a chain
    ++first;
    late += after > 50'000 + 80'000;
  }
  // Chains of two add a few per cent to the late ones.
  EXPECT_NEAR(late / first, std::exp(-1.0), 0.12);
}

TEST(Jitter, HasItsWidthAndItsTail) {
  DetectorModel d = quiet_detector();
  d.jitter_ps = 100;
  d.jitter_tail_ps = 400;
  d.jitter_tail_fraction = 0.2;
  constexpr std::int64_t kPhotons = 200'000;
  Table table(d);
  for (std::int64_t i = 1; i <= kPhotons; ++i) table.bank.arrive(0, i * kMillisecond);
  std::vector<double> late;
  for (const std::int64_t t : table.clicks())
    late.push_back(static_cast<double>((t + kMillisecond / 2) % kMillisecond - kMillisecond / 2));
  ASSERT_EQ(late.size(), static_cast<std::size_t>(kPhotons));
  for (double low : {-400.0, -200.0, -50.0, 50.0, 200.0, 400.0, 800.0, 1600.0}) {
    const double high = low + 150;
    const auto n = std::count_if(late.begin(), late.end(), [&](double x) { return x > low + 0.5 && x <= high + 0.5; });
    const double p = arrival_probability({100, 400, 0.2}, low + 0.5, high + 0.5);
    EXPECT_LT(std::abs(test::sigmas(static_cast<double>(n), kPhotons, p)), 4.5) << low;
  }
}

TEST(Tags, ComeInOrderHoweverLargeTheJitter) {
  DetectorModel d = quiet_detector();
  d.jitter_ps = 50'000;
  Table table(d);
  for (std::int64_t i = 1; i < 20'000; ++i) table.bank.arrive(0, i * 10'000);
  const auto& tags = table.bank.tags();
  EXPECT_TRUE(
      std::is_sorted(tags.begin(), tags.end(), [](const RawTag& a, const RawTag& b) { return a.time < b.time; }));
}

TEST(Tags, NeverComeBeforeWhatWasCalledComplete) {
  DetectorModel d = quiet_detector();
  d.jitter_ps = 5'000;
  Table table(d);
  std::int64_t complete = 0;
  for (std::int64_t i = 1; i < 20'000; ++i) {
    table.bank.tags().clear();
    table.bank.arrive(0, i * 10'000);
    for (const RawTag& tag : table.bank.tags()) ASSERT_GE(tag.time, complete);
    complete = table.bank.complete_until(i * 10'000);
  }
}

TEST(RateLimit, WithholdsTheRestOfItsMillisecondAndSaysSo) {
  DetectorModel d = quiet_detector();
  d.rate_limit_hz = 100'000;  // a hundred a window
  Table table(d);
  for (std::int64_t i = 0; i < 1000; ++i) table.bank.arrive(0, kMillisecond + i * 2'000'000);
  EXPECT_EQ(table.clicks().size(), 200u);
  const auto& tags = table.bank.tags();
  const auto withheld = std::find_if(tags.begin(), tags.end(), [](const RawTag& t) { return t.withheld; });
  ASSERT_NE(withheld, tags.end());
  EXPECT_EQ(withheld->time, kMillisecond + 100 * 2'000'000);
  EXPECT_GE(withheld->until, 2 * kMillisecond);
}

TEST(SyncPulses, ComeOncePerDividerWithOneFrame) {
  DetectorBank bank({{quiet_detector()}, {}, 5, NodeId::bob});
  LightHeader header;
  header.slot_zero = kMillisecond;
  header.slot_period = 10'000;
  header.sync_divider = 100;
  bank.begin_block(header);
  bank.expect_slots(1050);
  bank.advance(kMillisecond + 1050 * 10'000);
  std::vector<std::int64_t> sync, frame;
  for (const RawTag& tag : bank.tags()) (tag.channel == bank.sync_channel() ? sync : frame).push_back(tag.time);
  ASSERT_EQ(sync.size(), 11u);
  EXPECT_EQ(frame.size(), 1u);
  for (std::size_t i = 0; i < sync.size(); ++i)
    EXPECT_NEAR(static_cast<double>(sync[i] - kMillisecond), static_cast<double>(i) * 1e6, 200);
}

}  // namespace
}  // namespace nicol::sim
