// SPDX-License-Identifier: Apache-2.0
// Tag blocks that were dropped, doubled, reordered and damaged: what is missing is told exactly, the rest is there.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "drivers/rig/tag_block_stream.hpp"
#include "firmware-protocol/frame.hpp"

namespace nicol::rig {
namespace {

using hal::LossCause;
using hal::LossInterval;
using Payload = std::vector<std::uint8_t>;

/// The device's side of a stream.
class Source {
 public:
  explicit Source(std::uint32_t first_seq = 0) : seq_(first_seq) {}
  Source& tag(std::uint32_t channel, std::uint64_t tick) {
    open();
    EXPECT_TRUE(writer_.tag(channel, tick));
    return *this;
  }
  Source& missed(std::uint64_t events) {
    open();
    EXPECT_TRUE(writer_.missed(events));
    return *this;
  }
  /// Ends the block; the next begins at `base`.
  Payload block(std::uint64_t base, std::uint16_t flags = 0) {
    open();
    const std::size_t size = writer_.finish(flags, 0);
    index_ = writer_.next_index();
    base_ = base;
    open_ = false;
    return {memory_.begin(), memory_.begin() + static_cast<std::ptrdiff_t>(size)};
  }

 private:
  void open() {
    if (open_) return;
    writer_.begin(seq_++, base_, index_);
    open_ = true;
  }
  Payload memory_ = Payload(fw::kStreamPayload);
  fw::TagBlockWriter writer_{memory_};
  std::uint32_t seq_;
  std::uint64_t base_ = 0, index_ = 0;
  bool open_ = false;
};

struct Result {
  std::vector<hal::TimeTag> tags;
  std::vector<LossInterval> losses;
  hal::StreamStatus last = hal::StreamStatus::timeout;
  std::int64_t end = 0;
};

class TagBlocks : public testing::Test {
 protected:
  TagBlocks() : queue_(*tags::TagQueue::create({1 << 12, 64})), stream_(*queue_) { stream_.begin(); }
  void give(const Payload& payload) { stream_.block(payload); }
  Result all() {
    Result out;
    std::vector<hal::TimeTag> tags(256);
    std::vector<LossInterval> losses(16);
    for (;;) {
      hal::TagBlock block;
      block.storage = tags;
      block.loss_storage = losses;
      out.last = queue_->acquire(block, {std::chrono::steady_clock::now()});
      EXPECT_EQ(block.t_begin, end_);
      out.end = end_ = block.t_end;
      out.tags.insert(out.tags.end(), block.tags().begin(), block.tags().end());
      out.losses.insert(out.losses.end(), block.losses().begin(), block.losses().end());
      if (out.last != hal::StreamStatus::ok && out.last != hal::StreamStatus::overflow) return out;
    }
  }
  std::unique_ptr<tags::TagQueue> queue_;
  TagBlockStream stream_;
  Source source_;
  std::int64_t end_ = 0;
};

LossInterval loss(std::int64_t begin, std::int64_t end, std::uint64_t lost, LossCause cause) {
  return {begin, end, lost, true, hal::kAllChannels, cause};
}

TEST_F(TagBlocks, BecomeTagsAtTheirTimes) {
  give(source_.tag(3, 100).tag(0, 100).tag(7, 5'000'000'000).block(6'000'000'000));
  give(source_.block(6'000'000'000));
  const Result r = all();
  ASSERT_EQ(r.tags.size(), 3u);
  EXPECT_EQ(r.tags[0], (hal::TimeTag{100, 3, 0}));
  EXPECT_EQ(r.tags[1], (hal::TimeTag{100, 0, 0}));
  EXPECT_EQ(r.tags[2], (hal::TimeTag{5'000'000'000, 7, 0}));
  EXPECT_EQ(r.end, 6'000'000'000);
  EXPECT_TRUE(r.losses.empty());
}

TEST_F(TagBlocks, AreCompleteUpToTheBaseOfTheNext) {
  give(source_.tag(1, 10).tag(1, 20).block(50));
  EXPECT_EQ(all().end, 20) << "what came at 20 may not have been all";
  give(source_.block(90));
  EXPECT_EQ(all().end, 50);
}

TEST_F(TagBlocks, ThatAreEmptyAreTimeMarks) {
  give(source_.block(1000));
  give(source_.block(2000));
  EXPECT_EQ(all().end, 1000);
}

/// Time extensions that lead once around 2^64 and end before the block begins.
TEST_F(TagBlocks, WithATagBeforeTheirOwnBaseAreDamagedFromThereOn) {
  give(source_.tag(0, 100).tag(0, 200).block(1000));
  Payload around = source_.tag(1, 1100).tag(1, 1200).block(2000);
  const auto put = [&](std::uint32_t word) {
    for (unsigned byte = 0; byte < 4; ++byte) around.push_back(static_cast<std::uint8_t>(word >> 8 * byte));
  };
  for (int i = 0; i < 256; ++i) put(fw::kWordExtend << 28 | fw::kWordValueMask);
  put(fw::kWordExtend << 28 | 255);  // 256 (2^28 - 1) + 255 and one short of 2^36
  put(std::uint32_t{2} << 28 | (fw::kWordValueMask - 100));
  give(around);
  (void)source_.tag(1, 2100).block(3000);
  give(source_.tag(3, 3100).block(4000));
  give(source_.block(4000));
  const Result r = all();
  ASSERT_EQ(r.tags.size(), 5u);
  EXPECT_EQ(r.tags[4].ticks, 3100);
  EXPECT_TRUE(std::is_sorted(r.tags.begin(), r.tags.end(), [](auto a, auto b) { return a.ticks < b.ticks; }));
  ASSERT_EQ(r.losses.size(), 1u);
  EXPECT_EQ(r.losses[0].cause, LossCause::corrupt);
}

TEST_F(TagBlocks, ThatAreDroppedAreALossOfTheirTags) {
  give(source_.tag(0, 100).tag(0, 200).block(300));
  (void)source_.tag(1, 310).tag(1, 320).tag(1, 330).block(400);
  (void)source_.tag(1, 410).block(500);
  give(source_.tag(2, 510).block(600));
  give(source_.block(600));
  const Result r = all();
  EXPECT_EQ(r.tags.size(), 3u);
  ASSERT_EQ(r.losses.size(), 1u);
  EXPECT_EQ(r.losses[0], loss(200, 500, 4, LossCause::transport));
  EXPECT_EQ(stream_.counts().lost, 4u);
  EXPECT_EQ(stream_.counts().lost_blocks, 2u);
}

TEST_F(TagBlocks, ThatWereEmptyAndAreDroppedAreNoLoss) {
  give(source_.tag(0, 100).block(300));
  (void)source_.block(400);
  give(source_.tag(2, 510).block(600));
  const Result r = all();
  EXPECT_TRUE(r.losses.empty());
  EXPECT_EQ(stream_.counts().lost_blocks, 1u);
}

TEST_F(TagBlocks, WhoseFirstIsDroppedLoseFromTheBeginning) {
  (void)source_.tag(0, 100).tag(0, 200).block(300);
  give(source_.tag(0, 310).block(400));
  const Result r = all();
  ASSERT_EQ(r.losses.size(), 1u);
  EXPECT_EQ(r.losses[0], loss(0, 300, 2, LossCause::transport));
}

TEST_F(TagBlocks, ThatComeTwiceCountOnce) {
  const Payload block = source_.tag(0, 100).tag(0, 200).block(300);
  give(block);
  give(block);
  give(source_.tag(0, 310).block(400));
  give(block);
  give(source_.block(400));
  const Result r = all();
  EXPECT_EQ(r.tags.size(), 3u);
  EXPECT_TRUE(r.losses.empty());
  EXPECT_EQ(stream_.counts().stale_blocks, 2u);
}

TEST_F(TagBlocks, ThatComeTooLateAreLost) {
  give(source_.tag(0, 100).block(200));
  const Payload late = source_.tag(0, 210).block(300);
  give(source_.tag(0, 310).block(400));
  give(late);
  give(source_.block(400));
  const Result r = all();
  EXPECT_EQ(r.tags.size(), 2u);
  ASSERT_EQ(r.losses.size(), 1u);
  EXPECT_EQ(r.losses[0], loss(100, 300, 1, LossCause::transport));
}

TEST_F(TagBlocks, ThatAreDamagedAreALossThatSaysSo) {
  give(source_.tag(0, 100).block(200));
  (void)source_.tag(0, 210).block(300);
  stream_.damaged();
  give(source_.tag(0, 310).block(400));
  const Result r = all();
  ASSERT_EQ(r.losses.size(), 1u);
  EXPECT_EQ(r.losses[0], loss(100, 300, 1, LossCause::corrupt));
}

TEST_F(TagBlocks, SayWhatTheDeviceLostAtItsPlace) {
  give(source_.tag(0, 100).missed(7).tag(1, 200).block(300));
  give(source_.block(300));
  const Result r = all();
  ASSERT_EQ(r.losses.size(), 1u);
  EXPECT_EQ(r.losses[0], loss(100, 200, 7, LossCause::fifo_overflow));
  ASSERT_EQ(r.tags.size(), 2u);
}

TEST_F(TagBlocks, EndALossAtTheNextBlockWhereNoTagFollows) {
  give(source_.tag(0, 100).missed(7).block(300));
  give(source_.tag(0, 310).block(400));
  const Result r = all();
  ASSERT_EQ(r.losses.size(), 1u);
  EXPECT_EQ(r.losses[0], loss(100, 300, 7, LossCause::fifo_overflow));
}

TEST_F(TagBlocks, WithALossInFrontTellItBeforeTheirTags) {
  give(source_.tag(0, 100).block(300));
  give(source_.missed(9).tag(0, 350).block(400));
  give(source_.block(400));
  const Result r = all();
  ASSERT_EQ(r.losses.size(), 1u);
  EXPECT_EQ(r.losses[0], loss(300, 350, 9, LossCause::fifo_overflow));
}

TEST_F(TagBlocks, EndTheStreamWithTheLast) {
  give(source_.tag(0, 100).block(300));
  give(source_.block(300, fw::kTagStreamEnd));
  const Result r = all();
  EXPECT_EQ(r.tags.size(), 1u);
  EXPECT_EQ(r.last, hal::StreamStatus::stopped);
  EXPECT_TRUE(stream_.ended());
}

TEST_F(TagBlocks, WhoseTimeGoesBackAreNotBelieved) {
  give(source_.tag(0, 1000).block(2000));
  Source liar(1);
  give(liar.block(0));  // base 0, index 0: in front of what came already
  EXPECT_EQ(stream_.counts().bad_blocks, 1u);
  EXPECT_EQ(all().tags.size(), 0u);
}

TEST_F(TagBlocks, BeyondTheLongestStreamAreNotBelieved) {
  fw::TagBlockHeader header;
  header.base_tick = TagBlockStream::kTickLimit;
  Payload payload(fw::kTagHeaderBytes);
  fw::encode_tag_header(header, std::span<std::uint8_t, fw::kTagHeaderBytes>(payload.data(), fw::kTagHeaderBytes));
  give(payload);
  EXPECT_EQ(stream_.counts().bad_blocks, 1u);
}

TEST_F(TagBlocks, OfThreeBytesAreNone) {
  give({1, 2, 3});
  EXPECT_EQ(stream_.counts().bad_blocks, 1u);
}

/// Random tags over random blocks, and a cable that drops, doubles and swaps: what is there and what is lost add up,
/// and every missing tag lies in a loss.
TEST_F(TagBlocks, AddUpOverAnyCable) {
  std::mt19937_64 draw(1);
  std::vector<std::uint64_t> sent;
  std::vector<Payload> blocks;
  std::uint64_t tick = 0;
  for (int b = 0; b < 200; ++b) {
    for (std::uint64_t n = draw() % 12; n > 0; --n) {
      tick += 1 + draw() % 1000;
      sent.push_back(tick);
      source_.tag(static_cast<std::uint32_t>(draw() % 12), tick);
    }
    tick += draw() % 100;
    blocks.push_back(source_.block(tick));
  }
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const std::uint64_t fate = draw() % 10;
    if (fate == 0 && i + 1 < blocks.size()) std::swap(blocks[i], blocks[i + 1]);
    if (fate != 1) give(blocks[i]);
    if (fate == 2) give(blocks[i]);
  }
  Source last(200);
  const Result r = all();
  std::uint64_t lost = 0, missing = 0;
  for (const LossInterval& l : r.losses) lost += l.lost;
  for (const std::uint64_t t : sent) {
    const auto at = static_cast<std::int64_t>(t);
    if (at >= r.end) continue;  // not told yet
    const auto is = [at](const hal::TimeTag& tag) { return tag.ticks == at; };
    const auto covers = [at](const LossInterval& l) { return l.begin <= at && at < l.end; };
    if (std::any_of(r.tags.begin(), r.tags.end(), is)) continue;
    ++missing;
    EXPECT_TRUE(std::any_of(r.losses.begin(), r.losses.end(), covers)) << "a tag at " << at << " is missing untold";
  }
  EXPECT_GT(missing, 20u);
  EXPECT_EQ(missing, lost);
}

}  // namespace
}  // namespace nicol::rig
