// SPDX-License-Identifier: Apache-2.0
// The spellings of readevents words, and what a broken file is answered with.
#include "drivers/files/readevents.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

namespace nicol::files {
namespace {

// Made by hand from the layout: 1/256 ns in bits 63..10, dummy in bit 4, pattern in bits 3..0.
constexpr std::uint64_t kEvent = std::uint64_t{0x123456789} << 10 | 0x300 | 0x8;
constexpr std::uint64_t kDummy = std::uint64_t{0x12345678a} << 10 | 0x10;

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string native(std::initializer_list<std::uint64_t> words) {
  std::string out;
  for (const std::uint64_t w : words)
    for (unsigned i = 0; i < 8; ++i) out.push_back(static_cast<char>(w >> (8 * i) & 0xff));
  return out;
}

/// All events of `text`, given in pieces of `piece` bytes.
Result<std::vector<EventWord>> decode(ReadeventsForm form, std::string_view text, std::size_t piece = 1 << 16) {
  ReadeventsDecoder decoder(form);
  std::vector<EventWord> all;
  while (!text.empty()) {
    const auto events = decoder.decode(bytes_of(text.substr(0, piece)));
    if (!events) return events.error();
    all.insert(all.end(), events->begin(), events->end());
    text.remove_prefix(std::min(piece, text.size()));
  }
  const auto last = decoder.finish();
  if (!last) return last.error();
  all.insert(all.end(), last->begin(), last->end());
  return all;
}

TEST(EventWord, HoldsTimePatternAndDummyFlag) {
  EXPECT_EQ(EventWord{kEvent}.ticks(), 0x123456789);
  EXPECT_EQ(EventWord{kEvent}.pattern(), 8);
  EXPECT_FALSE(EventWord{kEvent}.dummy());
  EXPECT_TRUE(EventWord{kDummy}.dummy());
}

TEST(EventWord, KeepsAllFiftyFourBitsOfTimePositive) {
  EXPECT_EQ(EventWord{~std::uint64_t{0}}.ticks(), (std::int64_t{1} << 54) - 1);
}

TEST(Readevents, ReadsNativeWords) {
  const auto events = decode(ReadeventsForm::native, native({kEvent, kDummy}));
  ASSERT_TRUE(events);
  EXPECT_EQ(*events, (std::vector<EventWord>{{kEvent}, {kDummy}}));
}

TEST(Readevents, ReadsWordsWithTheHighHalfFirst) {
  const std::string low_first = native({kEvent});
  const auto events = decode(ReadeventsForm::high_word_first, low_first.substr(4) + low_first.substr(0, 4));
  ASSERT_TRUE(events);
  EXPECT_EQ(*events, std::vector<EventWord>{{kEvent}});
}

TEST(Readevents, ReadsHexadecimalLines) {
  const auto events = decode(ReadeventsForm::hex, "fd4223d200370328\nFD4223D200370328\r\n");
  ASSERT_TRUE(events);
  EXPECT_EQ(*events, (std::vector<EventWord>{{0xfd4223d200370328}, {0xfd4223d200370328}}));
}

TEST(Readevents, ReadsTheLowHalfOfAWordFirstWhereALineHoldsHalfAWord) {
  const auto events = decode(ReadeventsForm::hex32, "00370328\nfd4223d2\n00000001\n00000000\n");
  ASSERT_TRUE(events);
  EXPECT_EQ(*events, (std::vector<EventWord>{{0xfd4223d200370328}, {1}}));
}

TEST(Readevents, RefusesHalfAWordAtTheEnd) {
  const auto events = decode(ReadeventsForm::hex32, "00370328\nfd4223d2\n00000001\n");
  ASSERT_FALSE(events);
  EXPECT_NE(events.error().message.find("line 4:"), std::string::npos) << events.error().message;
}

TEST(Readevents, AcceptsALastLineWithoutNewline) {
  const auto events = decode(ReadeventsForm::hex, "0000000000000001");
  ASSERT_TRUE(events);
  EXPECT_EQ(*events, std::vector<EventWord>{{1}});
}

TEST(Readevents, GivesTheSameEventsWhateverThePieces) {
  const std::string text = native({kEvent, kDummy, kEvent + 1024, 7});
  const auto whole = decode(ReadeventsForm::native, text);
  ASSERT_TRUE(whole);
  for (std::size_t piece = 1; piece < 20; ++piece) {
    const auto pieces = decode(ReadeventsForm::native, text, piece);
    ASSERT_TRUE(pieces);
    EXPECT_EQ(*pieces, *whole) << "in pieces of " << piece;
  }
}

TEST(Readevents, RefusesATruncatedWordAndNamesItsByte) {
  const std::string text = native({kEvent, kDummy});
  for (std::size_t piece = 1; piece < 20; ++piece) {
    const auto events = decode(ReadeventsForm::native, text.substr(0, 13), piece);
    ASSERT_FALSE(events);
    EXPECT_EQ(events.error().code, Code::bad_input);
    EXPECT_NE(events.error().message.find("byte 8:"), std::string::npos) << events.error().message;
  }
}

void expect_refused_at_line(std::string_view text, std::string_view line) {
  const auto events = decode(ReadeventsForm::hex, text);
  ASSERT_FALSE(events) << text;
  EXPECT_EQ(events.error().code, Code::bad_input);
  EXPECT_NE(events.error().message.find(line), std::string::npos) << events.error().message;
}

TEST(Readevents, RefusesAShortLine) { expect_refused_at_line("0000000000000001\n000000000000002\n", "line 2:"); }
TEST(Readevents, RefusesALongLine) { expect_refused_at_line("00000000000000010\n", "line 1:"); }
TEST(Readevents, RefusesATruncatedLastLine) { expect_refused_at_line("0000000000000001\n0000", "line 2:"); }
TEST(Readevents, RefusesWhatIsNoHexadecimalDigit) { expect_refused_at_line("000000000000000g\n", "line 1:"); }
TEST(Readevents, RefusesAnEmptyLine) { expect_refused_at_line("0000000000000001\n\n", "line 2:"); }
TEST(Readevents, RefusesACarriageReturnInsideALine) { expect_refused_at_line("00000000\r00000001\n", "line 1:"); }

TEST(Readevents, ReadsAnEmptyInputAsNoEvents) {
  for (const auto form :
       {ReadeventsForm::native, ReadeventsForm::high_word_first, ReadeventsForm::hex, ReadeventsForm::hex32}) {
    const auto events = decode(form, "");
    ASSERT_TRUE(events);
    EXPECT_TRUE(events->empty());
  }
}

TEST(Readevents, EncodesWhatItDecodes) {
  const std::vector<EventWord> events{{kEvent}, {kDummy}, {0}, {~std::uint64_t{0}}};
  for (const auto form :
       {ReadeventsForm::native, ReadeventsForm::high_word_first, ReadeventsForm::hex, ReadeventsForm::hex32}) {
    ReadeventsEncoder encoder(form);
    const auto bytes = encoder.encode(events);
    const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const auto again = decode(form, text);
    ASSERT_TRUE(again);
    EXPECT_EQ(*again, events) << to_string(form);
  }
}

TEST(Readevents, IsNamedAsOnTheCommandLine) {
  EXPECT_EQ(readevents_form("readevents"), ReadeventsForm::native);
  EXPECT_EQ(readevents_form("readevents-x"), ReadeventsForm::high_word_first);
  EXPECT_EQ(readevents_form("readevents-hex"), ReadeventsForm::hex);
  EXPECT_EQ(readevents_form("readevents-hex32"), ReadeventsForm::hex32);
  EXPECT_EQ(readevents_form("tdc1"), std::nullopt);
}

}  // namespace
}  // namespace nicol::files
