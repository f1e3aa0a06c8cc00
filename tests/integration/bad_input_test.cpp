// SPDX-License-Identifier: Apache-2.0
// What a user types wrong gets exit 2 and a sentence that names the place and what was expected.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/integration/program.hpp"

namespace nicol::test {
namespace {

void expect_refused(const Outcome& o, const std::vector<std::string>& words) {
  EXPECT_EQ(o.exit, 2) << o.err;
  for (const auto& w : words) EXPECT_NE(o.err.find(w), std::string::npos) << "no \"" << w << "\" in: " << o.err;
}

std::string scenario_with(const std::string& line) {
  return "format = 1\nname = \"x\"\n[channel]\ntype = \"fibre\"\n" + line + "\n";
}

TEST(BadInput, UnknownScenarioKey) {
  const Folder f;
  write_file(f / "s.toml", scenario_with("los_db = 3"));
  expect_refused(nicol({"run", "--scenario", (f / "s.toml").string()}), {"s.toml:5", "los_db"});
}

TEST(BadInput, NegativeLoss) {
  const Folder f;
  write_file(f / "s.toml", scenario_with("loss_db = -3"));
  expect_refused(nicol({"run", "--scenario", (f / "s.toml").string()}), {"s.toml:5", "loss_db"});
}

TEST(BadInput, UnknownScenarioName) {
  expect_refused(nicol({"run", "--scenario", "nowhere"}), {"nowhere", "teaching"});
}

TEST(BadInput, TruncatedTagFile) {
  const Folder f;
  write_file(f / "t.ts", std::string(20, 'x'));
  expect_refused(nicol({"tool", "tags", "--input", (f / "t.ts").string(), "--format", "readevents"}), {"t.ts", "16"});
}

TEST(BadInput, PresharedKeyThatOthersMayRead) {
  const Folder f;
  ASSERT_EQ(nicol({"init", (f / "link").string()}).exit, 0);
  chmod((f / "link/preshared.key").c_str(), 0644);
  expect_refused(nicol({"alice", "--config", (f / "link/alice.toml").string(), "--blocks", "1"}),
                 {"preshared.key", "0600"});
}

TEST(BadInput, AliceWithBobsConfig) {
  const Folder f;
  ASSERT_EQ(nicol({"init", (f / "link").string()}).exit, 0);
  expect_refused(nicol({"alice", "--config", (f / "link/bob.toml").string()}), {"node.role"});
}

TEST(BadInput, TwoAlicesInOneLink) {
  const Folder f;
  ASSERT_EQ(nicol({"init", (f / "link").string()}).exit, 0);
  edit_file(f / "link/bob.toml", "role = \"bob\"", "role = \"alice\"");
  expect_refused(nicol({"run", "--config", (f / "link/alice.toml").string()}), {"bob.toml", "two Alices"});
}

TEST(BadInput, SeedOnARealRig) {
  const Folder f;
  write_file(f / "a.toml",
             "format = 1\n[node]\nrole = \"alice\"\nstate = \"s\"\n[peer]\nlisten = \"127.0.0.1:1\"\n[rig]\ndevices = "
             "[\"role=source,driver=rig\"]\nseed = 3\n");
  expect_refused(nicol({"alice", "--config", (f / "a.toml").string()}), {"a.toml:9", "rig.seed", "operating system"});
}

/// A node's config on devices; the entries begin at line 9.
void write_devices(const std::filesystem::path& file, const std::string& role, const std::string& entries) {
  write_file(file, "format = 1\n[node]\nrole = \"" + role +
                       "\"\nstate = \"s\"\n[peer]\nlisten = \"127.0.0.1:1\"\n[rig]\ndevices = [\n" + entries +
                       "]\nlink = \"teaching\"\n");
}

TEST(BadInput, ARoleThatIsNone) {
  const Folder f;
  write_devices(f / "b.toml", "bob", "\"role=tagger,driver=rig\",\n\"role=shuter,driver=rig\",\n");
  expect_refused(nicol({"bob", "--config", (f / "b.toml").string()}),
                 {"b.toml:10", "rig.devices", "shuter", "shutter"});
}

TEST(BadInput, ARoleOfTheOtherSide) {
  const Folder f;
  write_devices(f / "b.toml", "bob", "\"role=source,driver=rig\",\n");
  expect_refused(nicol({"bob", "--config", (f / "b.toml").string()}), {"b.toml:9", "source", "tagger"});
}

TEST(BadInput, TwoDevicesWithOneRole) {
  const Folder f;
  write_devices(f / "b.toml", "bob", "\"role=tagger,driver=rig\",\n\"role=tagger,driver=tdc1\",\n");
  expect_refused(nicol({"bob", "--config", (f / "b.toml").string()}), {"b.toml:10", "role=tagger", "not two"});
}

TEST(BadInput, UnknownEve) { expect_refused(nicol({"run", "--eve", "mallory"}), {"mallory", "intercept-resend"}); }

TEST(BadInput, FractionAboveOne) { expect_refused(nicol({"run", "--eve", "intercept-resend:1.5"}), {"1.5"}); }

TEST(BadInput, UnknownOption) { expect_refused(nicol({"run", "--sed", "3"}), {"--sed"}); }

TEST(BadInput, KeylengthNamesCaseAndField) {
  const Folder f;
  write_file(
      f / "c.json",
      R"({"id":"a","function":"sp_variable","inputs":{"n":1000,"k":100,"errors_k":101,"leak_ec":0,"eps_at":1e-10,"eps_pa":1e-10,"eps_ev":1e-10}})");
  expect_refused(nicol({"keylength", "--input", (f / "c.json").string()}), {"case a", "errors_k"});
  write_file(f / "c.json", R"({"id":"a","function":"no_such","inputs":{}})");
  expect_refused(nicol({"keylength", "--input", (f / "c.json").string()}), {"no_such"});
}

TEST(BadInput, MacKeyThatIsNotHex) {
  expect_refused(nicol({"tool", "mac", "--hash-key", "zz", "--pad", std::string(32, '0'), "--message", "/dev/null"}),
                 {"--hash-key", "32 hex digits"});
}

}  // namespace
}  // namespace nicol::test
