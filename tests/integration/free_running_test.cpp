// SPDX-License-Identifier: Apache-2.0
// Two nodes that share no clock: Bob finds the slots from his clicks alone, and light that he cannot lock to ends a
// block in words.
#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/integration/live_nodes.hpp"
#include "tests/integration/program.hpp"

namespace nicol::test {
namespace {

using nlohmann::json;
using session::BlockReason;
using session::BlockStatus;

TEST(FreeClocks, MakeEqualKeysBlockAfterBlock) {
  const Outcome o = nicol({"run", "--scenario", "free-running", "--blocks", "3", "--seed", "5", "--json"});
  EXPECT_EQ(o.exit, 0) << o.err;
  const json run = json::parse(o.out, nullptr, false);
  ASSERT_FALSE(run.is_discarded()) << o.out << o.err;
  EXPECT_TRUE(run["keys_match"].get<bool>());
  ASSERT_EQ(run["blocks"].size(), 3U);
  for (const auto& b : run["blocks"]) {
    EXPECT_EQ(b["status"], "key") << b;
    EXPECT_LT(b["qber"]["diagonal"].get<double>(), 0.03);
    EXPECT_GT(b["public_slots"].get<std::uint64_t>(), 30'000'000U / 32);
    EXPECT_LT(b["public_slots"].get<std::uint64_t>(), 30'000'000U / 8);
    EXPECT_GT(b["sifted_bits"].get<std::uint64_t>(), 80'000U);
  }
}

TEST(FreeClocks, GiveTheSameCountsFromTheSameSeed) {
  const auto detections = [] {
    const Outcome o = nicol({"run", "--scenario", "free-running", "--blocks", "1", "--seed", "6", "--json"});
    return json::parse(o.out, nullptr, false)["totals"]["detections"];
  };
  EXPECT_EQ(detections(), detections());
}

TEST(FreeClocks, AreRecordedAndReplayed) {
  const Folder folder;
  const Outcome o = nicol({"run", "--scenario", "free-running", "--blocks", "2", "--record", (folder / "r").string()});
  EXPECT_EQ(o.exit, 0) << o.err;
  const Outcome again = nicol({"replay", (folder / "r").string(), "--json"});
  EXPECT_EQ(again.exit, 0) << again.out;
  const json replayed = json::parse(again.out);
  for (const json& r : replayed["recordings"]) EXPECT_EQ(r["keys"].size(), 2u);
}

TEST(FreeClocks, EndABlockInWordsWhereBobCannotLock) {
  const LinkUnderTest link;
  write_file(link.file("small.toml"),
             read_file(std::filesystem::path(NICOL_SOURCE_DIR) / "sim/scenario/free-running.toml"));
  edit_file(link.file("small.toml"), "ppm = 23.4", "ppm = 400");  // beyond what is searched
  edit_file(link.config(Side::bob), "[limits]", "[limits]\nlock_patience_ms = 3000");
  LiveNodes nodes(link);
  nodes.alice().submit({service::Command::Kind::run, 1, "", "test"});
  ASSERT_TRUE(nodes.alice().wait(std::chrono::minutes(2)));
  const auto results = nodes.results(Side::alice);
  ASSERT_EQ(results.size(), 1U);
  EXPECT_EQ(results[0].status, BlockStatus::no_key);
  EXPECT_EQ(results[0].reason, BlockReason::too_few);
  EXPECT_NE(results[0].detail.find("no lock on Alice's light"), std::string::npos) << results[0].detail;
  const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!nodes.has_alarm(Side::bob, "no-lock") && std::chrono::steady_clock::now() < patience)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_TRUE(nodes.has_alarm(Side::bob, "no-lock"));
}

}  // namespace
}  // namespace nicol::test
