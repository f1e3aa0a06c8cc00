// SPDX-License-Identifier: Apache-2.0
// Random streams: the fast path against the slow reference, and against itself however the stream is cut.
#include <gtest/gtest.h>

#include <random>

#include "tests/unit/detection/slow_reference.hpp"

namespace nicol::detection::test {
namespace {

struct Case {
  Stream stream;
  std::vector<SlowReference::True> syncs;
};

/// Clicks, dark counts, doubles, repeats, jitter, losses, lost and spurious sync tags, unequal delays, a wrong clock.
Case random_case(std::uint64_t seed) {
  std::mt19937_64 g(seed);
  const auto pick = [&](std::uint64_t n) { return g() % n; };
  const auto around = [&](std::int64_t w) {
    return static_cast<std::int64_t>(pick(static_cast<std::uint64_t>(2 * w + 1))) - w;
  };
  Case c;
  Stream& s = c.stream;
  s.slots = 600 + pick(200);
  s.tick = seed % 3 == 0 ? TickLength{1'000, 256} : TickLength{1 + seed % 2, 1};
  s.rate = 1 + static_cast<double>(around(80)) * 1e-6;
  s.timing.gate_width = {static_cast<std::int64_t>(1'000 + pick(9'000))};
  s.timing.blind_time = {static_cast<std::int64_t>(pick(4) * 11'000)};
  s.timing.sync_divider = static_cast<std::uint32_t>(1 + pick(40));
  const bool spread = seed % 2 == 0 && s.timing.blind_time.count > 0;
  for (std::size_t i = 0; i < 4; ++i) s.timing.channels[i].delay = {2'000 + (spread ? around(25'000) : 0)};
  s.frame();
  for (std::uint64_t j = 0; j * s.timing.sync_divider < s.slots; ++j)
    if (j == 0 || pick(6) != 0) {
      s.sync(j, around(20));
      c.syncs.push_back({j, s.tags.back().ticks});
    } else if (s.timing.sync_divider > 4) {
      s.sync(j, (s.timing.slot_period.count * s.timing.sync_divider) / 3);  // spurious
    }
  for (std::uint64_t k = 0; k < s.slots; ++k) {
    if (pick(3) != 0) continue;
    const int tags = pick(8) == 0 ? 3 : 1;
    for (int i = 0; i < tags; ++i)
      s.click(k, static_cast<std::uint16_t>(pick(4)), around(s.timing.gate_width.count / 2));
  }
  for (int i = 0; i < 60; ++i)
    s.at(s.zero - 30'000 + static_cast<std::int64_t>(pick(s.slots * 10'000 + 60'000)),
         static_cast<std::uint16_t>(pick(4)));
  for (std::uint64_t i = pick(4); i > 0; --i) {
    const std::int64_t begin = s.start(pick(s.slots)) + around(10'000);
    s.lose(begin, begin + 1 + static_cast<std::int64_t>(pick(50'000)));
  }
  std::sort(s.losses.begin(), s.losses.end(), [](const auto& a, const auto& b) { return a.begin < b.begin; });
  return c;
}

class RandomStream : public testing::TestWithParam<std::uint64_t> {};

TEST_P(RandomStream, GivesTheClicksOfTheSlowReference) {
  const Case c = random_case(GetParam());
  const auto random = make_seeded_random(1, NodeId::bob);
  const Seen slow = SlowReference{c.stream, c.syncs}.run(*random), fast = detect(c.stream);
  ASSERT_GT(slow.slots.size(), 20U);
  EXPECT_EQ(fast.slots, slow.slots);
  EXPECT_EQ(fast.bases, slow.bases);
  EXPECT_EQ(fast.bits, slow.bits);
  EXPECT_EQ(fast.dropped, slow.dropped);
  EXPECT_EQ(fast.report.same_basis_multi, slow.report.same_basis_multi);
  EXPECT_EQ(fast.report.cross_basis_multi, slow.report.cross_basis_multi);
}

TEST_P(RandomStream, GivesTheSameHoweverItIsCut) {
  const Case c = random_case(GetParam());
  const Seen whole = detect(c.stream);
  for (const std::size_t cut : {1U, 2U, 7U, 64U, 311U})
    EXPECT_EQ(detect(c.stream, cut), whole) << cut << " tags a block";
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomStream, testing::Range<std::uint64_t>(1, 61));

TEST(DenseStream, GivesTheSameHoweverItIsCutWhenTagsOutrunTheQueue) {
  Stream s;
  s.timing.sync_divider = 5'000;
  s.timing.blind_time = {0};
  s.slots = 60'000;
  s.rate = 1 + 5e-6;
  s.frame();
  for (const std::uint64_t j : {0U, 1U, 2U, 8U, 9U, 10U, 11U}) s.sync(j);  // 25,000 tags without one
  for (std::uint64_t k = 0; k < s.slots; ++k)
    s.click(k, static_cast<std::uint16_t>(k % 4), static_cast<std::int64_t>(k % 700));
  DetectorOptions o = options(s);
  o.capacity = 60'000;
  const Seen whole = detect(s, o);
  EXPECT_EQ(whole.slots.size(), 60'000U);
  for (const std::size_t cut : {1'000U, 16'384U, 20'011U}) EXPECT_EQ(detect(s, o, cut), whole) << cut;
}

}  // namespace
}  // namespace nicol::detection::test
