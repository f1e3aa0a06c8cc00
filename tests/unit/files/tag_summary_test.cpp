// SPDX-License-Identifier: Apache-2.0
// The figures of a tag file, on events made by hand and on a real recording decoded by hand.
#include "drivers/files/tag_summary.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "drivers/files/readevents_file.hpp"

namespace nicol::files {
namespace {

namespace fs = std::filesystem;

constexpr EventWord event(std::int64_t ticks, unsigned pattern) {
  return {static_cast<std::uint64_t>(ticks) << 10 | pattern};
}
constexpr EventWord dummy(std::int64_t ticks) { return event(ticks, 0x10); }

TagSummary summary_of(const std::vector<EventWord>& events) {
  TagSummariser summariser;
  summariser.add(events);
  return summariser.summary();
}

class TagFile : public testing::Test {
 protected:
  void SetUp() override {
    dir_ = fs::temp_directory_path() / ("nicol-tags-" + std::to_string(::getpid()) + "-" +
                                        testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::create_directories(dir_);
  }
  void TearDown() override { fs::remove_all(dir_); }
  fs::path write(const std::string& name, const std::vector<EventWord>& events, ReadeventsForm form) const {
    ReadeventsEncoder encoder(form);
    const auto bytes = encoder.encode(events);
    std::ofstream out(dir_ / name, std::ios::binary);
    out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    return dir_ / name;
  }
  static std::string content(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  fs::path dir_;
};

TEST(TagSummary, CountsEventsWithoutDummies) {
  const TagSummary s = summary_of({event(256, 1), dummy(300), event(512, 8), event(768, 8)});
  EXPECT_EQ(s.events, 3u);
  EXPECT_EQ(s.dummies, 1u);
  EXPECT_EQ(s.per_pattern[1], 1u);
  EXPECT_EQ(s.per_pattern[8], 2u);
}

TEST(TagSummary, SpansFromTheFirstEventToTheLast) {
  EXPECT_EQ(summary_of({dummy(0), event(256, 1), event(1024, 1), dummy(9999)}).span, Picoseconds{3000});
}

TEST(TagSummary, GivesTheRateOverTheSpan) {
  EXPECT_DOUBLE_EQ(summary_of({event(0, 1), event(256'000, 1)}).rate_hz, 2e6);
}

TEST(TagSummary, FindsTheSmallestGap) {
  EXPECT_EQ(summary_of({event(0, 1), event(1024, 1), event(1280, 2), event(9000, 1)}).smallest_gap, Picoseconds{1000});
}

TEST(TagSummary, TakesNoGapFromEventsOutOfOrder) {
  EXPECT_EQ(summary_of({event(1024, 1), event(1000, 1)}).smallest_gap, std::nullopt);
}

TEST(TagSummary, CountsEveryWordEarlierThanTheOneBefore) {
  EXPECT_EQ(summary_of({event(100, 1), dummy(90), event(95, 1), event(95, 1), event(10, 2)}).out_of_order, 2u);
}

TEST(TagSummary, OfNothingIsNothing) {
  const TagSummary s = summary_of({});
  EXPECT_EQ(s.events, 0u);
  EXPECT_EQ(s.rate_hz, 0);
  EXPECT_EQ(s.smallest_gap, std::nullopt);
}

TEST_F(TagFile, HasTheSameFiguresInAllThreeForms) {
  const std::vector<EventWord> events{event(256, 1), dummy(300), event(512, 8), event(500, 3)};
  for (const auto form : {ReadeventsForm::native, ReadeventsForm::high_word_first, ReadeventsForm::hex}) {
    const auto s = summarise_readevents(write("tags", events, form), form);
    ASSERT_TRUE(s) << to_string(form);
    EXPECT_EQ(s->events, 3u);
    EXPECT_EQ(s->dummies, 1u);
    EXPECT_EQ(s->out_of_order, 1u);
    EXPECT_EQ(s->per_pattern[3], 1u);
  }
}

TEST_F(TagFile, IsReadAcrossManyPieces) {
  std::vector<EventWord> events;
  for (std::int64_t i = 0; i < 50'000; ++i) events.push_back(event(256 * i, 1));
  const auto s = summarise_readevents(write("tags", events, ReadeventsForm::hex), ReadeventsForm::hex);
  ASSERT_TRUE(s);
  EXPECT_EQ(s->events, 50'000u);
  EXPECT_EQ(s->span, Picoseconds{49'999'000});
}

TEST_F(TagFile, IsRefusedWhenTruncatedWithPathAndByte) {
  const fs::path path = write("short", {event(1, 1), event(2, 1)}, ReadeventsForm::native);
  fs::resize_file(path, 11);
  const auto s = summarise_readevents(path, ReadeventsForm::native);
  ASSERT_FALSE(s);
  EXPECT_EQ(s.error().code, Code::bad_input);
  EXPECT_NE(s.error().message.find("short: byte 8:"), std::string::npos) << s.error().message;
}

TEST_F(TagFile, IsNotFoundWhereThereIsNone) {
  const auto s = summarise_readevents(dir_ / "none", ReadeventsForm::native);
  ASSERT_FALSE(s);
  EXPECT_EQ(s.error().code, Code::not_found);
}

TEST_F(TagFile, ComesBackBitForBitThroughTheOtherForms) {
  const std::vector<EventWord> events{event(256, 1), dummy(300), {~std::uint64_t{0}}};
  const fs::path native = write("native", events, ReadeventsForm::native);
  ASSERT_TRUE(convert_readevents(native, ReadeventsForm::native, dir_ / "hex", ReadeventsForm::hex));
  ASSERT_TRUE(convert_readevents(dir_ / "hex", ReadeventsForm::hex, dir_ / "x", ReadeventsForm::high_word_first));
  const auto words =
      convert_readevents(dir_ / "x", ReadeventsForm::high_word_first, dir_ / "again", ReadeventsForm::native);
  ASSERT_TRUE(words);
  EXPECT_EQ(*words, 3u);
  EXPECT_EQ(content(native), content(dir_ / "again"));
}

TEST_F(TagFile, LeavesNothingBehindWhenAConversionFails) {
  const fs::path path = write("short", {event(1, 1), event(2, 1)}, ReadeventsForm::native);
  fs::resize_file(path, 11);
  EXPECT_FALSE(convert_readevents(path, ReadeventsForm::native, dir_ / "out", ReadeventsForm::hex));
  EXPECT_EQ(std::distance(fs::directory_iterator(dir_), fs::directory_iterator{}), 1);
}

class RealRecording : public TagFile {
 protected:
  void SetUp() override {
    TagFile::SetUp();
    if (!fs::exists(path_)) GTEST_SKIP() << "no recorded detector data here";
  }
  const fs::path path_ = NICOL_SHARED_DIR "/data/timestamp7_c1234.Aa1.ts";
};

TEST_F(RealRecording, HasTheFiguresDecodedByHand) {
  const auto s = summarise_readevents(path_, ReadeventsForm::native);
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
  const auto s = summarise_readevents(path_, ReadeventsForm::native);
  ASSERT_TRUE(s);
  const auto& n = s->per_pattern;
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
