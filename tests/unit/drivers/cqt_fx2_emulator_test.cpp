// SPDX-License-Identifier: Apache-2.0
// The emulated card alone, spoken to with bytes written by hand.
#include <gtest/gtest.h>

#include "drivers/cqt-fx2/event_decoder.hpp"
#include "sim/emulators/cqt_fx2.hpp"

namespace nicol::sim {
namespace {

using Bytes = std::vector<std::uint8_t>;

struct Card {
  Fx2Emulator emulator{Fx2Options{}};
  Picoseconds now;
  void say(Bytes bytes) { EXPECT_EQ(emulator.out(0x01, bytes, now), static_cast<int>(bytes.size())); }
  void start() {
    say({3, 1, 4});
    say({3, 14, 17});
    say({3, 8, 11});
  }
  Bytes hear(std::uint8_t endpoint) {
    Bytes bytes(16'384);
    bytes.resize(static_cast<std::size_t>(emulator.in(endpoint, bytes, now)));
    return bytes;
  }
  void pass(double seconds) { now += Picoseconds::seconds(seconds); }
};

TEST(Fx2Emulator, HasItsEndpointsInAlternateSettingOne) {
  const Bytes d = Card().emulator.identity().descriptors;
  const Bytes vendor(d.begin() + 8, d.begin() + 12);
  EXPECT_EQ(vendor, (Bytes{0xb4, 0x04, 0x34, 0x12}));
  EXPECT_EQ(d[18 + 2], d.size() - 18);
  EXPECT_EQ(d[27 + 4], 0) << "alternate setting 0 has no endpoint";
  EXPECT_EQ(d[36 + 3], 1);
  EXPECT_EQ(d[36 + 4], 3);
}

TEST(Fx2Emulator, RefusesAWrongSumAndAWrongLength) {
  Card card;
  for (const Bytes& bad : {Bytes{3, 8, 12}, Bytes{4, 8, 12}, Bytes{3, 8}, Bytes{}}) card.emulator.out(1, bad, card.now);
  EXPECT_EQ(card.emulator.refused(), 4u);
  card.say({3, 14, 17});
  EXPECT_FALSE(card.emulator.sampling());
}

TEST(Fx2Emulator, SetsItsConverter) {
  Card card;
  card.say({5, 2, 0x02, 0x1e, 0x27});
  EXPECT_EQ(card.emulator.dac(1), 3586);
}

TEST(Fx2Emulator, AnswersItsStatusInOneByte) {
  Card card;
  card.say({4, 16, 0, 20});
  EXPECT_EQ(card.hear(0x81), Bytes{0x80}) << "inhibited";
  card.say({4, 16, 8, 28});
  EXPECT_EQ(card.hear(0x81), Bytes{0});
  EXPECT_TRUE(card.hear(0x81).empty());
}

TEST(Fx2Emulator, SendsAShortPacketOnlyWhenFlushed) {
  Card card;
  card.start();
  card.emulator.add_tags({{{1'000'000}, 2}});
  card.pass(0.01);
  EXPECT_TRUE(card.hear(0x82).empty());
  card.say({4, 13, 1, 18});
  card.pass(0.04);
  EXPECT_EQ(card.hear(0x82).size(), 8u);
}

TEST(Fx2Emulator, SendsWhatIsLeftWhenStopped) {
  Card card;
  card.start();
  card.emulator.add_tags({{{1'000'000}, 2}});
  card.pass(0.01);
  card.say({3, 12, 15});
  EXPECT_EQ(card.hear(0x82).size(), 8u);
}

TEST(Fx2Emulator, TellsEveryTimeAndInputToTheTick) {
  Card card;
  card.start();
  std::vector<Fx2Tag> tags;
  for (std::int64_t i = 0; i < 500; ++i) tags.push_back({{1000 + i * 131'375}, static_cast<unsigned>(i % 4)});
  card.emulator.add_tags(tags);
  card.pass(0.01);
  card.say({3, 12, 15});
  const Bytes bytes = card.hear(0x82);
  cqt_fx2::EventDecoder decoder(*cqt_fx2::PhaseTable::parse(Fx2Emulator::phase_table()));
  std::span<const std::uint8_t> left(bytes);
  for (const Fx2Tag& tag : tags) {
    const auto event = decoder.next(left);
    ASSERT_TRUE(event.has_value());
    EXPECT_EQ(event->time, static_cast<std::uint64_t>(tag.time.count / 125));
    EXPECT_EQ(event->inputs, 1U << tag.channel);
    EXPECT_TRUE(event->phase_known);
  }
}

TEST(Fx2Emulator, ClosesItsInputsWhileItsFifoIsTooFull) {
  Card card;
  card.start();
  std::vector<Fx2Tag> tags;
  for (std::int64_t i = 0; i < 5000; ++i) tags.push_back({{i * 10'000}, 0});
  card.emulator.add_tags(tags);
  card.now = {49'000'000};
  card.say({4, 16, 8, 28});
  EXPECT_EQ(card.hear(0x81), Bytes{1});
  card.pass(0.01);
  card.say({4, 16, 8, 28});
  EXPECT_EQ(card.hear(0x81), Bytes{0});
  EXPECT_GT(card.emulator.lost_events(), 1500u);
}

TEST(Fx2Emulator, IsInAKnownStateAfterAPowerCycle) {
  Card card;
  card.start();
  card.emulator.power_cycle();
  EXPECT_FALSE(card.emulator.sampling());
  EXPECT_TRUE(card.hear(0x82).empty());
}

}  // namespace
}  // namespace nicol::sim
