// SPDX-License-Identifier: Apache-2.0
// Dark counts of a simulated receiver, its leaks, and what has changed since.
#include "controller/calibration/dark_counts.hpp"

#include <gtest/gtest.h>

#include "controller/calibration/listening.hpp"
#include "tests/unit/calibration/drawn_rig.hpp"
#include "tests/unit/calibration/found.hpp"

namespace nicol::calibration {
namespace {

Report measure(test::DrawnRig& rig, const Report* last = nullptr) { return test::run(dark_counts(), rig, last); }

TEST(DarkCounts, MeasureWhatEveryDetectorDoesByItself) {
  test::DrawnRig rig({11, 0.2, 0, {}});
  const Report report = measure(rig);
  ASSERT_EQ(report.status, Status::passed) << report.reason;
  EXPECT_TRUE(report.warnings.empty()) << report.warnings.front();
  for (std::size_t i = 0; i < 4; ++i) {
    const sim::DetectorModel& truth = rig.scenario().receiver.detectors[i];
    const std::string name = "detector-" + std::to_string(i);
    const Fitted& dark = test::found(report, name + ".dark_rate");
    EXPECT_NEAR(dark.value, truth.dark_hz * (1 + truth.afterpulse_probability), 4.5 * dark.error);
    EXPECT_LT(test::found(report, name + ".dark_rate.lower").value, dark.value);
    EXPECT_GT(test::found(report, name + ".dark_rate.upper").value, dark.value);
    const Fitted& dead = test::found(report, name + ".dead_time");
    EXPECT_NEAR(dead.value, truth.dead_time_ns, 3 * dead.error);
    const Fitted& probability = test::found(report, name + ".afterpulse_probability");
    EXPECT_NEAR(probability.value, truth.afterpulse_probability, 4.5 * probability.error);
    const Fitted& decay = test::found(report, name + ".afterpulse_decay");
    EXPECT_NEAR(decay.value, truth.afterpulse_decay_ns, 4.5 * decay.error);
    EXPECT_GT(test::found(report, name + ".rate_in_light").value, 10 * dark.value);
  }
}

TEST(DarkCounts, WarnOfLightThatLeaksIn) {
  test::DrawnRig rig({12, 0, 0, {}, [](sim::Scenario& s) { s.channel.background_hz = 5e3; }});
  const Report report = measure(rig);
  ASSERT_EQ(report.status, Status::passed) << report.reason;
  EXPECT_EQ(report.warnings.size(), 4U);
  for (const std::string& warning : report.warnings) EXPECT_NE(warning.find("leaks"), std::string::npos) << warning;
}

TEST(DarkCounts, WarnOfWhatHasChangedSinceTheLastRecord) {
  test::DrawnRig before({13, 0, 0, {}});
  const Report last = measure(before);
  test::DrawnRig rig({14, 0, 0, {}, [](sim::Scenario& s) { s.receiver.detectors[2].dark_hz *= 3; }});
  const Report report = measure(rig, &last);
  ASSERT_EQ(report.warnings.size(), 1U);
  EXPECT_NE(report.warnings[0].find("detector-2: the dark rate"), std::string::npos) << report.warnings[0];
}

TEST(DarkCounts, LengthenABlindTimeThatIsTooShort) {
  test::DrawnRig rig({15, 0, 0, {}});
  rig.bob().timing.blind_time = Picoseconds{10'000};
  const Report report = measure(rig);
  ASSERT_EQ(report.status, Status::passed) << report.reason;
  ASSERT_TRUE(apply(report.result, rig.bob()).ok());
  EXPECT_GE(rig.bob().timing.blind_time.count, 50'000);
  EXPECT_LE(rig.bob().timing.blind_time.count, 60'000);
}

TEST(DarkCounts, NeedAShutterToMakeItDarkWith) {
  test::DrawnRig rig({16, 0, 0, {}});
  hal::Rig bare;
  Bench bench(bare, rig.alice(), {}, {});
  const Report report = perform(dark_counts(), bench);
  EXPECT_EQ(report.status, Status::failed);
  EXPECT_NE(report.reason.find("no tagger"), std::string::npos) << report.reason;
}

}  // namespace
}  // namespace nicol::calibration
