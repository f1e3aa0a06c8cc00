// SPDX-License-Identifier: Apache-2.0
// The ring between a tagger's thread and its consumer: order, edges, losses, and what happens when it is full.
#include "drivers/tags/tag_queue.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <thread>

namespace nicol::tags {
namespace {

using hal::LossCause;
using hal::StreamStatus;

struct Reader {
  explicit Reader(std::size_t tags = 64, std::size_t losses = 8) : tags_(tags), losses_(losses) {
    block.storage = tags_;
    block.loss_storage = losses_;
  }
  StreamStatus read(TagQueue& queue) { return queue.acquire(block, {std::chrono::steady_clock::now()}); }
  std::vector<std::int64_t> ticks() const {
    std::vector<std::int64_t> out;
    for (const auto& tag : block.tags()) out.push_back(tag.ticks);
    return out;
  }
  hal::TagBlock block;

 private:
  std::vector<hal::TimeTag> tags_;
  std::vector<hal::LossInterval> losses_;
};

std::unique_ptr<TagQueue> queue_of(std::size_t tags = 64, std::size_t losses = 4) {
  auto queue = TagQueue::create({tags, losses});
  EXPECT_TRUE(queue.ok()) << describe(queue.error());
  (*queue)->begin(0);
  return *std::move(queue);
}

TEST(TagQueue, SaysStoppedBeforeItBegins) {
  auto queue = TagQueue::create({64, 4});
  ASSERT_TRUE(queue.ok());
  Reader reader;
  EXPECT_EQ(reader.read(**queue), StreamStatus::stopped);
}

TEST(TagQueue, HoldsTagsUntilTheyAreCommitted) {
  auto queue = queue_of();
  Reader reader;
  queue->push({5, 0, 0});
  EXPECT_EQ(reader.read(*queue), StreamStatus::timeout);
  queue->commit(6);
  EXPECT_EQ(reader.read(*queue), StreamStatus::ok);
  EXPECT_EQ(reader.ticks(), std::vector<std::int64_t>{5});
  EXPECT_EQ(reader.block.t_begin, 0);
  EXPECT_EQ(reader.block.t_end, 6);
}

TEST(TagQueue, AdvancesItsEndWhenTimeAlonePassed) {
  auto queue = queue_of();
  Reader reader;
  queue->commit(100);
  EXPECT_EQ(reader.read(*queue), StreamStatus::timeout);
  EXPECT_EQ(reader.block.t_end, 100);
  queue->push({150, 1, 0});
  queue->commit(200);
  EXPECT_EQ(reader.read(*queue), StreamStatus::ok);
  EXPECT_EQ(reader.block.t_begin, 100);
}

TEST(TagQueue, SortsInWhatAChannelDelayPutOutOfOrder) {
  auto queue = queue_of();
  Reader reader;
  for (const std::int64_t t : {10, 13, 11, 12}) queue->push({t, 0, 0});
  queue->commit(13);
  ASSERT_EQ(reader.read(*queue), StreamStatus::ok);
  EXPECT_EQ(reader.ticks(), (std::vector<std::int64_t>{10, 11, 12}));
  queue->commit(14);
  ASSERT_EQ(reader.read(*queue), StreamStatus::ok);
  EXPECT_EQ(reader.ticks(), (std::vector<std::int64_t>{13}));
}

TEST(TagQueue, KeepsTagsOfOneTickInOneBlock) {
  auto queue = queue_of();
  Reader reader(2);
  for (const std::int64_t t : {1, 2, 2}) queue->push({t, 0, 0});
  queue->commit(10);
  ASSERT_EQ(reader.read(*queue), StreamStatus::ok);
  EXPECT_EQ(reader.ticks(), (std::vector<std::int64_t>{1}));
  EXPECT_EQ(reader.block.t_end, 2);
  ASSERT_EQ(reader.read(*queue), StreamStatus::ok);
  EXPECT_EQ(reader.ticks(), (std::vector<std::int64_t>{2, 2}));
}

TEST(TagQueue, TellsALossBeforeAnyLaterTagAndEndsTheBlockBeforeIt) {
  auto queue = queue_of();
  Reader reader;
  queue->push({1, 0, 0});
  queue->commit(10);
  queue->lose({10, 20, 0, false, hal::kAllChannels, LossCause::corrupt});
  queue->push({15, 0, 0});
  queue->commit(30);
  ASSERT_EQ(reader.read(*queue), StreamStatus::ok);
  EXPECT_EQ(reader.ticks(), (std::vector<std::int64_t>{1}));
  EXPECT_EQ(reader.block.t_end, 10);
  ASSERT_EQ(reader.read(*queue), StreamStatus::ok);
  ASSERT_EQ(reader.block.loss_count, 1u);
  EXPECT_EQ(reader.block.losses()[0].begin, 10);
  EXPECT_EQ(reader.ticks(), (std::vector<std::int64_t>{15}));
}

TEST(TagQueue, CountsExactlyWhatFoundNoPlace) {
  auto queue = queue_of(4);
  Reader reader;
  for (std::int64_t t = 0; t < 10; ++t) queue->push({t, 0, 0});
  queue->commit(10);
  ASSERT_EQ(reader.read(*queue), StreamStatus::ok);
  EXPECT_EQ(reader.block.tag_count, 4u);
  EXPECT_EQ(reader.block.t_end, 4);
  ASSERT_EQ(reader.read(*queue), StreamStatus::ok);
  ASSERT_EQ(reader.block.loss_count, 1u);
  EXPECT_EQ(reader.block.losses()[0], (hal::LossInterval{4, 10, 6, true, hal::kAllChannels, LossCause::transport}));
  EXPECT_EQ(reader.block.first_index, 10u);
}

TEST(TagQueue, TellsALossThatReachesToTheLastTagThatFoundNoPlace) {
  auto queue = queue_of(2);
  Reader reader;
  for (const std::int64_t t : {1, 2, 3, 50}) queue->push({t, 0, 0});
  queue->commit(10);
  ASSERT_EQ(reader.read(*queue), StreamStatus::ok);
  ASSERT_EQ(reader.read(*queue), StreamStatus::ok);
  ASSERT_EQ(reader.block.loss_count, 1u);
  EXPECT_EQ(reader.block.losses()[0], (hal::LossInterval{3, 51, 2, true, hal::kAllChannels, LossCause::transport}));
}

TEST(TagQueue, KeepsTheBeginOfALossThatIsToldAfterALaterOne) {
  auto queue = queue_of();
  Reader reader;
  queue->lose({50, 60, 1, true, hal::kAllChannels, LossCause::corrupt});
  queue->lose({10, 20, 1, true, hal::kAllChannels, LossCause::corrupt});
  queue->commit(100);
  ASSERT_EQ(reader.read(*queue), StreamStatus::ok);
  ASSERT_EQ(reader.block.loss_count, 1u);
  EXPECT_EQ(reader.block.losses()[0].begin, 10);
  EXPECT_EQ(reader.block.losses()[0].end, 60);
}

/// A producer whose channel delays put tags out of order, and a consumer who is slow now and then. `pushed` counts what
/// went in at each tick and not yet came out.
struct OverrunTrial {
  explicit OverrunTrial(std::uint64_t seed) : random(seed) {}
  int draw(int most) { return std::uniform_int_distribution<int>(0, most)(random); }
  void produce() {
    for (int n = draw(12); n > 0; --n) {
      const std::int64_t tick = now + draw(40);
      queue->push({tick, 0, 0});
      ++pushed[tick];
      now += draw(3);
    }
    queue->commit(now);
  }
  void consume() {
    while (reader.read(*queue) == StreamStatus::ok) {
      for (const std::int64_t tick : reader.ticks()) --pushed[tick];
      losses.insert(losses.end(), reader.block.losses().begin(), reader.block.losses().end());
      if (draw(2) == 0) return;
    }
  }
  std::mt19937_64 random;
  std::unique_ptr<TagQueue> queue = queue_of(16, 3);
  Reader reader{4, 2};
  std::int64_t now = 0;
  std::map<std::int64_t, std::uint64_t> pushed;
  std::vector<hal::LossInterval> losses;
};

TEST(TagQueue, LosesNoTagOutsideTheLossesItTellsAndCountsThemExactly) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    OverrunTrial trial(seed);
    for (int step = 0; step < 60; ++step) {
      trial.produce();
      if (trial.draw(3) == 0) trial.consume();
    }
    trial.queue->commit(trial.now + 1000);
    for (int i = 0; i < 200; ++i) trial.consume();
    std::uint64_t missing = 0, told = 0;
    for (const auto& [tick, count] : trial.pushed) {
      const bool said = std::any_of(trial.losses.begin(), trial.losses.end(),
                                    [t = tick](const auto& l) { return l.begin <= t && t < l.end; });
      EXPECT_TRUE(count == 0 || said) << "seed " << seed << ": a tag at " << tick;
      missing += count;
    }
    for (const auto& loss : trial.losses) told += loss.lost;
    EXPECT_GT(missing, 0u) << seed;
    EXPECT_EQ(told, missing) << seed;
  }
}

TEST(TagQueue, MergesLossesRatherThanForgetOne) {
  auto queue = queue_of(64, 2);
  Reader reader;
  for (std::int64_t i = 0; i < 10; ++i) {
    queue->lose({10 * i, 10 * i + 5, 1, true, 1, i % 2 == 0 ? LossCause::corrupt : LossCause::transport});
    queue->commit(10 * i + 10);
  }
  std::uint64_t lost = 0;
  std::int64_t end = 0;
  while (reader.read(*queue) == StreamStatus::ok)
    for (const auto& loss : reader.block.losses()) {
      lost += loss.lost;
      end = loss.end;
    }
  EXPECT_EQ(lost, 10u);
  EXPECT_EQ(end, 95);
}

TEST(TagQueue, SaysOverflowOnlyForAFullFifo) {
  auto queue = queue_of();
  Reader reader;
  queue->lose({0, 5, 0, false, hal::kAllChannels, LossCause::fifo_overflow});
  queue->commit(5);
  EXPECT_EQ(reader.read(*queue), StreamStatus::overflow);
}

TEST(TagQueue, HandsOutWhatIsCommittedBeforeItSaysTheStreamEnded) {
  auto queue = queue_of();
  Reader reader;
  queue->push({1, 0, 0});
  queue->commit(2);
  queue->end(StreamStatus::disconnected);
  EXPECT_EQ(reader.read(*queue), StreamStatus::ok);
  EXPECT_EQ(reader.read(*queue), StreamStatus::disconnected);
}

TEST(TagQueue, ForgetsWhatWasHeldWhenTold) {
  auto queue = queue_of();
  Reader reader;
  queue->push({1, 0, 0});
  EXPECT_EQ(queue->drop_held(), 1u);
  queue->commit(5);
  EXPECT_EQ(reader.read(*queue), StreamStatus::timeout);
}

TEST(TagQueue, WakesTheConsumerWhenTagsCome) {
  auto queue = queue_of();
  Reader reader;
  std::thread producer([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    queue->push({1, 0, 0});
    queue->commit(2);
  });
  const auto status = queue->acquire(reader.block, {std::chrono::steady_clock::now() + std::chrono::seconds(10)});
  producer.join();
  EXPECT_EQ(status, StreamStatus::ok);
}

}  // namespace
}  // namespace nicol::tags
