// SPDX-License-Identifier: Apache-2.0
// The TDC1's bytes: commands, replies, and the words of its stream.
#include <gtest/gtest.h>

#include <vector>

#include "drivers/tdc1/commands.hpp"
#include "drivers/tdc1/stream_decoder.hpp"

namespace nicol::tdc1 {
namespace {

using Bytes = std::vector<std::uint8_t>;
using Kind = StreamItem::Kind;

Bytes words(std::initializer_list<std::uint32_t> list) {
  Bytes out;
  for (const std::uint32_t w : list)
    for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<std::uint8_t>(w >> shift));
  return out;
}

Bytes text(std::string_view s) { return {s.begin(), s.end()}; }

std::vector<StreamItem> decode(StreamDecoder& decoder, std::span<const std::uint8_t> bytes) {
  std::vector<StreamItem> items;
  while (const auto item = decoder.next(bytes)) items.push_back(*item);
  return items;
}

std::uint32_t word_at(std::int64_t ticks, std::uint32_t low) {
  return static_cast<std::uint32_t>(ticks % kWrapTicks) << 5 | low;
}

TEST(Tdc1Commands, EndInCarriageReturnAndLineFeedOnceOrTwice) {
  EXPECT_EQ(line("*IDN?", Terminator::once), "*IDN?\r\n");
  EXPECT_EQ(line("*IDN?", Terminator::twice), "*IDN?\r\n\r\n");
}

TEST(Tdc1Commands, StartAnEndlessRun) {
  EXPECT_EQ(start_command({InputLevel::Standard::nim, {}}, ReferenceClock::internal),
            "*RST;NIM;REFCLK 2;time 0;timestamp;counts?");
}

TEST(Tdc1Commands, SayTheLevelWithItsSign) {
  EXPECT_EQ(level_command({InputLevel::Standard::ttl, {}}), "TTL");
  EXPECT_EQ(level_command({InputLevel::Standard::volts, {0.5}}), "POS 0.500");
  EXPECT_EQ(level_command({InputLevel::Standard::volts, {-0.4}}), "NEG -0.400");
}

TEST(Tdc1Commands, RefuseALevelThatIsNone) {
  EXPECT_EQ(parse_level_setting("maybe").error().code, Code::bad_input);
  EXPECT_EQ(parse_level_setting("9").error().code, Code::out_of_range);
  EXPECT_EQ(parse_level_setting("-0.4")->threshold.value, -0.4);
}

TEST(Tdc1Replies, AreReadAsTheDeviceWritesThem) {
  EXPECT_EQ(parse_status("0010 \r"), 0x10);
  EXPECT_EQ(parse_mode("3\r"), Mode::timestamp);
  EXPECT_EQ(parse_time("-1\r"), 65535u) << "a 16-bit integer with a sign";
  EXPECT_EQ(parse_time("1000"), 1000u);
  EXPECT_EQ(parse_singles("1 22 333 4444\r"), (std::array<std::uint64_t, 4>{1, 22, 333, 4444}));
  EXPECT_EQ(parse_volts("-0.500 V\r"), -0.5);
}

TEST(Tdc1Replies, ThatAreNoneAreRefused) {
  for (const char* bad : {"", "010", "00100", "zzzz", "0x10"}) EXPECT_FALSE(parse_status(bad)) << bad;
  for (const char* bad : {"", "1 2 3", "1 2 3 4 5", "1 2 x 4"}) EXPECT_FALSE(parse_singles(bad)) << bad;
  EXPECT_FALSE(parse_mode("2"));
  EXPECT_FALSE(parse_time("70000"));
  EXPECT_FALSE(parse_volts("NIM"));
}

TEST(Tdc1Stream, DecodesTheWordOfTheManual) {
  StreamDecoder decoder;
  const Bytes bytes{0x21, 0x00, 0x00, 0x00};
  const auto items = decode(decoder, bytes);
  ASSERT_EQ(items.size(), 1u);
  EXPECT_EQ(items[0].kind, Kind::hits);
  EXPECT_EQ(items[0].ticks, 1);
  EXPECT_EQ(items[0].inputs, 1);
}

TEST(Tdc1Stream, CountsAWrapBetweenTwoDummies) {
  StreamDecoder decoder;
  const auto items = decode(decoder, words({0xFFFFFFF0, 0x00000010}));
  ASSERT_EQ(items.size(), 2u);
  EXPECT_EQ(items[0].kind, Kind::time_mark);
  EXPECT_EQ(items[0].ticks, kWrapTicks - 1);
  EXPECT_EQ(items[1].kind, Kind::time_mark);
  EXPECT_EQ(items[1].ticks, kWrapTicks);
}

TEST(Tdc1Stream, SeesAWrapThatBit31DoesNotShow) {
  StreamDecoder decoder;
  const std::int64_t before = 66'000'000, after = before + 70'000'000;  // 132 ms, then 140 ms later
  const auto items = decode(decoder, words({word_at(before, 0x10), word_at(after, 0x10)}));
  ASSERT_EQ(items.size(), 2u);
  EXPECT_EQ(items[1].ticks, after);
}

TEST(Tdc1Stream, SplitsAWordAtAnyByte) {
  const Bytes bytes = words({word_at(5, 1), word_at(9, 2)});
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    StreamDecoder decoder;
    auto items = decode(decoder, std::span(bytes).first(cut));
    const auto rest = decode(decoder, std::span(bytes).subspan(cut));
    items.insert(items.end(), rest.begin(), rest.end());
    ASSERT_EQ(items.size(), 2u) << cut;
    EXPECT_EQ(items[1].ticks, 9) << cut;
  }
}

TEST(Tdc1Stream, GivesAllInputsOfOneWord) {
  StreamDecoder decoder;
  const auto items = decode(decoder, words({word_at(7, 0b1010)}));
  ASSERT_EQ(items.size(), 1u);
  EXPECT_EQ(items[0].inputs, 0b1010);
}

TEST(Tdc1Stream, RefusesAStepBack) {
  StreamDecoder decoder;
  const auto items = decode(decoder, words({word_at(1'000'000, 1), word_at(999'000, 1), word_at(1'000'001, 1)}));
  ASSERT_EQ(items.size(), 2u) << "nothing after it means anything";
  EXPECT_EQ(items[1].kind, Kind::corrupt);
}

TEST(Tdc1Stream, RefusesAStepOverTwoHundredMilliseconds) {
  StreamDecoder good, bad;
  EXPECT_EQ(decode(good, words({word_at(10, 1), word_at(10 + kLongestStep, 1)}))[1].kind, Kind::hits);
  EXPECT_EQ(decode(bad, words({word_at(10, 1), word_at(11 + kLongestStep, 1)}))[1].kind, Kind::corrupt);
}

TEST(Tdc1Stream, RefusesAWordThatNamesNothing) {
  StreamDecoder decoder;
  EXPECT_EQ(decode(decoder, words({word_at(10, 0)}))[0].kind, Kind::corrupt);
}

TEST(Tdc1Stream, NoticesASlippedByteWithinAFewWords) {
  for (std::size_t lost = 0; lost < 40; ++lost) {
    Bytes bytes;
    for (std::int64_t t = 1; t < 200; ++t) {
      const Bytes w = words({word_at(t * 4'999, 1U << (t % 4))});
      bytes.insert(bytes.end(), w.begin(), w.end());
    }
    bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(lost + 4));
    StreamDecoder decoder;
    const auto items = decode(decoder, bytes);
    ASSERT_EQ(items.back().kind, Kind::corrupt) << lost;
    EXPECT_LT(items.size(), 32u + lost / 4) << lost;
  }
}

TEST(Tdc1Stream, FindsTheStatusBetweenTwoWords) {
  StreamDecoder decoder;
  decoder.expect_status();
  Bytes bytes = words({word_at(5, 1)});
  for (const Bytes& part : {text("0010 \r\n"), words({word_at(6, 2)})})
    bytes.insert(bytes.end(), part.begin(), part.end());
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    StreamDecoder d = decoder;
    auto items = decode(d, std::span(bytes).first(cut));
    const auto rest = decode(d, std::span(bytes).subspan(cut));
    items.insert(items.end(), rest.begin(), rest.end());
    ASSERT_EQ(items.size(), 3u) << cut;
    EXPECT_EQ(items[1].kind, Kind::status);
    EXPECT_EQ(items[1].status, kFifoOverflow);
    EXPECT_EQ(items[2].ticks, 6);
  }
}

TEST(Tdc1Stream, TakesNoWordForAStatusThatWasNotAskedFor) {
  StreamDecoder decoder;
  const auto items = decode(decoder, text("1111"));
  ASSERT_EQ(items.size(), 1u);
  EXPECT_EQ(items[0].kind, Kind::time_mark) << "0x31 has the dummy bit";
}

TEST(Tdc1Stream, TakesAWordThatLooksLikeDigitsForAWordWhenTheRestDoesNotFit) {
  StreamDecoder decoder;
  decoder.expect_status();
  Bytes bytes = text("1111");
  const Bytes next = words({word_at(0x31313131 / 32 + 1, 1), word_at(0x31313131 / 32 + 4, 1)});
  bytes.insert(bytes.end(), next.begin(), next.end());
  const auto items = decode(decoder, bytes);
  ASSERT_EQ(items.size(), 3u);
  EXPECT_EQ(items[1].kind, Kind::hits);
  EXPECT_TRUE(decoder.expects_status());
}

TEST(Tdc1StatusSearch, FindsTheReplyInTheMiddleOfGarbage) {
  StatusSearch search;
  Bytes bytes{0x00, 0x31, 0x32, 0x33, 0x34, 0x20, 0xff, 0x30};
  const Bytes reply = text("0010 \r\n");
  bytes.insert(bytes.end(), reply.begin(), reply.end());
  bytes.push_back(0x77);
  std::span<const std::uint8_t> left(bytes);
  EXPECT_EQ(search.next(left), kFifoOverflow);
  EXPECT_EQ(left.size(), 1u);
}

}  // namespace
}  // namespace nicol::tdc1
