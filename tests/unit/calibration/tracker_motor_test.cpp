// SPDX-License-Identifier: Apache-2.0
// Plates that do not go where they are sent.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/calibration/tracked_link.hpp"

namespace nicol::calibration {
namespace {

enum class Report { where_it_is, where_it_was_sent };

struct Stuck {
  double while_stuck = 0, after = 0;  // mean excess QBER
  double farthest = 0;                // rad that any plate was sent in one go
  bool noticed = false;
};

/// The half-wave plate does not turn for half an hour; then it does again, and from two minutes later on `after`
/// counts.
Stuck stick(Report report, std::uint64_t seed) {
  const test::LinkOptions options;
  test::TrackedLink link(options, seed);
  auto [tracker, plates] = test::calibrated(link, test::tracker_options(options));
  Stuck s;
  constexpr int kFrom = 20, kTo = kFrom + 120, kCount = kTo + 8 + 40;
  PlateAngles sent = plates;
  for (int i = 0; i < kCount; ++i) {
    const test::DrawnBlock drawn = link.block(plates);
    const double excess = drawn.qber - (1 - options.visibility) / 2;
    if (i >= kFrom && i < kTo) s.while_stuck += excess / (kTo - kFrom);
    if (i >= kTo + 8) s.after += excess / (kCount - kTo - 8);
    const PlateAngles reported = report == Report::where_it_is ? plates : sent;
    const NextSetting next = tracker.next(test::verified(drawn, reported, options));
    for (std::size_t k = 0; k < 3; ++k)
      s.farthest = std::max(s.farthest, std::abs((next.plates[k] - reported[k]).radians()));
    s.noticed = s.noticed || next.not_following;
    sent = next.plates;
    plates = {sent[0], i >= kFrom && i < kTo ? plates[1] : sent[1], sent[2]};
  }
  return s;
}

void expect_bounded(Report report, const char* what) {
  for (const std::uint64_t seed : {400U, 401U}) {
    const Stuck s = stick(report, seed);
    fmt::print(
        "stuck plate that reports {}: excess QBER {:.1f} % while stuck, {:.2f} % after; sent {:.0f} deg at most\n",
        what, 100 * s.while_stuck, 100 * s.after, Angle::radians(s.farthest).degrees());
    EXPECT_LE(s.farthest, std::numbers::pi / 2 + 1e-6);
    EXPECT_LE(s.after, 0.015);
    EXPECT_EQ(s.noticed, report == Report::where_it_is);
  }
}

TEST(PolarisationTracker, FindsBackAfterAPlateStuckAndSaidSo) { expect_bounded(Report::where_it_is, "where it is"); }
TEST(PolarisationTracker, FindsBackAfterAPlateStuckAndSaidNothing) {
  expect_bounded(Report::where_it_was_sent, "where it was sent");
}

}  // namespace
}  // namespace nicol::calibration
