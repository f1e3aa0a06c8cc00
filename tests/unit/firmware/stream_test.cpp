// SPDX-License-Identifier: Apache-2.0
// Tags out of the board's FIFO into blocks: when blocks close, what is lost and where it says so, credits.
#include <gtest/gtest.h>

#include "firmware-protocol/tag_block.hpp"
#include "firmware-protocol/tag_words.hpp"
#include "tests/unit/firmware/host.hpp"

namespace nicol::fw::test {
namespace {

struct Block {
  TagBlockHeader header;
  std::vector<TagWord> words;
  std::size_t frame_bytes = 0;
};

struct Stream : Bench {
  explicit Stream(Link kind = Link::usb, std::uint32_t credit = kUnlimitedBlocks) : Bench(kind) {
    hello(1);
    EXPECT_EQ(order(Type::stream_start, Credit{credit}), kDone);
  }
  void tags(std::size_t count, std::uint64_t spacing = 1000) {
    for (std::size_t i = 0; i < count; ++i) board.fifo.push_back({next += spacing, static_cast<std::uint32_t>(i % 8)});
    board.complete_until = next + 1;
  }
  std::vector<Block> blocks() {
    std::vector<Block> out;
    for (const Said& s : hear(link == Link::usb ? Channel::stream : Channel::control)) {
      if (s.message.header.type != Type::tag_block) continue;
      Block b;
      EXPECT_TRUE(decode_tag_header(s.message.payload, b.header));
      for (const TagWord w : TagWords(b.header, s.message.payload)) b.words.push_back(w);
      b.frame_bytes = s.message.payload.size() + kHeaderBytes + kTrailerBytes;
      out.push_back(b);
    }
    return out;
  }
  std::uint64_t next = 0;
};

std::size_t tags_in(const Block& b) {
  return static_cast<std::size_t>(
      std::count_if(b.words.begin(), b.words.end(), [](const TagWord& w) { return w.is_tag(); }));
}

TEST(TagStream, AnEmptyBlockEveryTenMillisecondsMarksTheTime) {
  Stream s;
  for (std::uint32_t i = 0; i < 3; ++i) {
    s.board.complete_until = (i + 1) * 10'000;
    s.pass(9);
    EXPECT_TRUE(s.blocks().empty());
    s.pass(1);
    const auto b = s.blocks();
    ASSERT_EQ(b.size(), 1U);
    EXPECT_EQ(b[0].header.base_tick, s.board.complete_until);
    EXPECT_EQ(b[0].header.block_seq, i);
    EXPECT_EQ(tags_in(b[0]), 0U);
  }
}

TEST(TagStream, ABlockIsClosedWhenFullAndLosesNothing) {
  Stream s;
  s.tags(20'000);
  s.pass(15);
  std::size_t got = 0;
  std::uint64_t index = 0, last = 0;
  for (const Block& b : s.blocks()) {
    EXPECT_EQ(b.header.first_index, index);
    EXPECT_EQ(b.header.lost, 0U);
    for (const TagWord& w : b.words) {
      EXPECT_EQ(w.tick, last + 1000);
      last = w.tick;
    }
    index += tags_in(b);
    got += tags_in(b);
  }
  s.pass(15);
  for (const Block& b : s.blocks()) got += tags_in(b);
  EXPECT_EQ(got, 20'000U);
}

TEST(TagStream, TheBaseOfABlockIsWhereTheOneBeforeIsComplete) {
  Stream s;
  s.tags(10);
  s.pass(10);
  s.blocks();
  s.pass(10);
  const auto b = s.blocks();
  ASSERT_EQ(b.size(), 1U);
  EXPECT_EQ(b[0].header.base_tick, s.board.complete_until);
  EXPECT_EQ(b[0].header.first_index, 10U);
}

TEST(TagStream, AnOverflowIsSaidAtItsPlaceWithItsNumber) {
  Stream s;
  s.tags(3);
  s.board.lose(12'345);
  s.tags(2);
  s.pass(10);
  const auto b = s.blocks();
  ASSERT_EQ(b.size(), 1U);
  EXPECT_EQ(b[0].header.lost, 12'345U);
  EXPECT_TRUE((b[0].header.flags & kTagOverflow) != 0);
  ASSERT_EQ(b[0].words.size(), 6U);
  EXPECT_EQ(b[0].words[3].kind, kWordMissed);
  EXPECT_EQ(b[0].words[3].value, 12'345U);
  s.pass(10);
  EXPECT_EQ(s.blocks().at(0).header.first_index, 12'350U);
}

TEST(TagStream, RandomTagsAndLossesComeOutAsTheyWentIn) {
  Stream s;
  Rng rng(11);
  std::vector<std::pair<std::uint64_t, std::uint32_t>> in, out;  // (tick or lost, channel)
  for (int round = 0; round < 200; ++round) {
    for (int i = 0; i < 300; ++i) {
      const bool loss = rng() % 50 == 0 && (in.empty() || in.back().second != FakeBoard::kLossMark);
      const std::uint64_t gap = rng() % 20 == 0 ? rng() % (std::uint64_t{1} << 40) : rng() % 4;
      const Tag t{loss ? 1 + rng() % 1'000'000 : s.next += gap,
                  loss ? FakeBoard::kLossMark : static_cast<std::uint32_t>(rng() % 8)};
      s.board.fifo.push_back(t);
      in.emplace_back(t.tick, t.channel);
    }
    s.board.complete_until = s.next;
    s.pass(10);
    for (const Block& b : s.blocks())
      for (const TagWord& w : b.words)
        out.emplace_back(w.is_tag() ? w.tick : w.value, w.is_tag() ? w.kind : FakeBoard::kLossMark);
  }
  s.order(Type::stream_stop);
  for (const Block& b : s.blocks())
    for (const TagWord& w : b.words)
      out.emplace_back(w.is_tag() ? w.tick : w.value, w.is_tag() ? w.kind : FakeBoard::kLossMark);
  EXPECT_EQ(in, out);
}

TEST(TagStream, StoppingSendsTheRestAndThenAnEmptyLastBlock) {
  Stream s;
  s.tags(5000);
  ASSERT_EQ(s.order(Type::stream_stop), kDone);
  EXPECT_FALSE(s.board.tags_on);
  const auto b = s.blocks();
  ASSERT_GE(b.size(), 2U);
  std::size_t got = 0;
  for (const Block& block : b) got += tags_in(block);
  EXPECT_EQ(got, 5000U);
  EXPECT_EQ(b.back().header.flags, kTagStreamEnd);
  EXPECT_EQ(b.back().header.base_tick, s.board.complete_until);
  s.pass(50);
  EXPECT_TRUE(s.blocks().empty());
}

TEST(TagStream, NoFrameIsAMultipleOfThePacketSize) {
  for (const std::size_t packet : {64U, 512U}) {
    Stream s;
    s.board.packet = packet;
    for (std::size_t tags = 0; tags < 300; ++tags) {
      s.tags(tags);
      s.pass(10);
      for (const Block& b : s.blocks()) EXPECT_NE(b.frame_bytes % packet, 0U);
    }
  }
}

TEST(TagStream, NoControlFrameIsAMultipleOfSixtyFour) {
  for (std::size_t length = 0; length <= Text::kMost; ++length) {
    Bench b;
    b.board.about.serial = Text(std::string(length, 'x'));
    EXPECT_NE((b.hello(1).message.payload.size() + 16) % 64, 0U) << length;
  }
}

TEST(TagStream, WithoutCreditLossesAreCountedAndSaidInTheNextBlock) {
  Stream s(Link::usb, 1);
  s.tags(4000);
  s.pass(10);
  EXPECT_EQ(s.blocks().size(), 1U);
  s.tags(30'000);
  s.pass(50);
  EXPECT_TRUE(s.blocks().empty());
  s.order(Type::stream_credit, Credit{100});
  s.pass(10);
  std::uint64_t got = 0, lost = 0, index = 0;
  for (int i = 0; i < 3; ++i, s.pass(10))
    for (const Block& b : s.blocks()) {
      if (index != 0) {
        EXPECT_EQ(b.header.first_index, index);
      }
      got += tags_in(b);
      lost += b.header.lost;
      index = b.header.first_index + tags_in(b) + b.header.lost;
    }
  EXPECT_GT(lost, 0U);
  EXPECT_EQ(got + lost + 4000, 34'000U);
  EXPECT_EQ(index, 34'000U);
}

TEST(TagStream, ACreditThatComesTwiceCountsOnce) {
  Stream s(Link::usb, 0);
  for (int i = 0; i < 3; ++i) s.order(Type::stream_credit, Credit{2});
  std::size_t blocks = 0;
  for (int i = 0; i < 20; ++i, s.pass(10)) blocks += s.blocks().size();
  EXPECT_EQ(blocks, 2U);
}

TEST(TagStream, OnASerialLineAnswersGetBetweenSmallBlocks) {
  Stream s(Link::serial);
  s.tags(20'000);
  s.pass(10);
  s.put(Type::get, kAckRequest, ++s.seq, Bytes{0x05, 0, 0, 0});
  std::size_t before = 0;
  bool answered = false;
  for (const Said& said : s.hear()) {
    answered = answered || said.message.header.type == Type::value;
    EXPECT_LE(said.message.payload.size() + 16, kSerialBlockFrame);
    if (!answered) ++before;
  }
  EXPECT_TRUE(answered);
  EXPECT_LE(before, 2U);
}

TEST(TagStream, ByteByByteIsTheSameAsAtOnce) {
  Stream s(Link::serial);
  s.tags(2000);
  s.pass(10);
  FrameDecoder decoder(Framing::cobs);
  Frame frame;
  std::size_t got = 0, frames = 0;
  for (Bytes one(1); s.firmware->transmit(Channel::control, one) == 1;) {
    decoder.feed(one);
    while (decoder.next(frame)) {
      ++frames;
      got += (frame.payload.size() - kTagHeaderBytes) / 4;
    }
  }
  EXPECT_EQ(decoder.counts().bad_stuffing + decoder.counts().bad_payload + decoder.counts().bad_header, 0U);
  EXPECT_GE(got, 1900U);
  EXPECT_GT(frames, 5U);
}

TEST(TagStream, ANewSessionStopsIt) {
  Stream s;
  s.hello(2);
  s.pass(50);
  EXPECT_TRUE(s.blocks().empty());
  EXPECT_FALSE(s.board.tags_on);
}

TEST(TagStream, IsRefusedByABoardWithoutTagger) {
  Bench b;
  b.board.about.tagger.channels = 0;
  b.hello(1);
  EXPECT_EQ(b.order(Type::stream_start, Credit{}), Nack::unsupported);
}

}  // namespace
}  // namespace nicol::fw::test
