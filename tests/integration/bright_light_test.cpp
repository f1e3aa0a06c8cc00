// SPDX-License-Identifier: Apache-2.0
// Bright light on Bob's detectors: the shutter closes within 200 ms of it, the detectors go off, and people are told.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "tests/integration/live_nodes.hpp"

namespace nicol::test {
namespace {

void make_bright(const std::filesystem::path& scenario) {
  edit_file(scenario, "loss_db = 3", "loss_db = 3\nbackground_hz = 1e8");
}

template <class F>
bool comes(F&& true_now) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!true_now() && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  return true_now();
}

TEST(BrightLight, ClosesTheReceiverWithin200MsAndSaysSo) {
  const LinkUnderTest link;
  make_bright(link.file("small.toml"));
  LiveNodes nodes(link);
  const session::BlockResult result = nodes.run_block();
  EXPECT_EQ(result.status, session::BlockStatus::aborted);
  EXPECT_EQ(result.reason, session::BlockReason::device) << result.detail;
  EXPECT_NE(result.detail.find("over its limit"), std::string::npos) << result.detail;
  EXPECT_TRUE(comes([&] { return nodes.has_alarm(Side::bob, "over-rate"); }));
  EXPECT_LT(nodes.bob().snapshot()->rig_time.seconds(), 0.2);
}

TEST(BrightLight, KeepsTheReceiverClosedUntilAPersonResetsIt) {
  const LinkUnderTest link;
  make_bright(link.file("small.toml"));
  LiveNodes nodes(link);
  const session::BlockResult first = nodes.run_block();
  ASSERT_NE(first.detail.find("over its limit"), std::string::npos) << first.detail;
  nodes.alice().submit({service::Command::Kind::run, 1, "", "test"});
  ASSERT_TRUE(comes([&] { return nodes.has_alarm(Side::alice, "peer-not-ready"); }))
      << nodes.results(Side::alice).size() << " blocks; alice " << nodes.alice().snapshot()->session_state << ", bob "
      << nodes.bob().snapshot()->session_state << "; " << nodes.alice().snapshot()->last_error;
  EXPECT_EQ(nodes.bob().snapshot()->state, service::NodeState::safe_off);
  nodes.bob().submit({service::Command::Kind::acknowledge, 0, "over-rate", "test"});
  ASSERT_TRUE(comes([&] { return !nodes.has_alarm(Side::bob, "over-rate"); }));
  EXPECT_EQ(nodes.results(Side::alice).size(), 1U) << "to acknowledge is not to reset";
  nodes.bob().submit({service::Command::Kind::reset_safe_off, 0, "", "test"});
  ASSERT_TRUE(comes([&] { return nodes.results(Side::alice).size() == 2; }));
  EXPECT_TRUE(comes([&] { return nodes.has_alarm(Side::bob, "over-rate"); })) << "it still shines";
}

TEST(BrightLight, EndsARunThatNobodyStandsBy) {
  const Folder f;
  write_file(f / "bright.toml", read_file(std::filesystem::path(NICOL_SOURCE_DIR) / "sim/scenario/teaching.toml"));
  make_bright(f / "bright.toml");
  const Outcome o = nicol({"run", "--scenario", (f / "bright.toml").string(), "--blocks", "3", "--json"});
  EXPECT_EQ(o.exit, 1) << o.err;
  const auto run = nlohmann::json::parse(o.out);
  ASSERT_EQ(run["blocks"].size(), 1U);
  EXPECT_EQ(run["blocks"][0]["abort_reason"], "device");
}

}  // namespace
}  // namespace nicol::test
