// SPDX-License-Identifier: Apache-2.0
// A drifting fibre, tracked and not: what the QBER has in excess of what the optics make.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/unit/calibration/tracked_link.hpp"

namespace nicol::calibration {
namespace {

enum class Tracking { off, on };

struct Drifted {
  double mean = 0, worst_five_minutes = 0, dither = 0;
  std::size_t alarms = 0, blocks = 0;
};

double worst_mean(const std::vector<double>& excess, std::size_t window) {
  double sum = 0, worst = 0;
  for (std::size_t i = 0; i < excess.size(); ++i) {
    sum += excess[i] - (i >= window ? excess[i - window] : 0);
    if (i + 1 >= window) worst = std::max(worst, sum / static_cast<double>(window));
  }
  return worst;
}

Drifted drift_for(double hours, std::uint64_t seed, Tracking tracking) {
  const test::LinkOptions options;
  test::TrackedLink link(options, seed);
  auto [tracker, plates] = test::calibrated(link, test::tracker_options(options));
  Drifted d;
  d.blocks = static_cast<std::size_t>(hours * 3600 / options.seconds);
  std::vector<double> excess;
  for (std::size_t i = 0; i < d.blocks; ++i) {
    const test::DrawnBlock drawn = link.block(plates);
    excess.push_back(drawn.qber - (1 - options.visibility) / 2);
    d.mean += excess.back() / static_cast<double>(d.blocks);
    if (tracking == Tracking::off) continue;
    const NextSetting next = tracker.next(test::verified(drawn, plates, options));
    plates = next.plates;
    d.dither += next.dither_qber / static_cast<double>(d.blocks);
    d.alarms += next.excess_alarm ? 1 : 0;
  }
  d.worst_five_minutes = worst_mean(excess, static_cast<std::size_t>(300 / options.seconds));
  return d;
}

void print(const char* what, double hours, const Drifted& d) {
  fmt::print(
      "{}, {} h: excess QBER mean {:.3f} %, worst 5 minutes {:.2f} %, of it dither {:.3f} %; {} false alarms in {} "
      "blocks\n",
      what, hours, 100 * d.mean, 100 * d.worst_five_minutes, 100 * d.dither, d.alarms, d.blocks);
}

void expect_tracked(double hours, std::uint64_t seed) {
  const Drifted on = drift_for(hours, seed, Tracking::on), off = drift_for(hours, seed, Tracking::off);
  print("tracking on ", hours, on);
  print("tracking off", hours, off);
  EXPECT_LE(on.mean, 0.01);
  EXPECT_LE(on.worst_five_minutes, 0.025);
  EXPECT_GT(off.mean, 0.1);
  EXPECT_EQ(on.alarms, 0U);
}

TEST(PolarisationTracker, KeepsADriftingFibreCompensated) { expect_tracked(1.5, 1); }

TEST(PolarisationTracker, LongKeepsAFibreCompensatedForADay) { expect_tracked(24, 2); }

struct Repair {
  double seconds = 0;  // of data from the jump to the first of two blocks in a row with less than 3 % in excess
  double later = 0;    // mean excess QBER from two to four minutes after it
};

Repair repair_after_jump(std::uint64_t seed) {
  const test::LinkOptions options;
  const auto minutes = [&](double m) { return static_cast<std::size_t>(60 * m / options.seconds); };
  test::TrackedLink link(options, seed);
  auto [tracker, plates] = test::calibrated(link, test::tracker_options(options));
  constexpr std::size_t kBefore = 30;
  std::vector<double> excess;
  for (std::size_t i = 0; i < kBefore + minutes(4); ++i) {
    if (i == kBefore) link.jump();
    const test::DrawnBlock drawn = link.block(plates);
    if (i >= kBefore) excess.push_back(drawn.qber - (1 - options.visibility) / 2);
    plates = tracker.next(test::verified(drawn, plates, options)).plates;
  }
  Repair r;
  for (std::size_t i = minutes(2); i < excess.size(); ++i) r.later += excess[i] / static_cast<double>(minutes(2));
  std::size_t bad = 0;
  while (bad + 1 < excess.size() && std::max(excess[bad], excess[bad + 1]) > 0.03) ++bad;
  r.seconds = static_cast<double>(bad) * options.seconds;
  return r;
}

void expect_repaired(std::uint64_t first_seed, std::uint64_t seeds) {
  double slowest = 0, worst = 0;
  for (std::uint64_t seed = first_seed; seed < first_seed + seeds; ++seed) {
    const Repair r = repair_after_jump(seed);
    EXPECT_LE(r.seconds, 120) << "seed " << seed;
    EXPECT_LE(r.later, 0.025) << "seed " << seed;
    slowest = std::max(slowest, r.seconds), worst = std::max(worst, r.later);
  }
  fmt::print(
      "{} jumps to anywhere: the slowest repaired after {:.0f} s of data, excess QBER in the two minutes after {:.2f} "
      "% at worst\n",
      seeds, slowest, 100 * worst);
}

TEST(PolarisationTracker, RepairsAJumpWithinTwoMinutesOfData) { expect_repaired(245, 6); }

TEST(PolarisationTracker, LongRepairsSixtyJumpsWithinTwoMinutesOfData) { expect_repaired(200, 60); }

}  // namespace
}  // namespace nicol::calibration
