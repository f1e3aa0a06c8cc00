// SPDX-License-Identifier: Apache-2.0
// Formats of one record an event, by vectors made by hand from their descriptions.
#include "tests/unit/files/temporary_files.hpp"

namespace nicol::files {
namespace {

using Events = std::vector<FileEvent>;

class Tdc1File : public TemporaryFiles {};
class FastFile : public TemporaryFiles {};
class XqpFile : public TemporaryFiles {};
class QutagFile : public TemporaryFiles {};
class CsvFile : public TemporaryFiles {};

// --- TDC1: [31:5] time in 2 ns, [4] dummy, [3:0] inputs

TEST_F(Tdc1File, ReadsTheVectorsOfTheProtocol) {
  EXPECT_EQ(*read_bytes(std::string("\x21\0\0\0", 4), FileFormat::tdc1), (Events{click(1, 1)}));
  EXPECT_EQ(*read_bytes(le32({0xFFFFFFF0, 0x00000010}), FileFormat::tdc1),
            (Events{dummy((1 << 27) - 1), dummy(1 << 27)}));
}

TEST_F(Tdc1File, UnrollsTheWrap) {
  const std::uint32_t top = (1u << 27) - 5;
  const auto events =
      read_bytes(le32({0u << 5 | 1, 90'000'000u << 5 | 16, top << 5 | 2, 7u << 5 | 4}), FileFormat::tdc1);
  ASSERT_TRUE(events);
  EXPECT_EQ(*events, (Events{click(0, 1), dummy(90'000'000), click(134'217'723, 2), click(134'217'735, 4)}));
}

TEST_F(Tdc1File, SeesAWrapInAGapOfMoreThanHalfAPeriod) {
  const auto events = read_bytes(le32({100'000'000u << 5 | 1, 60'000'000u << 5 | 1}), FileFormat::tdc1);
  ASSERT_TRUE(events);
  EXPECT_EQ((*events)[1].ticks, 60'000'000 + (std::int64_t{1} << 27));
}

TEST_F(Tdc1File, KeepsAStepBackAndCountsIt) {
  auto file = TagFile::open(write("bytes", le32({1000u << 5 | 1, 990u << 5 | 2, 1010u << 5 | 1})), FileFormat::tdc1);
  ASSERT_TRUE(file);
  const auto events = file->next();
  ASSERT_TRUE(events);
  EXPECT_EQ(Events(events->begin(), events->end()), (Events{click(1000, 1), click(990, 2), click(1010, 1)}));
  EXPECT_EQ(file->backward_jumps(), 1u);
}

TEST_F(Tdc1File, ComesBackFromAStepBackOverAWrap) {
  const std::uint32_t top = (1u << 27) - 2;
  const auto events = read_bytes(le32({top << 5 | 1, 3u << 5 | 1, top << 5 | 2, 5u << 5 | 1}), FileFormat::tdc1);
  ASSERT_TRUE(events);
  const std::int64_t wrap = 1 << 27;
  EXPECT_EQ(*events, (Events{click(wrap - 2, 1), click(wrap + 3, 1), click(wrap - 2, 2), click(wrap + 5, 1)}));
}

TEST_F(Tdc1File, HasATickOfTwoNanoseconds) {
  const auto file = TagFile::open(write("bytes", le32({33})), FileFormat::tdc1);
  ASSERT_TRUE(file);
  EXPECT_EQ(file->tick(), (TickLength{2000, 1}));
  EXPECT_EQ(file->roles().size(), 4u);
}

TEST_F(Tdc1File, RefusesAWordThatNamesNothing) { expect_refused(le32({33, 65, 0x20}), FileFormat::tdc1, "byte 8:"); }

TEST_F(Tdc1File, ReadsTheWordsOfTheOlderCardAsReadeventsConsolidatesThem) {
  // fourtoone.c: offset + ((raw & ~0x1f) << 14) + (raw & 0x1f), the offset growing by 0x400000000000 a rollover.
  const std::uint32_t before = 0xABCDEF28, after = 0x00000048;
  const auto events = read_bytes(le32({before, after}), FileFormat::tdc1);
  ASSERT_TRUE(events);
  const std::uint64_t first = (std::uint64_t{before & ~0x1fu} << 14) + (before & 0x1f);
  const std::uint64_t second = 0x400000000000 + (std::uint64_t{after & ~0x1fu} << 14) + (after & 0x1f);
  EXPECT_EQ((*events)[0].ticks * 16, static_cast<std::int64_t>(first >> 15));
  EXPECT_EQ((*events)[1].ticks * 16, static_cast<std::int64_t>(second >> 15));
}

// --- the fast mode of timestamp7: [31:6] time in 1/256 ns

TEST_F(FastFile, CountsEachFallOfTheTopBitAsAWrap) {
  const auto events =
      read_bytes(le32({3u << 6 | 1, 0x80000000 | 8, 0xFFFFFFC0 | 0x12, 5u << 6 | 2}), FileFormat::readevents_fast);
  ASSERT_TRUE(events);
  EXPECT_EQ(*events, (Events{click(3, 1), click(1 << 25, 8), dummy((1 << 26) - 1), click((1 << 26) + 5, 2)}));
}

TEST_F(FastFile, AgreesWithWhatTheCardsHostProgramMakesOfIt) {
  // readevents7.c: rawevent = (new & 0x3f) | 0x300 | ((new & ~0x3f) | rollovers << 32) << 4
  const std::uint32_t word = 0x9ABCDE21;
  const auto events = read_bytes(le32({word}), FileFormat::readevents_fast);
  ASSERT_TRUE(events);
  const std::uint64_t raw = (word & 0x3f) | 0x300 | std::uint64_t{word & ~0x3fu} << 4;
  EXPECT_EQ((*events)[0].ticks, static_cast<std::int64_t>(raw >> 10));
}

TEST_F(FastFile, SkipsTheEmptyWordsOfAnIdleCard) {
  const auto events = read_bytes(le32({0, 0, 65}), FileFormat::readevents_fast);
  ASSERT_TRUE(events);
  EXPECT_EQ(*events, (Events{click(1, 1)}));
}

TEST_F(FastFile, IsTheSameAsText) {
  const auto events = read_bytes("00000041\n00000000\n80000008\n", FileFormat::readevents_fast_hex);
  ASSERT_TRUE(events);
  EXPECT_EQ(*events, (Events{click(1, 1), click(1 << 25, 8)}));
}

TEST_F(FastFile, RefusesALineOfSevenDigits) {
  expect_refused("00000041\n0000041\n", FileFormat::readevents_fast_hex, "line 2:");
}

// --- xqp: time << 4 | channel

TEST_F(XqpFile, ReadsTimeAndChannel) {
  const auto events = read_bytes(le64({0x123456789ABCDE3, 0x0000000000000FF}), FileFormat::xqp);
  ASSERT_TRUE(events);
  EXPECT_EQ(*events, (Events{click(0x123456789ABCDE, 1 << 3), click(0xF, 1 << 15)}));
}

TEST_F(XqpFile, KeepsTheOrderOfTheFile) {
  auto file = TagFile::open(write("bytes", le64({500 << 4, 400 << 4 | 1})), FileFormat::xqp);
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->next());
  EXPECT_EQ(file->backward_jumps(), 1u);
}

// --- quTAG: 40 bytes of header, then i64 and u16

std::string qutag_entry(std::int64_t ticks, std::uint16_t channel) {
  return le64({static_cast<std::uint64_t>(ticks)}) + le<std::uint16_t>({channel});
}

TEST_F(QutagFile, ReadsTimesBehindTheHeader) {
  const std::string header(40, '\x55');
  const auto events = read_bytes(header + qutag_entry(1'000'000'007, 2) + qutag_entry(-3, 0), FileFormat::qutag);
  ASSERT_TRUE(events);
  EXPECT_EQ(*events, (Events{click(1'000'000'007, 4), click(-3, 1)}));
}

TEST_F(QutagFile, TakesMarkersForDummies) {
  const auto events = read_bytes(std::string(40, 0) + qutag_entry(5, 104) + qutag_entry(6, 203) + qutag_entry(7, 31),
                                 FileFormat::qutag);
  ASSERT_TRUE(events);
  EXPECT_EQ(*events, (Events{dummy(5), dummy(6), click(7, 1u << 31)}));
}

TEST_F(QutagFile, RefusesAChannelThatIsNone) {
  expect_refused(std::string(40, 0) + qutag_entry(5, 1) + qutag_entry(6, 105), FileFormat::qutag, "byte 50:");
}

TEST_F(QutagFile, RefusesATimeThatCannotBe) {
  expect_refused(std::string(40, 0) + qutag_entry(INT64_MAX, 1), FileFormat::qutag, "byte 40:");
}

TEST_F(QutagFile, RefusesAHeaderThatIsCut) { expect_refused(std::string(39, 0), FileFormat::qutag, "byte 39:"); }

// --- csv

TEST_F(CsvFile, ReadsLinesWithAndWithoutAHeader) {
  const Events expected{click(1000, 1), click(999, 1 << 12)};
  EXPECT_EQ(*read_bytes("0,1000\n12,999\n", FileFormat::csv), expected);
  EXPECT_EQ(*read_bytes("channel,time_ps\r\n0,1000\r\n12,999\r\n", FileFormat::csv), expected);
}

TEST_F(CsvFile, RefusesAHeaderInTheMiddle) { expect_refused("0,1\nchannel,time_ps\n", FileFormat::csv, "line 2:"); }
TEST_F(CsvFile, RefusesALineWithoutComma) { expect_refused("0,1\n0 1\n", FileFormat::csv, "line 2:"); }
TEST_F(CsvFile, RefusesAFraction) { expect_refused("0,1.5\n", FileFormat::csv, "line 1:"); }
TEST_F(CsvFile, RefusesAChannelOver31) { expect_refused("32,1\n", FileFormat::csv, "line 1:"); }
TEST_F(CsvFile, RefusesANegativeChannel) { expect_refused("-1,1\n", FileFormat::csv, "line 1:"); }
TEST_F(CsvFile, RefusesATimeOfMoreThan64Bits) { expect_refused("0,9223372036854775808\n", FileFormat::csv, "line 1:"); }
TEST_F(CsvFile, RefusesAnEmptyLine) { expect_refused("0,1\n\n0,2\n", FileFormat::csv, "line 2:"); }
TEST_F(CsvFile, RefusesALastLineWithoutEnd) { expect_refused("0,1\n0,12", FileFormat::csv, "line 2:"); }
TEST_F(CsvFile, RefusesALineWithoutEndThatNeverStops) {
  expect_refused("0,1\n" + std::string(100'000, '7'), FileFormat::csv, "line 2:");
}

}  // namespace
}  // namespace nicol::files
