// SPDX-License-Identifier: Apache-2.0
// The card's packets and event words, by hand.
#include <gtest/gtest.h>

#include "drivers/cqt-fx2/commands.hpp"
#include "drivers/cqt-fx2/event_decoder.hpp"

namespace nicol::cqt_fx2 {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes little_endian(std::uint64_t word) {
  Bytes bytes;
  for (unsigned shift = 0; shift < 64; shift += 8) bytes.push_back(static_cast<std::uint8_t>(word >> shift));
  return bytes;
}

std::vector<Event> decode_all(EventDecoder& decoder, std::span<const std::uint8_t> bytes) {
  std::vector<Event> events;
  while (const auto event = decoder.next(bytes)) events.push_back(*event);
  return events;
}

TEST(Fx2Packet, IsLengthCommandArgumentsAndTheirSum) {
  EXPECT_EQ(packet(Command::reset_counter), (Bytes{3, 1, 4}));
  EXPECT_EQ(packet(Command::start), (Bytes{3, 14, 17}));
  EXPECT_EQ(packet(Command::autoflush, std::uint8_t{1}), (Bytes{4, 13, 1, 18}));
  EXPECT_EQ(packet(Command::status, std::uint8_t{8}), (Bytes{4, 16, 8, 28}));
  EXPECT_EQ(packet(Command::watermark, std::uint16_t{3072}), (Bytes{5, 17, 0x00, 0x0c, 34}));
}

TEST(Fx2Packet, SumsModulo256) { EXPECT_EQ(packet(Command::autoflush, std::uint8_t{0xff}).back(), 0x10); }

TEST(Fx2Packet, SetsAConverterChannelInItsFourHighestBits) {
  EXPECT_EQ(dac_packet(Dac::threshold, 3586), (Bytes{5, 2, 0x02, 0x1e, 0x27}));
  EXPECT_EQ(dac_packet(Dac::skew, 0xffff), (Bytes{5, 2, 0xff, 0x3f, 0x45}));
}

TEST(Fx2Phases, AreReadFromText) {
  const auto table = PhaseTable::parse("6:5,497:13");
  ASSERT_TRUE(table.ok());
  EXPECT_EQ(table->sixteenths(6), 5);
  EXPECT_EQ(table->sixteenths(497), 13);
  EXPECT_EQ(table->sixteenths(7), std::nullopt);
  EXPECT_TRUE(PhaseTable::parse("")->empty());
}

TEST(Fx2Phases, ThatAreNoneAreRefused) {
  for (const char* bad : {"6", "6:", ":5", "512:0", "6:16", "6:5,,7:4", "six:5", "6:5:4", "-1:2"})
    EXPECT_EQ(PhaseTable::parse(bad).error().code, Code::bad_input) << bad;
}

TEST(Fx2Word, HoldsSlowCounterFastCounterPhaseAndInputs) {
  const auto phases = *PhaseTable::parse("6:5");
  const std::uint64_t word = std::uint64_t{3} << 24 | 0x4000 | 20 << 9 | 6;
  EXPECT_EQ(decode(word, phases), (Event{3 << 9 | 20 << 4 | 5, 0b0100, true}));
}

TEST(Fx2Word, HasItsInputsInTwoPairs) {
  for (unsigned inputs = 0; inputs < 16; ++inputs) {
    const std::uint64_t lines = std::uint64_t{inputs & 3} << 16 | std::uint64_t{inputs >> 2} << 14;
    EXPECT_EQ(decode(lines | 20 << 9, {}).inputs, inputs);
  }
}

TEST(Fx2Word, ShowsAnOldSlowCounterBelowAFastCountOf17) {
  EXPECT_EQ(decode(std::uint64_t{7} << 24 | 16 << 9, {}).time, 8u << 9 | 16u << 4);
  EXPECT_EQ(decode(std::uint64_t{7} << 24 | 17 << 9, {}).time, 7u << 9 | 17u << 4);
}

TEST(Fx2Word, CarriesThroughTheWholeSlowCounterAndRoundItsEnd) {
  EXPECT_EQ(decode(std::uint64_t{0xff} << 24, {}).time, std::uint64_t{0x100} << 9);
  EXPECT_EQ(decode(std::uint64_t{0xffffffffff} << 24, {}).time, 0u);
}

TEST(Fx2Word, WithoutATableCountsInStepsOfTwoNanoseconds) {
  const Event event = decode(20 << 9 | 0x1ff, {});
  EXPECT_EQ(event.time % 16, 0u);
  EXPECT_TRUE(event.phase_known);
}

TEST(Fx2Word, SaysWhenTheTableDoesNotKnowItsPhase) {
  EXPECT_FALSE(decode(20 << 9 | 9, *PhaseTable::parse("6:5")).phase_known);
}

TEST(Fx2Stream, IsTheSameWhereverItIsCut) {
  Bytes bytes = little_endian(0x10000 | 20 << 9);
  const Bytes second = little_endian(std::uint64_t{1} << 24 | 0x20000 | 20 << 9);
  bytes.insert(bytes.end(), second.begin(), second.end());
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    EventDecoder decoder;
    auto events = decode_all(decoder, std::span(bytes).first(cut));
    const auto rest = decode_all(decoder, std::span(bytes).subspan(cut));
    events.insert(events.end(), rest.begin(), rest.end());
    ASSERT_EQ(events.size(), 2u) << cut;
    EXPECT_EQ(events[0].inputs, 1) << cut;
    EXPECT_EQ(events[1].time, 1u << 9 | 20u << 4) << cut;
  }
}

TEST(Fx2Stream, PassesOverWordsOfZeros) {
  Bytes bytes(16, 0);
  const Bytes word = little_endian(0x10000 | 20 << 9);
  bytes.insert(bytes.end(), word.begin(), word.end());
  EventDecoder decoder;
  EXPECT_EQ(decode_all(decoder, bytes).size(), 1u);
}

}  // namespace
}  // namespace nicol::cqt_fx2
