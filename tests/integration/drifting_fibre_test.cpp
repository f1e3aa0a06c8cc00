// SPDX-License-Identifier: Apache-2.0
// A running link follows its fibre: key where an untracked one has none, a jump repaired from blocks that failed, and
// no bit more where somebody listens.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/integration/program.hpp"

namespace nicol::test {
namespace {

using nlohmann::json;

constexpr std::size_t kTwoMinutes = 24;  // blocks of 5 s

class DriftingFibre : public testing::Test {
 protected:
  /// The built-in scenario with other lines for how its fibre moves.
  std::string scenario(const std::string& moves) const {
    std::string text = read_file(std::filesystem::path(NICOL_SOURCE_DIR) / "sim/scenario/drifting.toml");
    const std::string line = "drift_deg_per_sqrt_s = 2.5";
    text.replace(text.find(line), line.size(), moves);
    write_file(folder_ / "fibre.toml", text);
    return (folder_ / "fibre.toml").string();
  }
  static json run(std::vector<std::string> more, int exit = 0) {
    more.insert(more.begin(), "run");
    more.insert(more.end(), {"--seed", "1", "--json"});
    const Outcome o = nicol(more);
    EXPECT_EQ(o.exit, exit) << o.err;
    return json::parse(o.out);
  }
  /// The same with tracking switched off in Bob's config.
  json untracked(const std::string& scenario, const std::string& blocks, int exit) const {
    const auto link = folder_ / "link";
    EXPECT_EQ(nicol({"init", link.string(), "--scenario", scenario}).exit, 0);
    write_file(link / "bob.toml", read_file(link / "bob.toml") + "\n[tracking]\nenabled = false\n");
    return run({"--config", (link / "bob.toml").string(), "--blocks", blocks}, exit);
  }
  Folder folder_;
};

TEST_F(DriftingFibre, GoesOnMakingKeyAsLongAsItIsFollowed) {
  const json j = run({"--scenario", "drifting", "--blocks", "50"});
  for (const json& block : j["blocks"]) EXPECT_EQ(block["status"], "key") << block;
  EXPECT_TRUE(j["keys_match"]);
}

TEST_F(DriftingFibre, MakesNoKeyAnyMoreWhereNobodyFollowsIt) {
  const json j = untracked("drifting", "30", 3);
  EXPECT_EQ(j["blocks"].front()["status"], "key");
  EXPECT_NE(j["blocks"].back()["status"], "key");
  EXPECT_FALSE(j["blocks"].back().contains("tracking"));
}

TEST_F(DriftingFibre, IsReportedBlockByBlock) {
  const json j = run({"--scenario", "drifting", "--blocks", "4"});
  for (const json& block : j["blocks"]) {
    const json& t = block.at("tracking");
    EXPECT_TRUE(t.at("verified"));
    EXPECT_EQ(t.at("plates_deg").size(), 3U);
    EXPECT_GT(t.at("walk_rad_per_sqrt_h").get<double>(), 0);
    for (const char* name : {"dither_qber", "doubt_qber", "excess_qber", "way_deg"})
      EXPECT_TRUE(t.at(name).is_number());
  }
  for (std::size_t i = 1; i < 4; ++i)
    for (std::size_t plate = 0; plate < 3; ++plate)
      EXPECT_NEAR(j["blocks"][i]["tracking"]["plates_deg"][plate].get<double>(),
                  j["blocks"][i - 1]["tracking"]["next_plates_deg"][plate].get<double>(), 0.5);
}

/// Blocks that end for their QBER carry a tag over what was counted, and so the plates may move for them.
TEST_F(DriftingFibre, IsFoundAgainWithinTwoMinutesOfLightAfterItJumps) {
  const json blocks = run({"--scenario", scenario("jump_per_s = 0.01\njump_deg = 75"), "--blocks", "45"}, 3)["blocks"];
  std::size_t failures = 0, repairs = 0, dark = 0;
  for (const json& block : blocks) {
    EXPECT_TRUE(block["tracking"]["verified"]);
    if (block["status"] != "key") {
      EXPECT_LE(++dark, kTwoMinutes);
      failures += block["abort_reason"] == "qber" ? 1U : 0U;
    } else if (std::exchange(dark, 0) > 0) {
      ++repairs;
    }
  }
  EXPECT_GE(failures, 3U);
  EXPECT_GE(repairs, 3U);
}

/// Twenty per cent of the light measured and sent on: what no rotation removes.
TEST_F(DriftingFibre, IsNotTakenForTheCauseOfWhatAListenerDoes) {
  const json blocks = run({"--scenario", scenario("drift_deg_per_sqrt_s = 0"), "--blocks", "12", "--eve",
                           "intercept-resend:0.2"})["blocks"];
  for (const json& block : blocks) {
    EXPECT_TRUE(block["tracking"]["excess_alarm"]) << block["tracking"];
    EXPECT_NEAR(block["tracking"]["excess_qber"].get<double>(), 0.05, 0.02);
  }
}

/// The length is that of its public counts: nothing of it knows what the plates did.
TEST_F(DriftingFibre, LengthensNoKeyThatAListenerShortens) {
  const json blocks = run({"--scenario", "drifting", "--blocks", "6", "--eve", "intercept-resend:0.2"})["blocks"];
  json cases = json::array();
  for (const json& block : blocks)
    if (block["status"] == "key") cases.push_back(block["keylength"]);
  ASSERT_FALSE(cases.empty());
  write_file(folder_ / "cases.json", json{{"cases", cases}}.dump());
  const Outcome o = nicol({"keylength", "--input", (folder_ / "cases.json").string()});
  ASSERT_EQ(o.exit, 0) << o.err;
  const json lengths = json::parse(o.out);
  std::size_t i = 0;
  for (const json& block : blocks) {
    if (block["status"] != "key") continue;
    EXPECT_EQ(lengths["cases"][i++]["bits"].get<std::int64_t>() - 32, block["secret_bits"].get<std::int64_t>())
        << o.out;
  }
}

TEST_F(DriftingFibre, IsReplayedBitForBit) {
  const auto recording = folder_ / "recording";
  run({"--scenario", "drifting", "--blocks", "4", "--record", recording.string()});
  const Outcome o = nicol({"replay", recording.string(), "--json"});
  EXPECT_EQ(o.exit, 0) << o.err << o.out;
  EXPECT_NE(o.out.find("\"identical\": true"), std::string::npos) << o.out;
}

TEST_F(DriftingFibre, IsFollowedInVainWithoutPlates) {
  const auto link = folder_ / "link";
  ASSERT_EQ(nicol({"init", link.string(), "--scenario", "teaching"}).exit, 0);
  write_file(link / "bob.toml", read_file(link / "bob.toml") + "\n[tracking]\nenabled = true\n");
  const Outcome o = nicol({"run", "--config", (link / "bob.toml").string(), "--blocks", "1", "--json"});
  EXPECT_EQ(o.exit, 2);
  EXPECT_NE(o.err.find("tracking.enabled: expected false: this rig has no quarter-half-quarter compensator"),
            std::string::npos)
      << o.err;
}

}  // namespace
}  // namespace nicol::test
