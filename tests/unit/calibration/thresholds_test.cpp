// SPDX-License-Identifier: Apache-2.0
// Discriminators of a simulated tagger, set between noise and pulses.
#include "controller/calibration/thresholds.hpp"

#include <gtest/gtest.h>

#include "tests/unit/calibration/drawn_rig.hpp"
#include "tests/unit/calibration/found.hpp"

namespace nicol::calibration {
namespace {

Report run(test::DrawnRig& rig, const Report* last = nullptr) { return test::run(thresholds(), rig, last); }

void with_pulses(sim::Scenario& s) {
  for (std::size_t i = 0; i < 4; ++i) {
    sim::DetectorModel& d = s.receiver.detectors[i];
    d.pulse_v = 0.8 + 0.2 * static_cast<double>(i), d.pulse_spread_v = 0.08;
    d.line_noise_v = 0.04, d.line_noise_hz = 1e6;
  }
}

std::vector<double> now(test::DrawnRig& rig) {
  std::vector<double> all;
  const auto* tagger = rig.bob().find<hal::TimeTagger>("tagger");
  for (std::size_t k = 0; k < 4; ++k) all.push_back(tagger->channel(k)->threshold.value);
  return all;
}

TEST(Thresholds, AreSetBetweenNoiseAndPulses) {
  test::DrawnRig rig({51, 0, 0, {}, with_pulses});
  const std::vector<double> before = now(rig);
  const Report report = run(rig);
  ASSERT_EQ(report.status, Status::passed) << report.reason;
  EXPECT_EQ(now(rig), before);
  for (std::size_t i = 0; i < 4; ++i) {
    const std::string name = "detector-" + std::to_string(i);
    const Fitted& height = test::found(report, name + ".pulse_height");
    EXPECT_NEAR(height.value, rig.scenario().receiver.detectors[i].pulse_v, 4.5 * height.error);
    const Fitted& spread = test::found(report, name + ".pulse_spread");
    EXPECT_NEAR(spread.value, 0.08, 4.5 * spread.error);
  }
  EXPECT_TRUE(report.warnings.empty()) << report.warnings.front();
  ASSERT_TRUE(apply(report.result, rig.bob()).ok());
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_GT(now(rig)[i], 0.15);
    EXPECT_LT(now(rig)[i], 0.8 + 0.2 * static_cast<double>(i) - 0.25);
  }
}

TEST(Thresholds, AmongThePulsesAreWarnedOf) {
  test::DrawnRig rig({52, 0, 0, {}, with_pulses});
  auto* tagger = rig.bob().find<hal::TimeTagger>("tagger");
  auto config = tagger->channel(0).value();
  config.threshold = {0.78};
  ASSERT_TRUE(tagger->set_channel(0, config).ok());
  const Report report = run(rig);
  ASSERT_EQ(report.warnings.size(), 1U);
  EXPECT_NE(report.warnings[0].find("detector-0: its threshold of 0.780 V loses 40 % of the pulses"), std::string::npos)
      << report.warnings[0];
}

TEST(Thresholds, OfPulsesThatChangedAreWarnedOf) {
  test::DrawnRig before({53, 0, 0, {}, with_pulses});
  const Report last = run(before);
  test::DrawnRig rig({53, 0, 0, {}, [](sim::Scenario& s) {
                        with_pulses(s);
                        s.receiver.detectors[2].pulse_v = 1;
                      }});
  const Report report = run(rig, &last);
  ASSERT_EQ(report.warnings.size(), 1U);
  EXPECT_NE(report.warnings[0].find("detector-2: its pulses have changed"), std::string::npos) << report.warnings[0];
}

TEST(Thresholds, ThatLoseNothingAreSaidToTellNothing) {
  test::DrawnRig rig({54, 0, 0, {}});
  const Report report = run(rig);
  EXPECT_EQ(report.status, Status::passed) << report.reason;
  EXPECT_EQ(report.not_determined.size(), 4U);
  EXPECT_TRUE(report.result.empty());
}

}  // namespace
}  // namespace nicol::calibration
