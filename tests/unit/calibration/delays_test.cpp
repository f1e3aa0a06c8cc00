// SPDX-License-Identifier: Apache-2.0
// Delays and mismatch of a simulated receiver, told to its rig.
#include "controller/calibration/delays.hpp"

#include <gtest/gtest.h>

#include "tests/unit/calibration/drawn_rig.hpp"
#include "tests/unit/calibration/found.hpp"

namespace nicol::calibration {
namespace {

using test::run;

/// The tagger really delays this channel.
void delay(test::DrawnRig& rig, std::size_t channel, double ps) {
  auto* tagger = rig.bob().find<hal::TimeTagger>("tagger");
  auto config = tagger->channel(channel).value();
  config.delay_ticks = tagger->caps().tick.to_ticks({static_cast<std::int64_t>(ps)});
  ASSERT_TRUE(tagger->set_channel(channel, config).ok());
}

TEST(Delays, BringEveryPeakToTheMiddleOfItsGate) {
  test::DrawnRig rig({21, 0.1, 0, {}});
  const std::array<double, 4> late{0, 3'000, -1'500, 17'000};
  for (std::size_t i = 0; i < 4; ++i) delay(rig, i, late[i]);
  const std::vector<hal::ChannelLayout> before = rig.bob().timing.channels;
  const Report report = run(delays(), rig);
  ASSERT_EQ(report.status, Status::passed) << report.reason;
  ASSERT_TRUE(apply(report.result, rig.bob()).ok());
  for (std::size_t i = 0; i < 4; ++i) {
    const Fitted& found = test::found(report, "detector-" + std::to_string(i) + ".delay");
    EXPECT_NEAR(found.value, static_cast<double>(before[i].delay.count) + late[i], 40);  // a third of a tick
    EXPECT_NEAR(static_cast<double>(rig.bob().timing.channels[i].delay.count), found.value, 0.6);
    EXPECT_LT(found.error, 3);
    const double jitter = test::found(report, "detector-" + std::to_string(i) + ".jitter").value;
    EXPECT_NEAR(jitter, std::hypot(150, 30, std::hypot(36, 36)), 8);
  }
  EXPECT_TRUE(report.warnings.empty()) << report.warnings.front();
}

TEST(Delays, WarnWhereArrivalTimesTellTheBit) {
  test::DrawnRig rig({22, 0, 0, {}, [](sim::Scenario& s) { s.receiver.detectors[3].jitter_ps = 220; }});
  const Report report = run(delays(), rig);
  ASSERT_EQ(report.status, Status::passed) << report.reason;
  ASSERT_EQ(report.warnings.size(), 1U);
  EXPECT_NE(report.warnings[0].find("detector-2 and detector-3"), std::string::npos) << report.warnings[0];
}

}  // namespace
}  // namespace nicol::calibration
