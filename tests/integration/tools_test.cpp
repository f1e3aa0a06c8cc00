// SPDX-License-Identifier: Apache-2.0
// The pure tools and the store's commands, as a script would call them.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>
#include <random>

#include "tests/integration/program.hpp"

namespace nicol::test {
namespace {

using nlohmann::json;

std::string random_bytes(std::size_t n, unsigned seed) {
  std::mt19937 g(seed);
  std::string out(n, '\0');
  for (char& c : out) c = static_cast<char>(g() & 0xff);
  return out;
}

bool bit(const std::string& bytes, std::size_t k) {
  return ((static_cast<unsigned char>(bytes[k / 8]) >> (k % 8)) & 1) != 0;
}

struct Sizes {
  std::size_t input, output;
};
class ToolToeplitz : public testing::TestWithParam<Sizes> {};

TEST_P(ToolToeplitz, EqualsTheDefinitionBitByBit) {
  const auto [n, l] = GetParam();
  const Folder f;
  const std::string seed = random_bytes((n + l - 1 + 7) / 8, 1), x = random_bytes((n + 7) / 8, 2);
  write_file(f / "seed", seed);
  write_file(f / "x", x);
  const Outcome o =
      nicol({"tool", "toeplitz", "--seed", (f / "seed").string(), "--input", (f / "x").string(), "--input-bits",
             std::to_string(n), "--output-bits", std::to_string(l), "--output", (f / "y").string()});
  ASSERT_EQ(o.exit, 0) << o.err;
  const std::string y = read_file(f / "y");
  ASSERT_EQ(y.size(), (l + 7) / 8);
  for (std::size_t i = 0; i < 8 * y.size(); ++i) {
    bool expected = false;
    for (std::size_t j = 0; i < l && j < n; ++j) expected ^= bit(seed, i - j + n - 1) && bit(x, j);
    ASSERT_EQ(bit(y, i), expected) << "bit " << i;
  }
}
INSTANTIATE_TEST_SUITE_P(Sizes, ToolToeplitz,
                         testing::Values(Sizes{1, 1}, Sizes{13, 5}, Sizes{129, 65}, Sizes{1000, 999},
                                         Sizes{4099, 1021}));

TEST(ToolMac, EqualsTheVectors) {
  const std::string file = std::string(NICOL_SHARED_DIR) + "/data/wcmac_vectors.json";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "no vectors beside this checkout";
  const Folder f;
  std::size_t compared = 0;
  const json vectors = json::parse(read_file(file));
  for (const auto& v : vectors["ghash"]) {
    if (!v["A"].get<std::string>().empty()) continue;  // tool mac has no associated data
    const auto hex = v["C"].get<std::string>();
    std::string message;
    for (std::size_t i = 0; i < hex.size(); i += 2)
      message += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    write_file(f / "m", message);
    const Outcome o =
        nicol({"tool", "mac", "--hash-key", v["H"], "--pad", std::string(32, '0'), "--message", (f / "m").string()});
    EXPECT_EQ(o.out, v["ghash"].get<std::string>() + "\n");
    ++compared;
  }
  EXPECT_EQ(compared, 3U);
}

TEST(ToolMac, AddsThePad) {
  const Folder f;
  write_file(f / "m", "");
  const std::string key(32, 'a'), pad = "00112233445566778899aabbccddeeff";
  EXPECT_EQ(
      json::parse(nicol({"tool", "mac", "--json", "--hash-key", key, "--pad", pad, "--message", (f / "m").string()})
                      .out)["tag"],
      pad);
}

TEST(ToolReconcile, CorrectsTwoPercentNearTheShannonLimit) {
  constexpr std::size_t n = 100'003;
  const Folder f;
  const std::string alice = random_bytes((n + 7) / 8, 5);
  std::string bob = alice;
  std::mt19937 g(6);
  std::size_t errors = 0;
  for (std::size_t k = 0; k < n; ++k)
    if (g() % 50 == 0) {
      bob[k / 8] = static_cast<char>(bob[k / 8] ^ (1 << (k % 8)));
      ++errors;
    }
  write_file(f / "a", alice);
  write_file(f / "b", bob);
  const Outcome o = nicol({"tool", "reconcile", "--alice", (f / "a").string(), "--bob", (f / "b").string(), "--bits",
                           std::to_string(n), "--qber", "0.02", "--algorithm", "cascade", "--seed", "9"});
  ASSERT_EQ(o.exit, 0) << o.err;
  const json j = json::parse(o.out);
  EXPECT_TRUE(j["corrected"].get<bool>());
  EXPECT_EQ(j["errors_corrected"].get<std::size_t>(), errors);
  EXPECT_LE(j["f_ec"].get<double>(), 1.10);
}

TEST(ToolTags, GivesTheFiguresOfARecordedFile) {
  const std::string file = std::string(NICOL_SHARED_DIR) + "/data/timestamp7_c1234.Aa1.ts";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "no recording beside this checkout";
  const json j = json::parse(nicol({"tool", "tags", "--input", file, "--format", "readevents"}).out);
  EXPECT_EQ(j["events"], 2000);
  EXPECT_EQ(j["per_pattern"]["8"], 417);
  EXPECT_EQ(j["per_pattern"]["4"], 476);
  EXPECT_EQ(j["per_pattern"]["2"], 481);
  EXPECT_EQ(j["per_pattern"]["1"], 614);
  EXPECT_NEAR(j["span_ps"].get<double>(), 935.0e6, 0.1e6);
  EXPECT_NEAR(j["rate_hz"].get<double>(), 2.14e6, 0.01e6);
  EXPECT_NEAR(j["smallest_gap_ps"].get<double>(), 10'950, 5);
}

TEST(ToolTags, TurnsOneSpellingIntoAnotherAndBack) {
  const Folder f;
  const std::string words = random_bytes(800, 3);
  write_file(f / "a", words);
  ASSERT_EQ(nicol({"tool", "tags", "--input", (f / "a").string(), "--format", "readevents", "--to", "readevents-hex",
                   "--output", (f / "h").string()})
                .exit,
            0);
  ASSERT_EQ(nicol({"tool", "tags", "--input", (f / "h").string(), "--format", "readevents-hex", "--to", "readevents",
                   "--output", (f / "b").string()})
                .exit,
            0);
  EXPECT_EQ(read_file(f / "b"), words);
}

TEST(ToolTags, TurnsAFileOfOneMakerIntoThatOfAnotherAndSaysWhatIsNotInIt) {
  const Folder f;
  write_file(f / "a", "0,1000\n2,1000\n1,5001\n");
  const Outcome to_card = nicol({"tool", "tags", "--input", (f / "a").string(), "--format", "csv", "--to",
                                 "readevents-hex", "--output", (f / "h").string()});
  ASSERT_EQ(to_card.exit, 0) << to_card.err;
  // 1000 ps are 256 ticks, 5001 ps are 1280 and a quarter; bits 9..8 as the card sets them.
  EXPECT_EQ(read_file(f / "h"), "0000000000040301\n0000000000040304\n0000000000140302\n");
  EXPECT_NE(to_card.err.find("1 fractions of a tick"), std::string::npos) << to_card.err;
  const json j = json::parse(to_card.out);
  EXPECT_EQ(j["events"], 3);
  EXPECT_EQ(j["span_ps"], 4001);
}

TEST(ToolTags, RefusesAConversionThatWouldMakeAnotherRecordingOfIt) {
  const Folder f;
  write_file(f / "a", "0,100000\n0,90000\n");
  const Outcome o = nicol({"tool", "tags", "--input", (f / "a").string(), "--format", "csv", "--to", "nicol",
                           "--output", (f / "n").string()});
  EXPECT_EQ(o.exit, 2);
  EXPECT_NE(o.err.find("event 2"), std::string::npos) << o.err;
  EXPECT_FALSE(std::filesystem::exists(f / "n"));
}

TEST(ToolTags, NamesAllFormatsWhenItIsGivenAnother) {
  const Outcome o = nicol({"tool", "tags", "--input", "x", "--format", "ttbin"});
  EXPECT_EQ(o.exit, 2);
  for (const char* name : {"readevents-x", "tdc1", "ptu", "qutag", "xqp", "csv", "nicol", "epoch-raw"})
    EXPECT_NE(o.err.find(name), std::string::npos) << o.err;
}

TEST(Keylength, AgreesWithTheWorkedExamples) {
  const std::string file = std::string(NICOL_SHARED_DIR) + "/data/keylength_examples.json";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "no examples beside this checkout";
  const Folder f;
  json mine{{"cases", json::array()}};
  std::map<std::string, json> expected;
  const json examples = json::parse(read_file(file));
  for (const auto& c : examples["cases"])
    for (const char* name :
         {"sp_variable", "sps_g2", "hypergeom_key_errors", "ekey_kl", "mismatch_deltas", "subset_unnoticed"})
      if (c["function"] == name) {
        mine["cases"].push_back({{"id", c["id"]}, {"function", c["function"]}, {"inputs", c["inputs"]}});
        expected[c["id"]] = c["expected"];
      }
  write_file(f / "cases.json", mine.dump());
  const Outcome o = nicol({"keylength", "--input", (f / "cases.json").string()});
  ASSERT_EQ(o.exit, 0) << o.err;
  const json results = json::parse(o.out);
  for (const auto& c : results["cases"])
    for (const auto& [name, value] : expected[c["id"]].items()) {
      ASSERT_TRUE(c.contains(name)) << c["id"] << " " << name;
      if (value.is_string())
        EXPECT_EQ(c[name], value) << c["id"];
      else if (name == "bits")
        EXPECT_NEAR(c[name].get<double>(), value.get<double>(), 1) << c["id"];
      else
        EXPECT_NEAR(c[name].get<double>(), value.get<double>(), std::max(1e-12, 1e-6 * std::abs(value.get<double>())))
            << c["id"] << " " << name;
    }
  EXPECT_GE(expected.size(), 20U);
}

TEST(KeysExport, HandsOutAKeyOnceToAFileOfItsOwner) {
  const Folder f;
  const std::string link = (f / "link").string();
  ASSERT_EQ(nicol({"init", link}).exit, 0);
  ASSERT_EQ(nicol({"run", "--config", link + "/alice.toml", "--blocks", "1", "--seed", "4"}).exit, 0);
  const json stats = json::parse(nicol({"keys", "stats", "--json", "--config", link + "/alice.toml"}).out);
  const std::string id = stats["keys"][0]["id"];
  const auto save = [&](const char* side, const char* to) {
    return nicol(
        {"keys", "export", "--config", link + "/" + side + ".toml", "--id", id, "--output", (f / to).string()});
  };
  ASSERT_EQ(save("alice", "a").exit, 0);
  ASSERT_EQ(save("bob", "b").exit, 0);
  EXPECT_EQ(read_file(f / "a"), read_file(f / "b"));
  EXPECT_EQ(read_file(f / "a").size(), (stats["keys"][0]["bits"].get<std::size_t>() + 7) / 8);
  struct stat s {};
  stat((f / "a").c_str(), &s);
  EXPECT_EQ(s.st_mode & 0777, 0600U);
  const Outcome again = save("alice", "c");
  EXPECT_EQ(again.exit, 1);
  EXPECT_NE(again.err.find("delivered"), std::string::npos) << again.err;
}

TEST(KeysExport, IsRefusedForSimulatedKeysWithoutConsent) {
  const Folder f;
  const std::string link = (f / "link").string();
  ASSERT_EQ(nicol({"init", link}).exit, 0);
  ASSERT_EQ(nicol({"run", "--config", link + "/alice.toml", "--blocks", "1", "--seed", "4"}).exit, 0);
  edit_file(f / "link/alice.toml", "allow_non_production = true", "allow_non_production = false");
  const Outcome o =
      nicol({"keys", "export", "--config", link + "/alice.toml", "--bits", "128", "--output", (f / "k").string()});
  EXPECT_EQ(o.exit, 1);
  EXPECT_NE(o.err.find("allow_non_production"), std::string::npos) << o.err;
  EXPECT_FALSE(std::filesystem::exists(f / "k"));
}

TEST(Doctor, SaysWhatTheProcessObtained) {
  const json j = json::parse(nicol({"doctor", "--json"}).out);
  std::vector<std::string> names;
  for (const auto& i : j["items"]) names.push_back(i["name"]);
  EXPECT_NE(std::find(names.begin(), names.end(), "core dumps off"), names.end());
  EXPECT_NE(std::find(names.begin(), names.end(), "carry-less multiply"), names.end());
}

}  // namespace
}  // namespace nicol::test
