// SPDX-License-Identifier: Apache-2.0
// tool sync and tool sift on recordings of a drawn pair source, as a script would call them.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <nlohmann/json.hpp>

#include "tests/integration/program.hpp"
#include "tests/support/pair_stream.hpp"

namespace nicol::test {
namespace {

using nlohmann::json;

PairSpec spec_of(std::uint64_t seed) {
  PairSpec spec;
  spec.seed = seed;
  spec.seconds = 3;
  spec.pairs = 5000;
  spec.background_alice = spec.background_bob = 20'000;
  spec.offset = -321'000'000'000, spec.frequency = 37e-6;
  spec.visibility = 0.94;
  spec.dummies = 100;
  spec.tick_alice = spec.tick_bob = {1000, 256};
  return spec;
}

class PairTools : public testing::Test {
 protected:
  void record(const PairSpec& spec) {
    streams_ = draw_pairs(spec);
    write_file(folder_ / "a", readevents(streams_.alice));
    write_file(folder_ / "b", readevents(streams_.bob));
  }
  Outcome run(const char* tool, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments{
        "tool", tool, "--alice", (folder_ / "a").string(), "--bob", (folder_ / "b").string(), "--format", "readevents"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return nicol(arguments);
  }
  Folder folder_;
  PairStreams streams_;
};

TEST_F(PairTools, SyncTellsHowTheClocksBelongTogether) {
  record(spec_of(1));
  const Outcome o = run("sync");
  ASSERT_EQ(o.exit, 0) << o.err;
  const json j = json::parse(o.out);
  EXPECT_NEAR(j["offset_ps"].get<double>(), streams_.offset_at_first(), 100);
  EXPECT_NEAR(j["frequency_ppb"].get<double>(), 37'000, 1);
  EXPECT_GT(j["significance_sigma"].get<double>(), 6);
  EXPECT_GT(j["window_ps"].get<int>(), 500);
  const auto pairs = static_cast<double>(streams_.pairs.size());
  EXPECT_NEAR(j["coincidences"].get<double>() - j["accidentals"].get<double>(), pairs, 0.02 * pairs);
}

TEST_F(PairTools, SyncOfNoisePrintsNullsAndFails) {
  PairSpec spec = spec_of(2);
  spec.pairs = 0;
  record(spec);
  const Outcome o = run("sync");
  EXPECT_EQ(o.exit, 1);
  const json j = json::parse(o.out);
  EXPECT_TRUE(j["offset_ps"].is_null());
  EXPECT_TRUE(j["frequency_ppb"].is_null());
  EXPECT_LT(j["significance_sigma"].get<double>(), 6);
}

TEST_F(PairTools, SiftGivesBitsThatAgreeAsTheVisibilitySays) {
  record(spec_of(3));
  const Outcome o = run("sift", {"--state", "psi-minus", "--alice-bits", (folder_ / "ka").string(), "--bob-bits",
                                 (folder_ / "kb").string()});
  ASSERT_EQ(o.exit, 0) << o.err;
  const json j = json::parse(o.out);
  const auto n = j["sifted_bits"].get<std::size_t>();
  EXPECT_NEAR(static_cast<double>(n), 0.5 * static_cast<double>(streams_.pairs.size()), 400);
  EXPECT_NEAR(j["qber"]["rectilinear"].get<double>(), 0.03, 0.015);
  EXPECT_NEAR(j["qber"]["diagonal"].get<double>(), 0.03, 0.015);
  EXPECT_EQ(j["double_clicks"].get<int>() < 100, true);
  const std::string a = read_file(folder_ / "ka"), b = read_file(folder_ / "kb");
  ASSERT_EQ(a.size(), (n + 7) / 8);
  ASSERT_EQ(b.size(), a.size());
  std::size_t errors = 0, ones = 0;
  for (std::size_t k = 0; k < a.size(); ++k) {
    errors += static_cast<std::size_t>(std::popcount(static_cast<unsigned char>(a[k] ^ b[k])));
    ones += static_cast<std::size_t>(std::popcount(static_cast<unsigned char>(a[k])));
  }
  EXPECT_NEAR(static_cast<double>(errors) / static_cast<double>(n), 0.03, 0.01);
  EXPECT_NEAR(static_cast<double>(ones) / static_cast<double>(n), 0.5, 0.03);
}

TEST_F(PairTools, SiftWithTheOtherStateDisagreesEverywhere) {
  PairSpec spec = spec_of(4);
  spec.state = PairState::phi_plus;
  record(spec);
  const json right = json::parse(run("sift", {"--state", "phi-plus"}).out);
  const json wrong = json::parse(run("sift", {"--state", "psi-minus"}).out);
  EXPECT_LT(right["qber"]["diagonal"].get<double>(), 0.06);
  EXPECT_GT(wrong["qber"]["diagonal"].get<double>(), 0.94);
}

TEST_F(PairTools, SiftDropsMultiClicksUnlessToldToDrawThem) {
  PairSpec spec = spec_of(5);
  spec.double_click_share = 0.1;
  record(spec);
  const json dropped = json::parse(run("sift", {"--state", "psi-minus"}).out);
  const Outcome o = run("sift", {"--state", "psi-minus", "--multi", "random:7"});
  const json drawn = json::parse(o.out);
  EXPECT_NEAR(dropped["double_clicks"].get<double>(), 0.1 * static_cast<double>(streams_.pairs.size()), 200);
  EXPECT_EQ(drawn["double_clicks"], dropped["double_clicks"]);
  EXPECT_GT(drawn["sifted_bits"].get<int>(), dropped["sifted_bits"].get<int>());
  EXPECT_EQ(run("sift", {"--state", "psi-minus", "--multi", "random:7"}).out, o.out);
}

TEST_F(PairTools, SiftTakesTheWindowItIsGiven) {
  record(spec_of(6));
  const json j = json::parse(run("sift", {"--state", "psi-minus", "--window-ps", "400"}).out);
  EXPECT_EQ(j["window_ps"].get<int>(), 400);
  EXPECT_LT(j["coincidences"].get<double>(), 0.5 * static_cast<double>(streams_.pairs.size()));
}

TEST_F(PairTools, RefuseBadUsage) {
  PairSpec spec = spec_of(7);
  spec.seconds = 0.01;
  record(spec);
  EXPECT_EQ(run("sift", {"--state", "singlet"}).exit, 2);
  EXPECT_EQ(run("sift", {"--state", "psi-minus", "--multi", "random:x"}).exit, 2);
  EXPECT_EQ(run("sift", {"--state", "psi-minus", "--window-ps", "0"}).exit, 2);
  EXPECT_EQ(run("sift", {"--state", "psi-minus", "--alice-bits", (folder_ / "k").string()}).exit, 2);
  EXPECT_EQ(run("sift").exit, 2);
  EXPECT_EQ(nicol({"tool", "sync", "--alice", (folder_ / "a").string(), "--bob", (folder_ / "none").string(),
                   "--format", "readevents"})
                .exit,
            2);
  const Outcome format = nicol(
      {"tool", "sync", "--alice", (folder_ / "a").string(), "--bob", (folder_ / "b").string(), "--format", "wav"});
  EXPECT_EQ(format.exit, 2);
  EXPECT_NE(format.err.find("readevents-hex"), std::string::npos);
  write_file(folder_ / "b", "cut short");
  const Outcome cut = run("sync");
  EXPECT_EQ(cut.exit, 2);
  EXPECT_NE(cut.err.find("byte"), std::string::npos);
}

}  // namespace
}  // namespace nicol::test
