// SPDX-License-Identifier: Apache-2.0
#include "controller/detection/pairs/click_stream.hpp"

#include <gtest/gtest.h>

namespace nicol::detection::pairs {
namespace {

/// Channel k: basis k%2, bit k/2, 100 ps later than the one before.
hal::TimingLayout layout() {
  hal::TimingLayout l;
  l.blind_time = Picoseconds{50'000};
  for (std::uint16_t k = 0; k < 4; ++k)
    l.channels.push_back({k, hal::ChannelRole::detector, static_cast<std::uint8_t>(k & 1),
                          static_cast<std::uint8_t>(k >> 1), Picoseconds{100 * k}});
  return l;
}

class ClickStreamTest : public testing::Test {
 protected:
  ClickStreamTest() { options_.duration = Picoseconds{10'000'000}, options_.capacity = 1000; }
  MeasuredClicks run(std::vector<hal::TimeTag> tags, std::vector<hal::LossInterval> losses = {}) {
    ClickStream stream(layout(), {1, 1}, options_, *random_);
    feed(stream, std::move(tags), std::move(losses), 0, 11'000'000);
    return stream.finish();
  }
  static void feed(ClickStream& stream, std::vector<hal::TimeTag> tags, std::vector<hal::LossInterval> losses,
                   std::int64_t begin, std::int64_t end) {
    hal::TagBlock block;
    block.storage = tags;
    block.tag_count = tags.size();
    block.loss_storage = losses;
    block.loss_count = losses.size();
    block.t_begin = begin, block.t_end = end;
    ASSERT_TRUE(stream.process(block).ok());
  }
  static std::vector<bool> disclosed(const secret::BitString& bits) {
    secret::PublicBits all(bits.size());
    const auto shown = bits.disclose(all.complement());
    std::vector<bool> out;
    for (std::size_t k = 0; k < shown.size(); ++k) out.push_back(shown.get(k));
    return out;
  }
  using Times = std::vector<std::int64_t>;
  ClickStreamOptions options_;
  std::unique_ptr<Random> random_ = make_seeded_random(3, NodeId::alice);
};

TEST_F(ClickStreamTest, GivesEachTagItsTimeBasisAndBit) {
  const auto m = run({{100'000, 0, 0}, {200'100, 1, 0}, {300'200, 2, 0}, {400'300, 3, 0}});
  EXPECT_EQ(m.times, (Times{100'000, 200'000, 300'000, 400'000}));
  EXPECT_EQ(disclosed(m.bases), (std::vector<bool>{false, true, false, true}));
  EXPECT_EQ(disclosed(m.bits), (std::vector<bool>{false, false, true, true}));
}

TEST_F(ClickStreamTest, IsBlindOnAllDetectorsAfterAnyTag) {
  const auto m = run({{100'000, 0, 0}, {140'000, 1, 0}, {185'000, 2, 0}, {300'000, 0, 0}});
  EXPECT_EQ(m.times, (Times{100'000, 300'000}));  // the third falls into what the second blinded
  EXPECT_EQ(m.blinded, 2U);
}

TEST_F(ClickStreamTest, DiscardsNothingForBeingDouble) {
  std::vector<hal::TimeTag> tags;
  for (std::int64_t k = 0; k < 90; ++k) {
    tags.push_back({100'000 * (k + 1), 0, 0});
    tags.push_back({100'000 * (k + 1) + 1'000, static_cast<std::uint16_t>(k % 2 == 0 ? 2 : 1), 0});
  }
  const auto m = run(tags);
  ASSERT_EQ(m.times.size(), 90U);
  EXPECT_EQ(m.same_basis_multi, 45U);
  EXPECT_EQ(m.cross_basis_multi, 45U);
  const auto bases = disclosed(m.bases), bits = disclosed(m.bits);
  std::size_t diagonal_of_cross = 0, ones = 0;
  for (std::size_t k = 0; k < 90; ++k) {
    const bool cross = k % 2 == 1;
    EXPECT_TRUE(cross || !bases[k]);
    diagonal_of_cross += cross && bases[k] ? 1U : 0U;
    ones += bits[k] ? 1U : 0U;
  }
  EXPECT_GT(diagonal_of_cross, 8U);
  EXPECT_LT(diagonal_of_cross, 37U);
  EXPECT_GT(ones, 25U);
  EXPECT_LT(ones, 65U);
}

TEST_F(ClickStreamTest, DrawsOtherCoinsInTheNextBlock) {
  std::vector<hal::TimeTag> tags;
  for (std::int64_t k = 0; k < 90; ++k) {
    tags.push_back({100'000 * (k + 1), 0, 0});
    tags.push_back({100'000 * (k + 1) + 1'000, 2, 0});
  }
  const auto first = disclosed(run(tags).bits);
  options_.block = 1;
  EXPECT_NE(disclosed(run(tags).bits), first);
}

TEST_F(ClickStreamTest, CountsARepeatOfOneDetectorAsOneClick) {
  const auto m = run({{100'000, 3, 0}, {101'000, 3, 0}});
  EXPECT_EQ(m.times.size(), 1U);
  EXPECT_EQ(m.same_basis_multi + m.cross_basis_multi, 0U);
}

TEST_F(ClickStreamTest, DropsALossAndTheTimeItMayHaveBlinded) {
  const auto m = run({{100'000, 0, 0}, {440'000, 0, 0}, {600'000, 0, 0}}, {{200'000, 400'000, 3, true}});
  EXPECT_EQ(m.times, (Times{100'000, 600'000}));
  ASSERT_GE(m.dropped.size(), 1U);
  EXPECT_LE(m.dropped[0].begin, 200'000);
  EXPECT_GE(m.dropped[0].end, 450'000);
}

TEST_F(ClickStreamTest, IgnoresWhatComesAfterTheBlock) {
  const auto m = run({{9'999'000, 0, 0}, {10'100'000, 0, 0}});
  EXPECT_EQ(m.times, (Times{9'999'000}));
}

TEST_F(ClickStreamTest, CountsFromWhereItsFirstBlockBegins) {
  ClickStream stream(layout(), {1000, 256}, options_, *random_);
  feed(stream, {{2'560'000, 0, 0}}, {}, 256'000, 5'000'000);
  EXPECT_TRUE(stream.done());
  const auto m = stream.finish();
  EXPECT_EQ(m.origin, 1'000'000);
  EXPECT_EQ(m.times, (Times{9'000'000}));
}

TEST_F(ClickStreamTest, DropsWhatTheStreamHasNotShown) {
  ClickStream stream(layout(), {1, 1}, options_, *random_);
  feed(stream, {{100'000, 0, 0}}, {}, 0, 4'000'000);
  EXPECT_FALSE(stream.done());
  const auto m = stream.finish();
  ASSERT_EQ(m.dropped.size(), 1U);
  EXPECT_EQ(m.dropped[0].end, 10'000'000);
  EXPECT_LE(m.dropped[0].begin, 4'000'000);
}

TEST_F(ClickStreamTest, TakesBackWhatIsNotVouchedFor) {
  ClickStream stream(layout(), {1, 1}, options_, *random_);
  feed(stream, {{100'000, 0, 0}, {3'000'000, 0, 0}}, {}, 0, 11'000'000);
  stream.drop_from({2'000'000});
  EXPECT_EQ(stream.finish().times, (Times{100'000}));
}

TEST_F(ClickStreamTest, RefusesMoreThanItHasRoomFor) {
  options_.capacity = 2;
  ClickStream stream(layout(), {1, 1}, options_, *random_);
  std::vector<hal::TimeTag> tags{{100'000, 0, 0}, {200'000, 0, 0}, {300'000, 0, 0}, {400'000, 0, 0}};
  hal::TagBlock block;
  block.storage = tags;
  block.tag_count = tags.size();
  block.t_end = 11'000'000;
  const auto refused = stream.process(block);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::exhausted);
}

TEST_F(ClickStreamTest, TellsTimesThatSayNothingOfTheDetector) {
  std::vector<hal::TimeTag> tags;
  for (std::uint16_t k = 0; k < 40; ++k)
    tags.push_back({100'000 * (k + 1) + 100 * (k % 4), static_cast<std::uint16_t>(k % 4), 0});
  const auto closed = close(run({tags.begin(), tags.end()}), {1'000});
  ASSERT_EQ(closed.list.times.size(), 40U);
  for (std::uint64_t k = 0; k < 40; ++k) {
    EXPECT_EQ(closed.list.times[k], 100 * (k + 1));
    EXPECT_EQ(closed.clicks.slots[k], k);
  }
}

TEST_F(ClickStreamTest, TellsNoDropThatHoldsAClick) {
  const auto closed = close(run({{199'500, 0, 0}, {600'300, 0, 0}}, {{200'300, 400'700, 1, true}}), {1'000});
  EXPECT_EQ(closed.list.times, (std::vector<std::uint64_t>{199, 600}));
  ASSERT_FALSE(closed.list.dropped.empty());
  EXPECT_GT(closed.list.dropped[0].begin, 199U);
  EXPECT_LE(closed.list.dropped[0].end, 600U);
}

}  // namespace
}  // namespace nicol::detection::pairs
