// SPDX-License-Identifier: Apache-2.0
// The emulated TDC1 by itself: what it says in text and in words.
#include <gtest/gtest.h>

#include "sim/emulators/tdc1.hpp"

namespace nicol::sim {
namespace {

struct Host {
  explicit Host(Tdc1Options options = {}) : device(std::move(options)) {}
  std::string ask(std::string_view command, double seconds = 0.001) {
    say(command);
    const auto bytes = hear(seconds);
    return {bytes.begin(), bytes.end()};
  }
  void say(std::string_view command) {
    std::string text(command);
    text += "\r\n";
    device.receive(std::vector<std::uint8_t>(text.begin(), text.end()), now);
  }
  std::vector<std::uint8_t> hear(double seconds) {
    now += Picoseconds::seconds(seconds);
    std::vector<std::uint8_t> out;
    device.collect(out, now);
    return out;
  }
  std::vector<std::uint32_t> words(double seconds) {
    const auto bytes = hear(seconds);
    EXPECT_EQ(bytes.size() % 4, 0u);
    std::vector<std::uint32_t> out;
    for (std::size_t i = 0; i + 4 <= bytes.size(); i += 4)
      out.push_back(bytes[i] | std::uint32_t{bytes[i + 1]} << 8 | std::uint32_t{bytes[i + 2]} << 16 |
                    std::uint32_t{bytes[i + 3]} << 24);
    return out;
  }
  Tdc1Emulator device;
  Picoseconds now{};
};

TEST(Tdc1Emulator, AnswersInText) {
  Host host;
  EXPECT_NE(host.ask("*IDN?").find("TDC1"), std::string::npos);
  EXPECT_EQ(host.ask("mode?"), "0\r\n");
  EXPECT_EQ(host.ask("time 65535;time?"), "-1\r\n");
  EXPECT_EQ(host.ask("status?"), "0000 \r\n");
  EXPECT_EQ(host.ask("POS 0.5;level?"), "0.5 V\r\n");
}

TEST(Tdc1Emulator, WritesTheWordsOfTheManual) {
  Host host;
  host.device.add_tags({});
  host.say("time 0;timestamp;counts?");
  host.device.add_tags({{{2000}, 0}});
  EXPECT_EQ(host.words(0.001), std::vector<std::uint32_t>{0x00000021});
}

TEST(Tdc1Emulator, WrapsAtTwoToTheTwentySevenTicks) {
  Host host;
  host.say("time 0;timestamp;counts?");
  constexpr std::int64_t kWrap = (std::int64_t{1} << 27) * 2000;
  host.device.add_tags({{{kWrap - 2000}, 1}, {{kWrap}, 2}});
  const auto words = host.words(0.3);
  ASSERT_GE(words.size(), 3u);
  EXPECT_EQ(words[words.size() - 2], 0xFFFFFFE2u);
  EXPECT_EQ(words.back(), 0x00000004u);
}

TEST(Tdc1Emulator, SendsADummyEvery140MillisecondsInTheDark) {
  Host host;
  host.say("time 0;timestamp;counts?");
  const auto words = host.words(1.0);
  EXPECT_EQ(words.size(), 7u);
  for (const auto word : words) EXPECT_EQ(word & 0x1F, 0x10u);
}

TEST(Tdc1Emulator, MergesInputsOfOneTick) {
  Host host;
  host.say("time 0;timestamp;counts?");
  host.device.add_tags({{{4000}, 0}, {{5999}, 2}});
  EXPECT_EQ(host.words(0.001), std::vector<std::uint32_t>{0x00000045});
}

TEST(Tdc1Emulator, CountsSinglesAndPairsForTheTimeSet) {
  Host host;
  host.say("time 100;singles;counts?");
  host.device.add_tags({{{1000}, 0}, {{1500}, 2}, {{9'000'000}, 2}});
  EXPECT_EQ(host.ask("", 0.05), "");
  EXPECT_EQ(host.ask("", 0.06), "1 0 2 0\r\n");
  host.say("pairs;counts?");
  host.device.add_tags({{{1000}, 0}, {{1500}, 2}, {{9'000'000}, 2}});
  EXPECT_EQ(host.ask("", 0.11), "1 0 2 0 1 0 0 0\r\n");
}

TEST(Tdc1Emulator, SaysAnOverflowInTheStatusOnly) {
  Tdc1Options options;
  options.fifo_words = 4;
  options.drained_hz = 1;
  options.overflow_bit = Tdc1OverflowBit::stays;
  Host host(options);
  host.say("time 0;timestamp;counts?");
  std::vector<Tdc1Tag> tags;
  for (int i = 1; i <= 10; ++i) tags.push_back({{i * 2000}, 0});
  host.device.add_tags(tags);
  EXPECT_EQ(host.words(0.001).size(), 4u);
  EXPECT_EQ(host.device.lost_words(), 6u);
  EXPECT_EQ(host.ask("abort;status?"), "0010 \r\n");
  EXPECT_EQ(host.ask("status?"), "0010 \r\n");
  EXPECT_EQ(host.ask("*RST;status?"), "0000 \r\n");
}

TEST(Tdc1Emulator, WantsTheTerminatorTwiceWhereItDoes) {
  Tdc1Options options;
  options.terminator = Tdc1Terminator::twice;
  Host host(options);
  EXPECT_EQ(host.ask("mode?"), "");
  EXPECT_EQ(host.ask(""), "0\r\n");
}

TEST(Tdc1Emulator, SwapsTwoInputsWhenItIsThatMutant) {
  Tdc1Options options;
  options.mutant = Tdc1Mutant::swaps_inputs;
  Host host(options);
  host.say("time 0;timestamp;counts?");
  host.device.add_tags({{{2000}, 0}});
  EXPECT_EQ(host.words(0.001), std::vector<std::uint32_t>{0x00000022});
}

TEST(Tdc1Emulator, GivesPoissonLightOfTheRateAskedFor) {
  const auto light = poisson_light({1e5, 0, 0, 1e4}, 5);
  std::vector<Tdc1Tag> tags;
  light({}, Picoseconds::seconds(1), tags);
  std::array<int, 4> counts{};
  for (const auto& tag : tags) ++counts[tag.channel];
  EXPECT_NEAR(counts[0], 1e5, 5 * 317);
  EXPECT_EQ(counts[1], 0);
  EXPECT_NEAR(counts[3], 1e4, 5 * 100);
}

}  // namespace
}  // namespace nicol::sim
