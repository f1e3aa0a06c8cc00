// SPDX-License-Identifier: Apache-2.0
// nicol replay --sent --bob: what Alice sent, and a foreign recording of Bob's tags, slots by a sync channel.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "controller/detection/clock/public_pattern.hpp"
#include "drivers/hal/random.hpp"
#include "tests/integration/program.hpp"

namespace nicol::test {
namespace {

using nlohmann::json;

constexpr std::int64_t kSlot = 100'000, kClockOff = 7;  // ps; Bob's clock gains 7 ps a slot: 70 ppm
constexpr std::uint64_t kSlots = 400'000, kDivider = 100;

/// Public slots, for a link without sync.
detection::PublicPattern pattern() {
  detection::PatternLayout layout;
  layout.seed = 77;
  layout.slots = kSlots;
  layout.preamble = 40'000;
  layout.tail = 8'000;
  return detection::PublicPattern::make(layout).value();
}

/// A link without lost slots, one click in ten, two in a hundred wrong; and its two files.
class SentRecording : public testing::Test {
 protected:
  enum class Clock : std::uint8_t { sync, free };
  void draw(Clock clock) {
    const auto known = pattern();
    CounterStream coins({.seed = 8});
    std::string sent(kSlots / 4, '\0'), tags = "channel,time_ps\n";
    for (std::uint64_t k = 0; k < kSlots; ++k) {
      const std::uint64_t c = coins();
      unsigned basis = c & 1U, bit = (c >> 1) & 1U;
      if (const auto told = clock == Clock::free ? known.bit(k) : std::nullopt) basis = 0, bit = *told ? 1 : 0;
      sent[k / 4] = static_cast<char>(static_cast<unsigned char>(sent[k / 4]) | (basis | bit << 1) << (2 * (k % 4)));
      const std::int64_t time = 5'000'000 + static_cast<std::int64_t>(k) * (kSlot + kClockOff);
      if (clock == Clock::sync && k % kDivider == 0) tags += fmt::format("4,{}\n", time);
      if ((c >> 8) % 10 != 0) continue;
      const unsigned his_basis = (c >> 2) & 1U, coin = (c >> 3) & 1U, wrong = (c >> 32) % 50 == 0 ? 1U : 0U;
      const unsigned his_bit = his_basis == basis ? bit ^ wrong : coin;
      tags +=
          fmt::format("{},{}\n", 2 * his_bit + his_basis, time + 2'000 + static_cast<std::int64_t>((c >> 40) % 200));
    }
    write_file(folder_ / "sent", sent);
    write_file(folder_ / "bob.csv", tags);
  }
  SentRecording() { draw(Clock::sync); }
  Outcome replay(std::vector<std::string> more = {"--sync", "4", "--sync-divider", "100"}) const {
    std::vector<std::string> all{"--json",   "replay", "--sent",    folder_ / "sent", "--bob",      folder_ / "bob.csv",
                                 "--format", "csv",    "--slot-ps", "100000",         "--delay-ps", "2100"};
    all.insert(all.end(), more.begin(), more.end());
    return nicol(all);
  }
  Folder folder_;
};

TEST_F(SentRecording, SaysWhatTheKeyWouldHaveBeen) {
  const Outcome o = replay();
  ASSERT_EQ(o.exit, 0) << o.err << o.out;
  const json j = json::parse(o.out);
  EXPECT_EQ(j["schema"], "nicol.offline/1");
  EXPECT_EQ(j["slots"], kSlots);
  EXPECT_NEAR(j["detections"].get<double>(), 40'000, 1'000);
  EXPECT_NEAR(j["sifted_bits"].get<double>(), 20'000, 800);
  ASSERT_EQ(j["blocks"].size(), 1u);
  const json& b = j["blocks"][0];
  EXPECT_NEAR(b["qber"]["diagonal"].get<double>(), 0.02, 0.008);
  EXPECT_TRUE(b["no_key_because"].is_null()) << b.dump();
  EXPECT_GT(b["would_be_secret_bits"], 1'000);
}

TEST_F(SentRecording, FindsItsSlotsByThePublicOnesWhereClocksAreFree) {
  draw(Clock::free);
  const Outcome o = replay({"--preamble", "40000", "--tail", "8000", "--pattern-seed", "77"});
  ASSERT_EQ(o.exit, 0) << o.err << o.out;
  const json j = json::parse(o.out);
  EXPECT_NEAR(j["clock"]["frequency_ppb"].get<double>(), 70'000, 500);
  EXPECT_LT(j["blocks"][0]["qber"]["diagonal"].get<double>(), 0.03);
  EXPECT_GT(j["would_be_secret_bits"], 500);
  EXPECT_LT(j["detections"], 35'200);  // public slots are no key
}

TEST_F(SentRecording, OfOtherBitsHasNoKey) {
  std::string sent = read_file(folder_ / "sent");
  std::rotate(sent.begin(), sent.begin() + 1, sent.end());  // four slots off
  write_file(folder_ / "sent", sent);
  const Outcome o = replay();
  EXPECT_EQ(o.exit, 1) << o.err;
  EXPECT_EQ(json::parse(o.out)["blocks"][0]["no_key_because"], "qber");
}

TEST_F(SentRecording, NeedsSomethingThatNumbersSlots) {
  const Outcome o = replay({});
  EXPECT_EQ(o.exit, 2);
  EXPECT_NE(o.err.find("no slot clock: expected --sync CHANNEL"), std::string::npos) << o.err;
}

TEST_F(SentRecording, IsRefusedByFileAndLine) {
  write_file(folder_ / "bob.csv", read_file(folder_ / "bob.csv") + "9,what\n");
  const Outcome o = replay();
  EXPECT_EQ(o.exit, 2);
  EXPECT_NE(o.err.find("bob.csv"), std::string::npos) << o.err;
  EXPECT_NE(o.err.find("line "), std::string::npos) << o.err;
}

TEST_F(SentRecording, IsRefusedWhereAChannelStandsForTwoThings) {
  const Outcome o = replay({"--sync", "3"});
  EXPECT_EQ(o.exit, 2);
  EXPECT_NE(o.err.find("channel 3 stands for two things"), std::string::npos) << o.err;
}

TEST_F(SentRecording, IsRefusedWithoutWhatAliceSent) {
  write_file(folder_ / "sent", "");
  const Outcome o = replay();
  EXPECT_EQ(o.exit, 2);
  EXPECT_NE(o.err.find("sent: byte 0"), std::string::npos) << o.err;
}

}  // namespace
}  // namespace nicol::test
