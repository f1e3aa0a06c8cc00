// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "controller/recording/tag_codec.hpp"
#include "tests/unit/recording/fixture.hpp"

namespace nicol {
namespace {

using recording::Entry;
using RecordedTags = test::RecordingTest;

struct Room {
  std::vector<hal::TimeTag> tags;
  std::vector<hal::LossInterval> losses;
  hal::TagBlock block;
  explicit Room(std::size_t n) : tags(n), losses(4) {
    block.storage = tags;
    block.loss_storage = losses;
  }
};

hal::TagBlock read_back(const std::filesystem::path& file, const recording::SealSecret& key, Room& room) {
  auto reader = recording::Reader::open(file, key);
  auto decoder = recording::TagDecoder::create();
  EXPECT_TRUE(decoder->read(*reader, room.block)) << decoder->why();
  EXPECT_FALSE(reader->head());
  return room.block;
}

TEST_F(RecordedTags, ComeBackAsTheyWere) {
  Room given(5000), back(5000);
  for (std::size_t i = 0; i < given.tags.size(); ++i)
    given.tags[i] = {static_cast<std::int64_t>(i * i) - 70'000, static_cast<std::uint16_t>(i % 9),
                     static_cast<std::uint16_t>(i % 7 == 0 ? hal::kTagSimultaneous : 0)};
  given.block.tag_count = given.tags.size();
  given.block.t_begin = -80'000;
  given.block.t_end = 30'000'000;
  given.block.sequence = 4;
  given.block.first_index = 123;
  given.losses[0] = {-5, 7, 12, true, 3, hal::LossCause::rate_limit};
  given.block.loss_count = 1;
  auto writer = begin();
  recording::put_tags(*writer, given.block);
  writer->finish();
  const hal::TagBlock read = read_back(file(), key(), back);
  EXPECT_EQ(back.tags, given.tags);
  EXPECT_EQ(read.tag_count, given.block.tag_count);
  EXPECT_EQ(back.losses[0], given.losses[0]);
  EXPECT_EQ(read.t_begin, -80'000);
  EXPECT_EQ(read.t_end, 30'000'000);
  EXPECT_EQ(read.sequence, 4u);
  EXPECT_EQ(read.first_index, 123u);
}

TEST_F(RecordedTags, ReachFromOneEndOfTimeToTheOther) {
  Room given(3), back(3);
  constexpr auto kLeast = std::numeric_limits<std::int64_t>::min(), kMost = std::numeric_limits<std::int64_t>::max();
  given.tags = {{kMost, 65535, 65535}, {kLeast, 0, 0}, {kMost, 1, 0}};
  given.block.storage = given.tags;
  given.block.tag_count = 3;
  given.block.t_begin = kLeast;
  given.block.t_end = kMost;
  auto writer = begin();
  recording::put_tags(*writer, given.block);
  writer->finish();
  (void)read_back(file(), key(), back);
  EXPECT_EQ(back.tags, given.tags);
}

TEST_F(RecordedTags, TakeAboutThreeBytesEach) {
  Room given(16384);
  for (std::size_t i = 0; i < given.tags.size(); ++i) given.tags[i] = {static_cast<std::int64_t>(i) * 3000, 2, 0};
  given.block.tag_count = given.tags.size();
  auto writer = begin();
  recording::put_tags(*writer, given.block);
  writer->finish();
  EXPECT_LT(writer->bytes_written(), 3.2 * 16384);
}

TEST_F(RecordedTags, ThatAreMoreThanFitAreRefusedByName) {
  Room given(20), back(10);
  given.block.tag_count = 20;
  auto writer = begin();
  recording::put_tags(*writer, given.block);
  writer->finish();
  auto reader = recording::Reader::open(file(), key());
  auto decoder = recording::TagDecoder::create();
  EXPECT_FALSE(decoder->read(*reader, back.block));
  EXPECT_EQ(decoder->why(), "entry 0 (tag block), tag count");
}

TEST_F(RecordedTags, ThatEndInTheMidstAreRefusedByName) {
  Room given(20), back(20);
  given.block.tag_count = 20;
  {
    auto writer = begin();
    recording::put_tags(*writer, given.block);
    writer->finish();
  }
  auto reader = recording::Reader::open(file(), key());
  const auto cover = reader->rest(1000);
  reader->done();
  auto tags = reader->rest(1000);
  tags->pop_back();
  std::filesystem::remove(file());
  auto writer = begin();
  writer->put(Entry::tag_block, {*cover});
  writer->put(Entry::tags, {*tags});
  writer->finish();
  auto cut = recording::Reader::open(file(), key());
  auto decoder = recording::TagDecoder::create();
  EXPECT_FALSE(decoder->read(*cut, back.block));
  EXPECT_EQ(decoder->why(), "entry 1 (tags), tag");
}

}  // namespace
}  // namespace nicol
