// SPDX-License-Identifier: Apache-2.0
// The first command of the README, as a user types it.
#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "tests/integration/program.hpp"

namespace nicol::test {
namespace {

using nlohmann::json;

json parsed(const Outcome& o) {
  const json j = json::parse(o.out, nullptr, false);
  EXPECT_FALSE(j.is_discarded()) << o.out << o.err;
  return j;
}

/// Everything but what the clock and the key ids decide.
json counts(json run) {
  run["totals"].erase("wall_s");
  for (auto& b : run["blocks"]) b.erase("key_id");
  return run;
}

/// One run of four blocks serves several facts.
class TeachingRun : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    outcome_ = new Outcome(nicol({"run", "--seed", "7", "--json"}));
    run_ = new json(parsed(*outcome_));
  }
  static void TearDownTestSuite() {
    delete run_;
    delete outcome_;
  }
  static inline Outcome* outcome_ = nullptr;
  static inline json* run_ = nullptr;
};

TEST_F(TeachingRun, EndsWellWithMatchingKeys) {
  EXPECT_EQ(outcome_->exit, 0) << outcome_->err;
  EXPECT_TRUE((*run_)["keys_match"].get<bool>());
  EXPECT_EQ((*run_)["schema"], "nicol.run/1");
  EXPECT_EQ((*run_)["origin"], "simulated");
}

TEST_F(TeachingRun, MakesNetKeyOverFourBlocks) {
  ASSERT_EQ((*run_)["blocks"].size(), 4U);
  std::int64_t net = 0;
  for (const auto& b : (*run_)["blocks"]) net += b["net_bits"].get<std::int64_t>();
  EXPECT_GT(net, 0);
}

TEST_F(TeachingRun, HoldsAboutAHundredThousandSiftedBitsABlockAtOneAndAHalfPercent) {
  for (const auto& b : (*run_)["blocks"]) {
    EXPECT_NEAR(b["sifted_bits"].get<double>(), 1e5, 2e4);
    EXPECT_NEAR(b["qber"]["diagonal"].get<double>(), 0.015, 0.006);
  }
}

TEST_F(TeachingRun, RefillsThePoolsWithWhatEachBlockSpends) {
  std::uint64_t spent = 0, refilled = 0;
  for (const auto& b : (*run_)["blocks"]) {
    EXPECT_GT(b["auth_bits_spent"].get<std::uint64_t>(), 0U);
    spent += b["auth_bits_spent"].get<std::uint64_t>();
    refilled += b["auth_bits_replenished"].get<std::uint64_t>();
  }
  EXPECT_GE(refilled, spent);
}

TEST_F(TeachingRun, DeliversAKeyIdFromTheFirstBlockOn) {
  for (const auto& b : (*run_)["blocks"]) EXPECT_TRUE(b["key_id"].is_string());
}

TEST_F(TeachingRun, GivesALengthThatItsOwnKeylengthCaseReproduces) {
  const Folder folder;
  for (const auto& b : (*run_)["blocks"]) {
    write_file(folder / "case.json", b["keylength"].dump());
    const json out = parsed(nicol({"keylength", "--input", (folder / "case.json").string()}));
    EXPECT_EQ(out["cases"][0]["bits"].get<std::uint64_t>(), b["secret_bits"].get<std::uint64_t>() + 32);
  }
}

TEST_F(TeachingRun, GivesTheSameCountsForTheSameSeedWhileTheMachineIsBusy) {
  Program load("/bin/sh", {"-c", "while :; do :; done"});
  EXPECT_EQ(counts(parsed(nicol({"run", "--seed", "7", "--json"}))), counts(*run_));
}

TEST_F(TeachingRun, GivesTheSameCountsInTwoProcesses) {
  const Folder folder;
  ASSERT_EQ(nicol({"init", (folder / "link").string()}).exit, 0);
  for (const char* f : {"link/alice.toml", "link/bob.toml"}) {
    edit_file(folder / f, "# seed = 7 ", "seed = 7 ");
    edit_file(folder / f, "127.0.0.1:7450", "127.0.0.1:" + std::to_string(20000 + getpid() % 20000));
  }
  Program alice(nicol_program(),
                {"alice", "--config", (folder / "link/alice.toml").string(), "--blocks", "4", "--json"});
  Program bob(nicol_program(), {"bob", "--config", (folder / "link/bob.toml").string(), "--blocks", "4", "--json"});
  const Outcome at_alice = alice.wait(), at_bob = bob.wait();
  ASSERT_EQ(at_alice.exit, 0) << at_alice.err;
  ASSERT_EQ(at_bob.exit, 0) << at_bob.err;
  EXPECT_EQ(counts(parsed(at_alice))["blocks"], counts(*run_)["blocks"]);

  const json a = parsed(nicol({"keys", "stats", "--json", "--config", (folder / "link/alice.toml").string()}));
  const json b = parsed(nicol({"keys", "stats", "--json", "--config", (folder / "link/bob.toml").string()}));
  EXPECT_EQ(a["keys"].size(), 4U);
  EXPECT_EQ(a, b);
}

TEST(MotorisedRun, SaysHowManySettingsAreMissingAndThatIsNoFailure) {
  const Outcome o = nicol({"run", "--scenario", "motorised", "--seed", "1", "--blocks", "1"});
  EXPECT_EQ(o.exit, 0) << o.err;
  EXPECT_NE(o.out.find("are still missing"), std::string::npos) << o.out;
}

TEST(LossyRun, MakesKeyAcrossTwentyDecibels) {
  const Outcome o = nicol({"run", "--scenario", "lossy", "--seed", "1", "--blocks", "1", "--json"});
  EXPECT_EQ(o.exit, 0) << o.err;
  EXPECT_GT(parsed(o)["totals"]["secret_bits"].get<std::uint64_t>(), 0U);
}

class OrdinaryUser : public testing::TestWithParam<const char*> {};

TEST_P(OrdinaryUser, RunsInEightMebibytesOfLockedMemory) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to become somebody else";
  const Folder folder(std::filesystem::perms::all);
  As nobody;
  nobody.ordinary_user = true;
  nobody.lock_limit = std::size_t{8} << 20;
  const std::string link = (folder / "link").string();
  ASSERT_EQ(nicol({"init", link}, nobody).exit, 0);
  for (const char* f : {"link/alice.toml", "link/bob.toml"})
    edit_file(folder / f, "backing = \"auto\"", std::string("backing = \"") + GetParam() + "\"");
  const Outcome o = nicol({"run", "--config", link + "/alice.toml", "--blocks", "2", "--json"}, nobody);
  EXPECT_EQ(o.exit, 0) << o.err;
  EXPECT_TRUE(parsed(o)["keys_match"].get<bool>());
  EXPECT_NE(o.err.find(std::string("keys in ") + GetParam()), std::string::npos) << o.err;
}
INSTANTIATE_TEST_SUITE_P(Backings, OrdinaryUser, testing::Values("memfd_secret", "mlock"));

}  // namespace
}  // namespace nicol::test
