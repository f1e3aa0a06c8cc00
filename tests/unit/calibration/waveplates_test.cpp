// SPDX-License-Identifier: Apache-2.0
// Plates of a simulated receiver behind a fibre that nobody knows, in mounts with zeros that nobody knows.
#include "controller/calibration/waveplates.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "controller/calibration/polarisation.hpp"
#include "tests/unit/calibration/drawn_rig.hpp"
#include "tests/unit/calibration/found.hpp"

namespace nicol::calibration {
namespace {

using test::run;

/// Modulo what cannot be told: a quarter turn of every plate (fast or slow axes), half a turn of each.
void expect_axes(const Report& report, const sim::Scenario& scenario) {
  const auto& zeros = scenario.compensator.offset_deg;
  const Fitted last = test::found(report, "compensator-2.fast_axis_offset");
  EXPECT_NEAR(std::remainder(last.value - zeros[2], 90), 0, 4.5 * last.error);
  EXPECT_LT(last.error, 0.055);
  const Fitted first = test::found(report, "compensator-1.axis_less_half_of_compensator-0");
  EXPECT_NEAR(std::remainder(first.value - zeros[1] + zeros[0] / 2, 45), 0, 4.5 * first.error);
  EXPECT_LT(first.error, 0.055);
}

TEST(Waveplates, FindWhereTheAxesAreAndHowFarThePlatesRetard) {
  test::DrawnRig rig({31, 0.2, 0.01, {}});
  const Report report = run(waveplates(), rig);
  ASSERT_EQ(report.status, Status::passed) << report.reason;
  EXPECT_TRUE(report.warnings.empty()) << report.warnings.front();
  expect_axes(report, rig.scenario());
  for (std::size_t i = 0; i < 3; ++i) {
    const Fitted waves = test::found(report, fmt::format("compensator-{}.retardance", i));
    const double truth = rig.scenario().compensator.retardance_waves[i];
    // A half-wave plate with its axes exchanged retards by the rest of a wave.
    const double other = i == 1 ? 1 - truth : truth;
    EXPECT_LT(std::min(std::abs(waves.value - truth), std::abs(waves.value - other)), 4.5 * waves.error) << i;
    EXPECT_LT(waves.error, 0.0006);
  }
}

TEST(Waveplates, FindPlayAndWedges) {
  test::DrawnRig rig({32, 0.2, 0.01, {}, [](sim::Scenario& s) {
                        s.compensator.motor.backlash_deg = 0.5;
                        s.compensator.motor.wedge = 0.1;
                      }});
  const Report report = run(waveplates(), rig);
  ASSERT_EQ(report.status, Status::passed) << report.reason;
  expect_axes(report, rig.scenario());
  for (std::size_t i = 0; i < 3; ++i) {
    const Fitted play = test::found(report, fmt::format("compensator-{}.backlash", i));
    EXPECT_NEAR(play.value, 0.5, 4.5 * play.error);
    EXPECT_LT(play.error, 0.15);
    const Fitted wedge = test::found(report, fmt::format("compensator-{}.wedge", i));
    EXPECT_NEAR(wedge.value, 0.05 / 0.95, 4.5 * wedge.error);  // 1 - 0.1 (1 - cos) / 2, of its mean
  }
}

TEST(Waveplates, BoundHowFarAMountStopsBesideItsMark) {
  test::DrawnRig still({33, 0.2, 0.01, {}});
  const Report report = run(waveplates(), still);
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_LT(test::found(report, fmt::format("compensator-{}.repeatability.upper", i)).value, 0.5);
}

TEST(Waveplates, LeavesTheMountsWhereTheyStoodAndPolarisationSomethingToGoOnFrom) {
  test::DrawnRig rig({34, 0.2, 0.01, {}});
  const auto before = RigState::of(rig.bob()).described();
  const Report report = run(waveplates(), rig);
  const auto after = RigState::of(rig.bob()).described();
  for (const char* key : {"compensator-0.position_deg", "compensator-1.position_deg", "compensator-2.position_deg"})
    EXPECT_NEAR(std::get<double>(after.at(key)), std::get<double>(before.at(key)), 0.01) << key;
  ASSERT_TRUE(apply(report.result, rig.bob()).ok());
  const Report aligned = run(polarisation(), rig);
  ASSERT_EQ(aligned.status, Status::passed) << aligned.reason;
  const auto now = rig.contrast(), best = rig.best_contrast();
  EXPECT_GT(std::min(now[0] / best[0], now[1] / best[1]), 0.99);
}

TEST(Waveplates, RefusesLightThatPlatesDoNotExplain) {
  test::DrawnRig rig({35, 0.2, 0.01, {}, [](sim::Scenario& s) { s.channel.drift_deg_per_sqrt_s = 20; }});
  const Report report = run(waveplates(), rig);
  EXPECT_EQ(report.status, Status::failed);
  EXPECT_NE(report.reason.find("chi-squared"), std::string::npos) << report.reason;
}

TEST(Apply, MovesNoMountForAnAxisThatIsElsewhere) {
  test::DrawnRig rig({36, 0, 0, {}});
  auto& plate = rig.bob().compensator[1];
  const double stands = (plate.setting + plate.fast_axis_offset).degrees();
  ASSERT_TRUE(apply({{"compensator-1.fast_axis_offset_deg", 33.0}}, rig.bob()).ok());
  EXPECT_NEAR((plate.setting + plate.fast_axis_offset).degrees(), stands, 1e-9);
  EXPECT_NEAR(plate.fast_axis_offset.degrees(), 33, 1e-9);
  ASSERT_TRUE(apply({{"compensator-1.mount_deg", 50.0}}, rig.bob()).ok());
  EXPECT_NEAR(plate.setting.degrees(), 17, 1e-9);
}

}  // namespace
}  // namespace nicol::calibration
