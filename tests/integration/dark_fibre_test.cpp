// SPDX-License-Identifier: Apache-2.0
// No light arrives: every block ends without key, and each costs pads.
#include <gtest/gtest.h>

#include <thread>

#include "tests/integration/live_nodes.hpp"

namespace nicol::test {
namespace {

TEST(ADarkFibre, MakesTheNodesBackOffBeforeThePadsAreSpent) {
  const LinkUnderTest link;
  edit_file(link.file("small.toml"), "loss_db = 3", "loss_db = 90");
  LiveNodes nodes(link);
  nodes.alice().submit({service::Command::Kind::run, 0, "", "test"});
  std::this_thread::sleep_for(std::chrono::seconds(4));
  const auto results = nodes.results(Side::alice);
  // Three at once, then after 0.2, 0.4, 0.8, 1.6 s.
  EXPECT_GE(results.size(), 3U);
  EXPECT_LE(results.size(), 8U);
  for (const auto& r : results) EXPECT_EQ(r.status, session::BlockStatus::no_key) << r.detail;
  EXPECT_TRUE(nodes.has_alarm(Side::alice, "blocks-failing"));
}

}  // namespace
}  // namespace nicol::test
