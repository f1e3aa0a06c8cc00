// SPDX-License-Identifier: Apache-2.0
// Tag blocks: what the writer puts in, the reader gets out, at the same ticks.
#include "firmware-protocol/tag_block.hpp"

#include <gtest/gtest.h>

#include <array>

#include "firmware-protocol/tag_words.hpp"
#include "tests/unit/firmware/bytes.hpp"

namespace nicol::fw::test {
namespace {

constexpr std::uint64_t kBase = 1ULL << 40;

struct Block {
  TagBlockHeader header;
  std::vector<TagWord> words;
};
Block read(std::span<const std::uint8_t> payload) {
  Block block;
  EXPECT_TRUE(decode_tag_header(payload, block.header));
  for (const TagWord word : TagWords(block.header, payload)) block.words.push_back(word);
  return block;
}

struct Writing {
  explicit Writing(std::size_t bytes = kStreamPayload) : memory(bytes, 0xEE), writer(memory) {
    writer.begin(3, kBase, 100);
  }
  Block done(std::uint16_t flags = 0, std::size_t multiple_of = 0) {
    return read(std::span(memory).first(writer.finish(flags, multiple_of)));
  }
  Bytes memory;
  TagBlockWriter writer;
};

TEST(TagBlockWriter, GivesBackRandomTagsAtTheirTicks) {
  Rng rng(40);
  for (int round = 0; round < 200; ++round) {
    Writing block;
    std::vector<std::pair<std::uint32_t, std::uint64_t>> tags;
    std::uint64_t tick = kBase;
    for (int i = 0; i < 300; ++i) {
      tick += rng() >> (16 + below(rng, 48));  // gaps of 1 to 48 bits
      tags.emplace_back(static_cast<std::uint32_t>(below(rng, kWordChannels)), tick);
      ASSERT_TRUE(block.writer.tag(tags.back().first, tick));
    }
    const Block out = block.done();
    ASSERT_EQ(out.words.size(), tags.size());
    for (std::size_t i = 0; i < tags.size(); ++i) {
      ASSERT_EQ(out.words[i].kind, tags[i].first);
      ASSERT_EQ(out.words[i].tick, tags[i].second);
    }
  }
}

TEST(TagBlockWriter, ExtendsAGapOnlyFromTwoToThe28) {
  constexpr std::uint64_t edge = 1ULL << 28;
  Writing below_edge, at_edge;
  ASSERT_TRUE(below_edge.writer.tag(1, kBase + edge - 1));
  ASSERT_TRUE(at_edge.writer.tag(1, kBase + edge));
  EXPECT_EQ(below_edge.writer.words(), 1U);
  EXPECT_EQ(at_edge.writer.words(), 2U);
  EXPECT_EQ(at_edge.done().words.at(0).tick, kBase + edge);
}

TEST(TagBlockWriter, ReachesTheLargestTickWithSeveralExtensions) {
  Writing block;
  block.writer.begin(0, 0, 0);
  ASSERT_TRUE(block.writer.tag(0, UINT64_MAX));
  EXPECT_EQ(block.done().words.at(0).tick, UINT64_MAX);
}

TEST(TagBlockWriter, TakesAsManyTagsAsABlockHoldsAndSaysWhenItIsFull) {
  Writing block;
  std::uint64_t tick = kBase;
  while (block.writer.tag(2, tick)) ++tick;
  EXPECT_EQ(block.writer.words(), kMostWords);
  EXPECT_FALSE(block.writer.marker(1));
  EXPECT_FALSE(block.writer.missed(1));
  const Block out = block.done(0, 512);
  EXPECT_EQ(out.words.size(), kMostWords);
  EXPECT_EQ(out.words.back().tick, tick - 1);
}

TEST(TagBlockWriter, LeavesAnExtensionOutWhenItsTagDoesNotFit) {
  Writing block(kTagHeaderBytes + 4);
  ASSERT_FALSE(block.writer.tag(0, kBase + (1ULL << 30)));
  EXPECT_EQ(block.writer.words(), 0U);
  EXPECT_EQ(block.writer.last_tick(), kBase);
  ASSERT_TRUE(block.writer.tag(0, kBase + 5));
  EXPECT_EQ(block.done().words.at(0).tick, kBase + 5);
}

TEST(TagBlockWriter, RefusesATagBeforeTheLastAndSaysThatANewBlockWouldNotHelp) {
  Writing block;
  ASSERT_TRUE(block.writer.tag(0, kBase + 10));
  EXPECT_FALSE(block.writer.tag(0, kBase + 9));
  EXPECT_FALSE(block.writer.fits_in_order(0, kBase + 9));
  EXPECT_TRUE(block.writer.tag(1, kBase + 10));
}

TEST(TagBlockWriter, RefusesAChannelThatDoesNotExist) {
  Writing block;
  EXPECT_FALSE(block.writer.tag(kWordChannels, kBase));
  EXPECT_FALSE(block.writer.fits_in_order(kWordChannels, kBase));
}

TEST(TagBlockWriter, PutsLostEventsAtTheirPlaceIntoTheHeaderAndIntoTheFlag) {
  Writing block;
  ASSERT_TRUE(block.writer.tag(0, kBase + 1));
  ASSERT_TRUE(block.writer.missed(1000));
  ASSERT_TRUE(block.writer.tag(0, kBase + 2));
  const Block out = block.done();
  EXPECT_EQ(out.header.lost, 1000U);
  EXPECT_EQ(out.header.flags, kTagOverflow);
  ASSERT_EQ(out.words.size(), 3U);
  EXPECT_EQ(out.words[1].kind, kWordMissed);
  EXPECT_EQ(out.words[1].value, 1000U);
  EXPECT_EQ(out.words[1].tick, kBase + 1);
}

TEST(TagBlockWriter, SaturatesLostButNotTheIndex) {
  Writing block;
  ASSERT_TRUE(block.writer.missed(5'000'000'000));
  EXPECT_EQ(block.writer.next_index(), 100 + 5'000'000'000U);
  const Block out = block.done();
  EXPECT_EQ(out.header.lost, UINT32_MAX);
  std::uint64_t sum = 0;
  for (const TagWord& word : out.words) sum += word.value;
  EXPECT_EQ(sum, 5'000'000'000U);
}

TEST(TagBlockWriter, CountsTagsAndLossesButNoMarkersIntoTheNextIndex) {
  Writing block;
  ASSERT_TRUE(block.writer.tag(0, kBase + (1ULL << 40)));
  ASSERT_TRUE(block.writer.marker(5));
  ASSERT_TRUE(block.writer.missed(7));
  EXPECT_EQ(block.writer.next_index(), 108U);
}

TEST(TagBlockWriter, NeverMakesAFrameThatIsAMultipleOfThePacket) {
  for (const std::size_t packet : {64U, 512U, 1024U})
    for (std::size_t room = kTagHeaderBytes; room < 2200; room += 4)
      for (const std::size_t tags : {room, (room - kTagHeaderBytes) / 4, (room - kTagHeaderBytes) / 8}) {
        Writing block(room);
        for (std::size_t i = 0; i < tags && block.writer.tag(0, kBase + i); ++i) {
        }
        const std::size_t payload = block.writer.finish(0, packet);
        ASSERT_LE(payload, room);
        ASSERT_NE((kHeaderBytes + payload + kTrailerBytes) % packet, 0U) << room << " " << packet;
      }
}

TEST(TagBlockWriter, PadsWithAWordThatNobodySees) {
  Writing block;
  for (std::uint64_t i = 0; i < 5; ++i) ASSERT_TRUE(block.writer.tag(0, kBase + i));  // 44 + 5 * 4 = 64
  EXPECT_EQ(block.done(0, 64).words.size(), 5U);
  EXPECT_EQ(block.writer.words(), 6U);
}

TEST(TagBlockWriter, MakesATimeMarkOfAnEmptyBlock) {
  Writing block;
  const Block out = block.done(kTagStreamEnd);
  EXPECT_TRUE(out.words.empty());
  EXPECT_EQ(out.header.base_tick, kBase);
  EXPECT_EQ(out.header.block_seq, 3U);
  EXPECT_EQ(out.header.first_index, 100U);
  EXPECT_EQ(out.header.flags, kTagStreamEnd);
}

TEST(TagBlockWriter, WritesNothingIntoAPayloadWithoutRoomForAHeader) {
  Writing block(kTagHeaderBytes - 1);
  EXPECT_FALSE(block.writer.tag(0, kBase));
  EXPECT_EQ(block.writer.finish(0, 64), 0U);
  EXPECT_EQ(block.memory, Bytes(kTagHeaderBytes - 1, 0xEE));
}

TEST(TagBlockHeader, IsRefusedWhenShortOrFollowedByHalfAWord) {
  const Bytes payload(kTagHeaderBytes + 6);
  TagBlockHeader header;
  for (std::size_t size = 0; size <= payload.size(); ++size)
    EXPECT_EQ(decode_tag_header(std::span(payload).first(size), header),
              size == kTagHeaderBytes || size == kTagHeaderBytes + 4);
}

TEST(TagWords, EndAfterExtensionsAndPadsWithoutATag) {
  Bytes payload(kTagHeaderBytes + 8);
  payload[kTagHeaderBytes + 3] = 0xD0;
  payload[kTagHeaderBytes + 7] = 0xF0;
  EXPECT_TRUE(read(payload).words.empty());
}

}  // namespace
}  // namespace nicol::fw::test
