// SPDX-License-Identifier: Apache-2.0
// Settings into pattern frames, and what a board's refusals mean.
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "drivers/hal/random.hpp"
#include "drivers/rig/pattern.hpp"
#include "drivers/rig/refusal.hpp"

namespace nicol::rig {
namespace {

std::vector<std::uint64_t> random_words(std::size_t words, std::uint64_t index) {
  std::vector<std::uint64_t> out(words);
  CounterStream({1, NodeId::alice, Purpose::test, index}).fill(std::as_writable_bytes(std::span(out)));
  return out;
}
unsigned bit_at(const std::vector<std::uint64_t>& words, std::size_t k) { return words[k / 64] >> k % 64 & 1; }

TEST(RigPacking, GivesTheBytesOfTheProtocolsExample) {
  // PROTOCOL.md 4.2: states 0, 1, 2, 3, 2 are e4 02. Lower bit the bit, upper the basis.
  const std::vector<std::uint64_t> bits{0b01010}, bases{0b11100};
  std::array<std::uint8_t, 2> out{};
  pack_slots(bits, bases, 0, 5, out);
  EXPECT_EQ(out, (std::array<std::uint8_t, 2>{0xe4, 0x02}));
}

TEST(RigPacking, PutsEverySlotWhereItBelongsFromAnyBeginning) {
  const auto bits = random_words(6, 1), bases = random_words(6, 2);
  for (const std::size_t first : {0u, 1u, 31u, 32u, 33u, 63u, 64u, 100u}) {
    for (const std::size_t slots : {1u, 3u, 4u, 31u, 32u, 33u, 64u, 65u, 200u}) {
      std::vector<std::uint8_t> out(fw::packed_bytes(slots), 0xff);
      pack_slots(bits, bases, first, slots, out);
      for (std::size_t k = 0; k < slots; ++k)
        ASSERT_EQ(fw::packed_pair(out, k), bit_at(bits, first + k) | bit_at(bases, first + k) << 1)
            << "slot " << k << " of " << slots << " from " << first;
    }
  }
}

TEST(RigPacking, LeavesUnusedBitsZero) {
  const std::vector<std::uint64_t> ones{~std::uint64_t{0}};
  for (std::size_t slots = 1; slots <= 32; ++slots) {
    std::vector<std::uint8_t> out(fw::packed_bytes(slots), 0xff);
    pack_slots(ones, ones, 0, slots, out);
    if (slots % 4 != 0) {
      EXPECT_EQ(out.back() >> 2 * (slots % 4), 0) << slots;
    }
  }
}

TEST(RigPacking, NeverMakesAFrameThatFillsItsPackets) {
  for (std::size_t slots = 1; slots <= fw::most_chunk_slots(0) + 5; ++slots) {
    const std::size_t n = slots_of_a_frame(slots, fw::most_chunk_slots(0), 1);
    ASSERT_GT(n, 0u) << slots;
    ASSERT_LE(n, slots);
    const std::size_t frame =
        fw::kHeaderBytes + fw::PatternChunk::kFixedBytes + fw::packed_bytes(n) + fw::kTrailerBytes;
    ASSERT_NE(frame % 64, 0u) << slots;
  }
}

TEST(RigRefusals, SayWhatToDo) {
  const Error homed = refusal_error({static_cast<std::uint16_t>(fw::Nack::not_homed), 0}, "moving axis-0", "NIC001");
  EXPECT_EQ(homed.code, Code::not_homed);
  EXPECT_EQ(homed.message, "moving axis-0: home this axis first");
  const Error fault =
      refusal_error({static_cast<std::uint16_t>(fw::Nack::fault_latched), fw::kFaultInterlock}, "x", "");
  EXPECT_EQ(fault.code, Code::unsafe_state);
  EXPECT_NE(fault.message.find("interlock opened"), std::string::npos);
  const Error bright = refusal_error(
      {static_cast<std::uint16_t>(fw::Nack::fault_latched), fw::kFaultOverRate | fw::kFaultCommanded}, "x", "");
  EXPECT_EQ(bright.code, Code::over_rate);
  EXPECT_NE(bright.message.find("x: bright light: "), std::string::npos);
  EXPECT_NE(bright.message.find("count rate over its limit"), std::string::npos);
  const Error unknown = refusal_error({77, 0}, "x", "");
  EXPECT_EQ(unknown.code, Code::protocol);
}

TEST(RigHello, OfAnotherMajorAsksForNewFirmware) {
  fw::Hello hello;
  hello.schema_hash = fw::schema_hash();
  EXPECT_FALSE(incompatible(hello, "x").has_value());
  hello.proto_min = hello.proto_max = 0;
  auto why = incompatible(hello, "x");
  ASSERT_TRUE(why);
  EXPECT_EQ(why->code, Code::incompatible_firmware);
  EXPECT_NE(why->message.find("update the firmware"), std::string::npos);
  hello.proto_min = hello.proto_max = 2;
  why = incompatible(hello, "x");
  ASSERT_TRUE(why);
  EXPECT_NE(why->message.find("update the program"), std::string::npos);
}

TEST(RigHello, WithAnotherSchemaNamesBothHashes) {
  fw::Hello hello;
  hello.schema_hash = 0x12345678;
  const auto why = incompatible(hello, "x");
  ASSERT_TRUE(why);
  EXPECT_NE(why->message.find("12345678"), std::string::npos);
  EXPECT_NE(why->message.find("4a43bbbb"), std::string::npos);
}

TEST(RigHello, WithAnUnknownDemandIsRefusedAndWithAnUnknownOfferNot) {
  fw::Hello hello;
  hello.schema_hash = fw::schema_hash();
  hello.compat = 0x80;
  EXPECT_FALSE(incompatible(hello, "x").has_value());
  hello.incompat = 0x4;
  ASSERT_TRUE(incompatible(hello, "x"));
  EXPECT_NE(incompatible(hello, "x")->message.find("0x4"), std::string::npos);
}

TEST(RigHello, ThatRefusesOursIsReadByItsVersion) {
  EXPECT_NE(refused_hello(2, {}, "").message.find("update this program"), std::string::npos);
  EXPECT_NE(refused_hello(0, {}, "").message.find("update firmware"), std::string::npos);
}

}  // namespace
}  // namespace nicol::rig
