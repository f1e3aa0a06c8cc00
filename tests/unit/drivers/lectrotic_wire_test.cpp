// SPDX-License-Identifier: Apache-2.0
// The LectroTIC-4's bytes: commands, replies, and records written out by hand from their description.
#include <gtest/gtest.h>

#include <string_view>
#include <vector>

#include "drivers/lectrotic/commands.hpp"
#include "drivers/lectrotic/records.hpp"

namespace nicol::lectrotic {
namespace {

using Bytes = std::vector<std::uint8_t>;
using Kind = StreamItem::Kind;

std::vector<StreamItem> decode(StreamDecoder& decoder, std::span<const std::uint8_t> bytes) {
  std::vector<StreamItem> items;
  while (const auto item = decoder.next(bytes)) items.push_back(*item);
  return items;
}
StreamItem only(const Bytes& bytes) {
  StreamDecoder decoder;
  const auto items = decode(decoder, bytes);
  EXPECT_EQ(items.size(), 1u);
  return items.empty() ? StreamItem{} : items.front();
}

TEST(LectroticCommands, StartWithSettingsRecordsAndAnEmptyOutput) {
  Inputs inputs;
  inputs[1] = {hal::Edge::falling, 8};
  EXPECT_EQ(start_command(inputs),
            "OUTP:STAT OFF\n"
            "INP0:SLOP POS\nINP0:DIV 1\nINP1:SLOP NEG\nINP1:DIV 8\n"
            "INP2:SLOP POS\nINP2:DIV 1\nINP3:SLOP POS\nINP3:DIV 1\n"
            "FORM:DATA BIN\nOUTP:CLE\nOUTP:STAT ON\n");
}

TEST(LectroticReplies, AreReadAsTheDeviceWritesThem) {
  EXPECT_EQ(parse_identity("Lectrobox,LectroTIC-4,1.2\r"), "Lectrobox,LectroTIC-4,1.2");
  EXPECT_EQ(parse_error("0,\"No error\""), 0);
  EXPECT_EQ(parse_error("+0,\"No error\""), 0);
  EXPECT_EQ(parse_error("-113,\"Undefined header\""), -113);
}

TEST(LectroticReplies, AnIdentityIsFoundBehindTheEndOfAStream) {
  EXPECT_EQ(parse_identity("\x03\x80 4.5Lectrobox,LectroTIC-4"), "Lectrobox,LectroTIC-4");
}

TEST(LectroticReplies, ThatAreNoneAreRefused) {
  for (const char* bad : {"", "Lectrobox", "0 5293.585203496 +"}) EXPECT_FALSE(parse_identity(bad)) << bad;
  for (const char* bad : {"", "0", "x,1", "# output cleared"}) EXPECT_FALSE(parse_error(bad)) << bad;
}

TEST(LectroticRecord, IsSecondsAndTicksOfFourNanoseconds) {
  // 5293 s = 0x14AD; channel 0, rising (bit 29), tick 146300874 = 0x8B85FCA: 5293.585203496 s.
  const StreamItem item = only({0xAD, 0x14, 0x00, 0x00, 0xCA, 0x5F, 0xB8, 0x28});
  EXPECT_EQ(item.kind, Kind::tag);
  EXPECT_EQ(item.channel, 0);
  EXPECT_EQ(item.edge, hal::Edge::rising);
  EXPECT_EQ(item.ticks, 5293LL * 250'000'000 + 146'300'874);
}

TEST(LectroticRecord, NamesItsChannelInTheTopBits) {
  for (std::uint8_t channel = 0; channel < 4; ++channel) {
    const auto top = static_cast<std::uint8_t>(channel << 6 | 0x20);
    EXPECT_EQ(only({1, 0, 0, 0, 5, 0, 0, top}).channel, channel);
  }
}

TEST(LectroticRecord, TellsAFallingEdgeByBit29) {
  EXPECT_EQ(only({1, 0, 0, 0, 5, 0, 0, 0xC0}).edge, hal::Edge::falling);
}

TEST(LectroticRecord, HoldsTheLastTickOfTheLastSecond) {
  // 249999999 = 0xEE6B27F, 2^32 - 1 seconds
  const StreamItem item = only({0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0xB2, 0xE6, 0x2E});
  EXPECT_EQ(item.ticks, 4'294'967'295LL * 250'000'000 + 249'999'999);
}

TEST(LectroticRecord, WithMoreTicksThanASecondHasIsCorrupt) {
  EXPECT_EQ(only({1, 0, 0, 0, 0x80, 0xB2, 0xE6, 0x2E}).kind, Kind::corrupt);
}

TEST(LectroticSpecial, ClearedIsAlwaysTheSameEightBytes) {
  EXPECT_EQ(only({0, 0, 0, 0, 0, 0, 0, 0x10}).kind, Kind::cleared);
  EXPECT_EQ(Bytes(kCleared.begin(), kCleared.end()), (Bytes{0, 0, 0, 0, 0, 0, 0, 0x10}));
}

TEST(LectroticSpecial, LostNamesTheChannelAndBothCounts) {
  const StreamItem item = only({0x07, 0x00, 0x2C, 0x01, 0x01, 0, 0, 0x90});
  EXPECT_EQ(item.kind, Kind::lost);
  EXPECT_EQ(item.channel, 2);
  EXPECT_EQ(item.too_close, 7);
  EXPECT_EQ(item.overflowed, 300);
}

TEST(LectroticSpecial, TwoIsTheOscillator) {
  EXPECT_EQ(only({0, 0, 0, 0, 2, 0, 0, 0x10}).kind, Kind::oscillator_failed);
}

TEST(LectroticSpecial, OfAnotherKindIsCorrupt) { EXPECT_EQ(only({0, 0, 0, 0, 3, 0, 0, 0x10}).kind, Kind::corrupt); }

TEST(LectroticStream, GoesOnAfterTheIdentityWhereverTheBytesAreCut) {
  Bytes bytes{1, 0, 0, 0, 5, 0, 0, 0x20};
  for (const char c : std::string_view("Lectrobox,LectroTIC-4,1.0\n")) bytes.push_back(static_cast<std::uint8_t>(c));
  const Bytes last{2, 0, 0, 0, 6, 0, 0, 0x60};
  bytes.insert(bytes.end(), last.begin(), last.end());
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    StreamDecoder decoder;
    auto items = decode(decoder, std::span(bytes).first(cut));
    const auto rest = decode(decoder, std::span(bytes).subspan(cut));
    items.insert(items.end(), rest.begin(), rest.end());
    ASSERT_EQ(items.size(), 3u) << cut;
    EXPECT_EQ(items[1].kind, Kind::identity);
    EXPECT_EQ(items[2].ticks, 500'000'006);
  }
}

TEST(LectroticStream, MeansNothingAfterACorruptRecord) {
  StreamDecoder decoder;
  const auto items = decode(decoder, Bytes{1, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0x2F, 1, 0, 0, 0, 5, 0, 0, 0x20});
  ASSERT_EQ(items.size(), 1u);
  EXPECT_EQ(items[0].kind, Kind::corrupt);
}

TEST(LectroticSearch, FindsClearedAtAnyPlace) {
  for (std::size_t junk = 0; junk < 20; ++junk) {
    Bytes bytes(junk, 0x5A);
    bytes.insert(bytes.end(), kCleared.begin(), kCleared.end());
    bytes.push_back(0x77);
    ClearedSearch search;
    std::span<const std::uint8_t> left(bytes);
    EXPECT_TRUE(search.next(left)) << junk;
    EXPECT_EQ(left.size(), 1u);
  }
}

TEST(LectroticSearch, FindsNothingInSevenZerosAndALateEnd) {
  const Bytes bytes{0, 0, 0, 0, 0, 0, 0x10};
  std::span<const std::uint8_t> left(bytes);
  ClearedSearch search;
  EXPECT_FALSE(search.next(left));
}

}  // namespace
}  // namespace nicol::lectrotic
