// SPDX-License-Identifier: Apache-2.0
// Bright light on Bob's detectors: the shutter closes within 200 ms of it, the detectors go off, and people are told.
#include <gtest/gtest.h>

#include <thread>

#include "tests/integration/live_nodes.hpp"

namespace nicol::test {
namespace {

TEST(BrightLight, ClosesTheReceiverWithin200MsAndSaysSo) {
  const LinkUnderTest link;
  edit_file(link.file("small.toml"), "loss_db = 3", "loss_db = 3\nbackground_hz = 1e8");
  edit_file(link.file("small.toml"), "block_slots = ", "block_slots = 6_500_000 # ");
  LiveNodes nodes(link);
  const session::BlockResult result = nodes.run_block();
  EXPECT_EQ(result.status, session::BlockStatus::aborted);
  EXPECT_EQ(result.reason, session::BlockReason::device) << result.detail;
  EXPECT_NE(result.detail.find("over its limit"), std::string::npos) << result.detail;
  for (int i = 0; i < 200 && !nodes.has_alarm(Side::bob, "over-rate"); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_TRUE(nodes.has_alarm(Side::bob, "over-rate"));
  EXPECT_LT(nodes.bob().snapshot()->rig_time.seconds(), 0.2);
}

}  // namespace
}  // namespace nicol::test
