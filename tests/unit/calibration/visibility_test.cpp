// SPDX-License-Identifier: Apache-2.0
// Curves of a turning analyser: of drawn counts, and of a simulated link once it is aligned.
#include "controller/calibration/visibility.hpp"

#include <gtest/gtest.h>

#include <numbers>

#include "controller/calibration/analyser_curve.hpp"
#include "controller/calibration/polarisation.hpp"
#include "controller/calibration/waveplates.hpp"
#include "tests/unit/calibration/coverage.hpp"
#include "tests/unit/calibration/drawn_counts.hpp"
#include "tests/unit/calibration/drawn_rig.hpp"
#include "tests/unit/calibration/found.hpp"

namespace nicol::calibration {
namespace {

/// Thirteen angles of a turn.
std::vector<CurvePoint> curve(double visibility, double phase, double each, CounterStream& random) {
  std::vector<CurvePoint> all;
  for (int k = 0; k < 13; ++k) {
    const double at = 2 * std::numbers::pi * k / 13, exposure = 0.5 + random.uniform();
    const double mean = each * exposure * (1 + visibility * std::cos(at - phase));
    all.push_back({at, static_cast<double>(test::draw_poisson(mean, random)), exposure});
  }
  return all;
}

std::array<test::Coverage, 2> coverage(int fits) {
  std::array<test::Coverage, 2> all;
  CounterStream random({35, NodeId::bob, Purpose::test, 0});
  for (int i = 0; i < fits; ++i) {
    const double v = 0.9 + 0.08 * random.uniform(), phase = 6 * random.uniform() - 3;
    const auto fit = fit_analyser(curve(v, phase, 1'500, random));
    if (!fit) continue;
    all[0].add(fit->visibility.value - v, fit->visibility.error);
    all[1].add(std::remainder(fit->phase.value - phase, 2 * std::numbers::pi), fit->phase.error);
  }
  return all;
}

TEST(AnalyserCurve, CoversTheTruthWithItsErrorBars) {
  for (const test::Coverage& number : coverage(150)) test::expect_covers(number, 150);
}

TEST(LongAnalyserCurve, CoversTheTruthInNineteenOfTwentyFits) {
  const auto all = coverage(1'000);
  test::expect_honest("visibility", all[0]);
  test::expect_honest("phase", all[1]);
}

TEST(AnalyserCurve, SaysNothingOfDarknessOrOfAFewAngles) {
  CounterStream random({35, NodeId::bob, Purpose::test, 1});
  const auto all = curve(0.9, 0, 1'000, random);
  EXPECT_FALSE(fit_analyser(std::span(all).first(4)));
  EXPECT_FALSE(fit_analyser(std::vector<CurvePoint>(13)));
  EXPECT_FALSE(fit_analyser(std::vector<CurvePoint>(13, CurvePoint{0.3, 100, 1}))) << "one angle only";
}

class Visibility : public testing::Test {
 protected:
  Report align(const Routine& routine) {
    Report report = see(routine);
    EXPECT_EQ(report.status, Status::passed) << report.reason;
    EXPECT_TRUE(calibration::apply(report.result, rig_.bob()).ok());
    return report;
  }
  Report see(const Routine& routine, const Report* last = nullptr) { return test::run(routine, rig_, last); }
  test::DrawnRig rig_{{45, 0.2, 0.01, {}}};
};

TEST_F(Visibility, IsWhatLeaksAndDarkCountsLeaveInBothBases) {
  align(waveplates());
  const Report aligned = align(polarisation());
  const Report report = see(visibility(), &aligned);
  ASSERT_EQ(report.status, Status::passed) << report.reason;
  EXPECT_TRUE(report.warnings.empty()) << report.warnings.front();
  for (const char* basis : {"visibility.rectilinear", "visibility.diagonal"}) {
    const Fitted seen = test::found(report, basis);
    // Leaks of 23 and 20 dB and dark counts: 0.985 and 0.99 in the two ports, half a per cent less by dark counts.
    EXPECT_NEAR(seen.value, 0.983, 0.006) << basis;
    EXPECT_LT(seen.error, 0.0015);
    EXPECT_LT(test::found(report, std::string(basis) + ".lower").value, seen.value);
    EXPECT_NEAR(test::found(report, std::string(basis) + ".less_contrast").value, 0, 0.01);
  }
  const auto before = RigState::of(rig_.bob()).described();
  EXPECT_EQ(before.size(), report.after.size() - RigState::of(rig_.alice()).described().size());
}

TEST_F(Visibility, WarnsWhereNothingIsAligned) {
  const Report report = see(visibility());
  ASSERT_EQ(report.status, Status::passed) << report.reason;
  ASSERT_FALSE(report.warnings.empty());
  EXPECT_NE(report.warnings.front().find("waveplates and polarisation first"), std::string::npos);
}

}  // namespace
}  // namespace nicol::calibration
