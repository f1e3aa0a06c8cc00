// SPDX-License-Identifier: Apache-2.0
// The figures of a tag file, on events made by hand and on a real recording decoded by hand.
#include "drivers/files/tag_summary.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "drivers/files/readevents_file.hpp"
#include "tests/unit/files/temporary_files.hpp"

namespace nicol::files {
namespace {

namespace fs = std::filesystem;

TagSummary summary_of(const std::vector<FileEvent>& events) {
  TagSummariser summariser(kReadeventsTick);
  summariser.add(events);
  return summariser.summary();
}

constexpr EventWord word(std::int64_t ticks, unsigned low) { return {static_cast<std::uint64_t>(ticks) << 10 | low}; }

class ReadeventsFile : public TemporaryFiles {
 protected:
  fs::path write_words(const std::string& name, const std::vector<EventWord>& events, ReadeventsForm form) const {
    ReadeventsEncoder encoder(form);
    const auto bytes = encoder.encode(events);
    return write(name, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  static Result<TagSummary> summary_of_file(const fs::path& path, FileFormat format = FileFormat::readevents) {
    auto file = TagFile::open(path, format);
    if (!file) return std::move(file).error();
    return summarise(*file);
  }
};

TEST(TagSummary, CountsEventsWithoutDummies) {
  const TagSummary s = summary_of({click(256, 1), dummy(300), click(512, 8), click(768, 8)});
  EXPECT_EQ(s.events, 3u);
  EXPECT_EQ(s.dummies, 1u);
  EXPECT_EQ(s.per_pattern.at(1), 1u);
  EXPECT_EQ(s.per_pattern.at(8), 2u);
}

TEST(TagSummary, SpansFromTheFirstEventToTheLast) {
  EXPECT_EQ(summary_of({dummy(0), click(256, 1), click(1024, 1), dummy(9999)}).span, Picoseconds{3000});
}

TEST(TagSummary, GivesTheRateOverTheSpan) {
  EXPECT_DOUBLE_EQ(summary_of({click(0, 1), click(256'000, 1)}).rate_hz, 2e6);
}

TEST(TagSummary, FindsTheSmallestGap) {
  EXPECT_EQ(summary_of({click(0, 1), click(1024, 1), click(1280, 2), click(9000, 1)}).smallest_gap, Picoseconds{1000});
}

TEST(TagSummary, TakesNoGapFromEventsOutOfOrder) {
  EXPECT_EQ(summary_of({click(1024, 1), click(1000, 1)}).smallest_gap, std::nullopt);
}

TEST(TagSummary, CountsEveryWordEarlierThanTheOneBefore) {
  EXPECT_EQ(summary_of({click(100, 1), dummy(90), click(95, 1), click(95, 1), click(10, 2)}).out_of_order, 2u);
}

TEST(TagSummary, CountsPlacesWhereEventsWereLost) {
  const TagSummary s = summary_of({click(100, 1), loss(100, 7), click(50, 1), loss(50, 0)});
  EXPECT_EQ(s.overflows, 2u);
  EXPECT_EQ(s.events, 2u);
  EXPECT_EQ(s.out_of_order, 1u);
}

TEST(TagSummary, OfNothingIsNothing) {
  const TagSummary s = summary_of({});
  EXPECT_EQ(s.events, 0u);
  EXPECT_EQ(s.rate_hz, 0);
  EXPECT_EQ(s.smallest_gap, std::nullopt);
}

TEST_F(ReadeventsFile, HasTheSameFiguresInAllForms) {
  const std::vector<EventWord> events{word(256, 1), word(300, 0x10), word(512, 8), word(500, 3)};
  for (const auto form :
       {ReadeventsForm::native, ReadeventsForm::high_word_first, ReadeventsForm::hex, ReadeventsForm::hex32}) {
    const auto s = summary_of_file(write_words("tags", events, form), *file_format(to_string(form)));
    ASSERT_TRUE(s) << to_string(form);
    EXPECT_EQ(s->events, 3u);
    EXPECT_EQ(s->dummies, 1u);
    EXPECT_EQ(s->out_of_order, 1u);
    EXPECT_EQ(s->per_pattern.at(3), 1u);
  }
}

TEST_F(ReadeventsFile, IsReadAcrossManyPieces) {
  std::vector<EventWord> events;
  for (std::int64_t i = 0; i < 50'000; ++i) events.push_back(word(256 * i, 1));
  const auto s = summary_of_file(write_words("tags", events, ReadeventsForm::hex), FileFormat::readevents_hex);
  ASSERT_TRUE(s);
  EXPECT_EQ(s->events, 50'000u);
  EXPECT_EQ(s->span, Picoseconds{49'999'000});
}

TEST_F(ReadeventsFile, IsUnrolledOverTheWrapOfItsTime) {
  const std::int64_t wrap = std::int64_t{1} << 54;
  const fs::path path =
      write_words("wrap", {word(wrap - 5, 1), word(3, 2), word(wrap - 1, 4), word(9, 8)}, ReadeventsForm::native);
  EXPECT_EQ(*read(path, FileFormat::readevents),
            (std::vector<FileEvent>{click(wrap - 5, 1), click(wrap + 3, 2), click(wrap - 1, 4), click(wrap + 9, 8)}));
}

TEST_F(ReadeventsFile, IsNonsenseButNotRefusedInTheOtherWordOrder) {
  std::mt19937_64 random(3);
  std::vector<EventWord> events;
  std::int64_t t = 0;
  // Steps of up to 16 ms, the range of the low half's time: swapped, it is noise in the high bits.
  for (int i = 0; i < 2000; ++i) events.push_back(word(t += static_cast<std::int64_t>(random() % (1 << 22)), 1));
  const auto s = summary_of_file(write_words("swapped", events, ReadeventsForm::high_word_first));
  ASSERT_TRUE(s) << s.error().message;
  EXPECT_GT(s->out_of_order, 300u);
}

TEST_F(ReadeventsFile, IsRefusedWhenTruncatedWithPathAndByte) {
  const fs::path path = write_words("short", {word(1, 1), word(2, 1)}, ReadeventsForm::native);
  fs::resize_file(path, 11);
  const auto s = summary_of_file(path);
  ASSERT_FALSE(s);
  EXPECT_EQ(s.error().code, Code::bad_input);
  EXPECT_NE(s.error().message.find("short: byte 8:"), std::string::npos) << s.error().message;
}

TEST_F(ReadeventsFile, IsNotFoundWhereThereIsNone) {
  const auto s = summary_of_file(dir_ / "none");
  ASSERT_FALSE(s);
  EXPECT_EQ(s.error().code, Code::not_found);
}

TEST_F(ReadeventsFile, ComesBackBitForBitThroughTheOtherForms) {
  const std::vector<EventWord> events{word(256, 1), word(300, 0x10), {~std::uint64_t{0}}};
  const fs::path native = write_words("native", events, ReadeventsForm::native);
  ASSERT_TRUE(convert_readevents(native, ReadeventsForm::native, dir_ / "hex", ReadeventsForm::hex));
  ASSERT_TRUE(convert_readevents(dir_ / "hex", ReadeventsForm::hex, dir_ / "x", ReadeventsForm::high_word_first));
  const auto words =
      convert_readevents(dir_ / "x", ReadeventsForm::high_word_first, dir_ / "again", ReadeventsForm::native);
  ASSERT_TRUE(words);
  EXPECT_EQ(*words, 3u);
  EXPECT_EQ(content(native), content(dir_ / "again"));
}

TEST_F(ReadeventsFile, LeavesNothingBehindWhenAConversionFails) {
  const fs::path path = write_words("short", {word(1, 1), word(2, 1)}, ReadeventsForm::native);
  fs::resize_file(path, 11);
  EXPECT_FALSE(convert_readevents(path, ReadeventsForm::native, dir_ / "out", ReadeventsForm::hex));
  EXPECT_EQ(std::distance(fs::directory_iterator(dir_), fs::directory_iterator{}), 1);
}

class RealRecording : public ReadeventsFile {
 protected:
  void SetUp() override {
    ReadeventsFile::SetUp();
    if (!fs::exists(path_)) GTEST_SKIP() << "no recorded detector data here";
  }
  const fs::path path_ = NICOL_SHARED_DIR "/data/timestamp7_c1234.Aa1.ts";
};

TEST_F(RealRecording, HasTheFiguresDecodedByHand) {
  const auto s = summary_of_file(path_);
  ASSERT_TRUE(s);
  EXPECT_EQ(s->events, 2000u);
  EXPECT_EQ(s->dummies, 0u);
  EXPECT_EQ(s->out_of_order, 0u);
  EXPECT_NEAR(s->span.seconds(), 935.0e-6, 0.05e-6);
  EXPECT_NEAR(s->rate_hz, 2.14e6, 0.005e6);
  ASSERT_TRUE(s->smallest_gap);
  EXPECT_NEAR(static_cast<double>(s->smallest_gap->count), 10950, 5);
}

TEST_F(RealRecording, HasThePatternsDecodedByHand) {
  const auto s = summary_of_file(path_);
  ASSERT_TRUE(s);
  auto n = s->per_pattern;
  EXPECT_EQ(n[8], 417u);
  EXPECT_EQ(n[4], 476u);
  EXPECT_EQ(n[2], 481u);
  EXPECT_EQ(n[1], 614u);
  EXPECT_EQ(n[3] + n[5] + n[6] + n[9] + n[10], 12u);
}

TEST_F(RealRecording, BeginsWithTheWordReadByHand) {
  auto reader = ReadeventsReader::open(path_, ReadeventsForm::native);
  ASSERT_TRUE(reader);
  const auto events = reader->next();
  ASSERT_TRUE(events);
  EXPECT_EQ(events->front().raw, 0xfd4223d200370328);
}

TEST_F(RealRecording, SurvivesConversionToTextAndBack) {
  ASSERT_TRUE(convert_readevents(path_, ReadeventsForm::native, dir_ / "hex", ReadeventsForm::hex));
  ASSERT_TRUE(convert_readevents(dir_ / "hex", ReadeventsForm::hex, dir_ / "back", ReadeventsForm::native));
  EXPECT_EQ(content(path_), content(dir_ / "back"));
}

}  // namespace
}  // namespace nicol::files
