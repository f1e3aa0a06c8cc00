// SPDX-License-Identifier: Apache-2.0
// nicol replay --alice --bob: two foreign recordings of pairs, and what the key would have been.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/integration/program.hpp"
#include "tests/support/pair_stream.hpp"

namespace nicol::test {
namespace {

using nlohmann::json;

class ForeignRecording : public testing::Test {
 protected:
  Outcome replay(double visibility, const std::string& state = "psi-minus", const std::string& block = "1000000") {
    PairSpec spec;
    spec.seed = 11;
    spec.seconds = 4;
    spec.pairs = 12'000;
    spec.background_alice = spec.background_bob = 5'000;
    spec.visibility = visibility;
    spec.tick_alice = spec.tick_bob = {1000, 256};
    const PairStreams streams = draw_pairs(spec);
    write_file(folder_ / "a", readevents(streams.alice));
    write_file(folder_ / "b", readevents(streams.bob));
    return nicol({"--json", "replay", "--alice", (folder_ / "a").string(), "--bob", (folder_ / "b").string(),
                  "--format", "readevents", "--state", state, "--block-bits", block});
  }
  Folder folder_;
};

TEST_F(ForeignRecording, SaysWhatTheKeyWouldHaveBeen) {
  const Outcome o = replay(0.97);
  ASSERT_EQ(o.exit, 0) << o.err << o.out;
  const json j = json::parse(o.out);
  ASSERT_EQ(j["blocks"].size(), 1u);
  const json& b = j["blocks"][0];
  EXPECT_NEAR(b["sifted_bits"].get<double>(), 24'000, 1'000);
  EXPECT_NEAR(b["qber"]["diagonal"].get<double>(), 0.015, 0.006);
  EXPECT_TRUE(b["no_key_because"].is_null());
  EXPECT_GT(b["would_be_secret_bits"], 1'000);
  EXPECT_LT(b["would_be_secret_bits"], b["sifted_bits"]);
}

TEST_F(ForeignRecording, GivesTheLengthThatKeylengthGives) {
  const Outcome o = replay(0.97);
  ASSERT_EQ(o.exit, 0) << o.err;
  const json b = json::parse(o.out)["blocks"][0];
  write_file(folder_ / "cases.json", json{{"cases", json::array({b["keylength"]})}}.dump());
  const Outcome length = nicol({"--json", "keylength", "--input", (folder_ / "cases.json").string()});
  ASSERT_EQ(length.exit, 0) << length.err;
  EXPECT_NE(length.out.find(std::to_string(b["would_be_secret_bits"].get<std::uint64_t>() + 32)), std::string::npos)
      << length.out;
}

TEST_F(ForeignRecording, IsCutIntoBlocks) {
  const Outcome o = replay(0.97, "psi-minus", "5000");
  const json j = json::parse(o.out);
  ASSERT_GE(j["blocks"].size(), 4u);
  for (std::size_t i = 0; i + 1 < j["blocks"].size(); ++i) EXPECT_EQ(j["blocks"][i]["sifted_bits"], 5000);
}

TEST_F(ForeignRecording, OfADisturbedLinkHasNoKey) {
  const Outcome o = replay(0.6);
  EXPECT_EQ(o.exit, 1);
  const json j = json::parse(o.out);
  ASSERT_FALSE(j["blocks"].empty());
  EXPECT_EQ(j["blocks"][0]["no_key_because"], "qber");
  EXPECT_EQ(j["would_be_secret_bits"], 0);
}

TEST_F(ForeignRecording, OfTheOtherStateHasNoKey) {
  const Outcome o = replay(0.97, "phi-plus");
  EXPECT_EQ(o.exit, 1);
  EXPECT_EQ(json::parse(o.out)["blocks"][0]["no_key_because"], "qber");
}

TEST_F(ForeignRecording, NeedsAStateThatExists) {
  const Outcome o = replay(0.97, "psi");
  EXPECT_EQ(o.exit, 2);
  EXPECT_NE(o.err.find("psi-minus or phi-plus"), std::string::npos) << o.err;
}

}  // namespace
}  // namespace nicol::test
