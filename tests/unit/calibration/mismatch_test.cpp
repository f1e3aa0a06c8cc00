// SPDX-License-Identifier: Apache-2.0
// Detectors of a simulated receiver against each other, told to its rig.
#include "controller/calibration/mismatch.hpp"

#include <gtest/gtest.h>

#include "controller/calibration/polarisation.hpp"
#include "tests/unit/calibration/drawn_rig.hpp"
#include "tests/unit/calibration/found.hpp"

namespace nicol::calibration {
namespace {

using test::run;

/// Aligned first, as `full` does it.
Report run_aligned(test::DrawnRig& rig, const Report* last = nullptr) {
  EXPECT_EQ(run(polarisation(), rig).status, Status::passed);
  return run(efficiency_mismatch(), rig, last);
}

TEST(EfficiencyMismatch, MeasuresTheDetectorsAgainstEachOther) {
  test::DrawnRig rig({23, 0.3, 0, {}});
  const auto& d = rig.scenario().receiver.detectors;
  const Report report = run_aligned(rig);
  ASSERT_EQ(report.status, Status::passed) << report.reason;
  double most = 0;
  for (std::size_t b = 0; b < 2; ++b) {
    const double one = d[2 * b + 1].efficiency, zero = d[2 * b].efficiency, truth = (one - zero) / (one + zero);
    const Fitted& found = test::found(report, b == 0 ? "mismatch.rectilinear" : "mismatch.diagonal");
    EXPECT_NEAR(found.value, truth, 4.5 * found.error);
    EXPECT_LT(found.error, 0.008);
    most = std::max(most, std::abs(truth));
  }
  ASSERT_TRUE(apply(report.result, rig.bob()).ok());
  EXPECT_EQ(rig.bob().model.mismatch_provenance, hal::Provenance::measured);
  EXPECT_GT(rig.bob().model.efficiency_mismatch, most);
  EXPECT_LT(rig.bob().model.efficiency_mismatch, most + 0.03);
  EXPECT_FALSE(rig.bob().model.basis_independent_detection);
}

TEST(EfficiencyMismatch, FindsEqualDetectorsAlike) {
  test::DrawnRig rig({24, 0, 0, {}});
  const Report report = run_aligned(rig);
  ASSERT_EQ(report.status, Status::passed) << report.reason;
  EXPECT_TRUE(report.warnings.empty()) << report.warnings.front();
  ASSERT_TRUE(apply(report.result, rig.bob()).ok());
  EXPECT_TRUE(rig.bob().model.basis_independent_detection);
  EXPECT_LT(rig.bob().model.efficiency_mismatch, 0.03);
}

TEST(EfficiencyMismatch, WarnsWhereItHasGrown) {
  test::DrawnRig before({25, 0, 0, {}});
  const Report last = run_aligned(before);
  test::DrawnRig rig({25, 0, 0, {}, [](sim::Scenario& s) { s.receiver.detectors[0].efficiency *= 0.8; }});
  const Report report = run_aligned(rig, &last);
  ASSERT_EQ(report.warnings.size(), 2U);
  EXPECT_NE(report.warnings[0].find("has grown"), std::string::npos) << report.warnings[0];
}

TEST(Apply, TellsTheChannelsTheirDelays) {
  test::DrawnRig rig({26, 0, 0, {}});
  ASSERT_TRUE(apply({{"detector-2.delay_ps", 12'345.6}}, rig.bob()).ok());
  EXPECT_EQ(rig.bob().timing.channels[2].delay.count, 12'346);
}

TEST(Apply, RefusesADetectorThatTheRigHasNot) {
  test::DrawnRig rig({26, 0, 0, {}});
  EXPECT_EQ(apply({{"detector-7.delay_ps", 10.0}}, rig.bob()).error().code, Code::not_found);
}

}  // namespace
}  // namespace nicol::calibration
