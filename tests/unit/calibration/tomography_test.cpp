// SPDX-License-Identifier: Apache-2.0
// The states of a simulated source, seen through a fibre and plates that nobody knows.
#include "controller/calibration/tomography.hpp"

#include <gtest/gtest.h>

#include <numbers>

#include "tests/unit/calibration/drawn_rig.hpp"
#include "tests/unit/calibration/found.hpp"

namespace nicol::calibration {
namespace {

constexpr double kDegree = std::numbers::pi / 180;

struct Seen {
  Report report;
  hal::DeviceModel model;
};
/// Of a source whose states stand so many degrees beside where they belong.
Seen see(std::uint64_t seed, const std::array<double, 4>& misalignment) {
  test::DrawnRig rig({seed, 0.2, 0.01, {}, [&](sim::Scenario& s) { s.source.misalignment_deg = misalignment; }});
  Bench bench(rig.bob(), rig.alice(), {}, {});
  Seen seen{perform(tomography(), bench), {}};
  EXPECT_EQ(seen.report.status, Status::passed) << seen.report.reason;
  EXPECT_TRUE(calibration::apply(seen.report.result, rig.bob()).ok());
  seen.model = rig.bob().model;
  return seen;
}

TEST(Tomography, FindsGoodStatesGood) {
  const auto [report, model] = see(41, {});
  EXPECT_TRUE(report.warnings.empty()) << report.warnings.front();
  const Fitted fidelity = test::found(report, "fidelity");
  EXPECT_GT(fidelity.value, 0.99);
  EXPECT_LT(fidelity.value, 1);
  EXPECT_EQ(model.preparation_provenance, hal::Provenance::measured);
  EXPECT_LT(model.preparation_error_rad, 1.0 * kDegree);
  EXPECT_GT(model.preparation_error_rad, 0.3 * kDegree) << "less than a million clicks can say";
}

TEST(Tomography, TellsTheKeyLengthOfBasesThatAreNotUnbiased) {
  const auto [report, model] = see(42, {1.5, 1.5, 0, 0});
  EXPECT_TRUE(report.warnings.empty()) << report.warnings.front();
  const Fitted overlap = test::found(report, "overlap.rectilinear.1.diagonal.1");
  EXPECT_NEAR(std::abs(overlap.value), std::sin(3 * kDegree), 4.5 * overlap.error);
  EXPECT_GT(model.preparation_error_rad, 1.5 * kDegree);
  EXPECT_LT(model.preparation_error_rad, 2.3 * kDegree);
}

TEST(Tomography, GivesNoKeyWhereTheBasesDifferInTheirAverage) {
  const auto [report, model] = see(43, {3, 0, 0, 0});
  ASSERT_FALSE(report.warnings.empty());
  EXPECT_NE(report.warnings.front().find("outside the proof"), std::string::npos) << report.warnings.front();
  EXPECT_GE(model.preparation_error_rad, std::numbers::pi / 4);
}

TEST(Tomography, SaysThatAFibreHidesTheStatesThemselves) {
  const auto [report, model] = see(44, {});
  ASSERT_FALSE(report.not_determined.empty());
  EXPECT_NE(report.not_determined.front().find("how they stand to one another"), std::string::npos);
}

}  // namespace
}  // namespace nicol::calibration
