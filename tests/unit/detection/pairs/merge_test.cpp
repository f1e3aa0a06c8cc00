// SPDX-License-Identifier: Apache-2.0
#include "controller/detection/pairs/merge.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "drivers/hal/random.hpp"

namespace nicol::detection::pairs {
namespace {

using Times = std::vector<std::int64_t>;

Times random_times(std::size_t n, double mean_gap, std::uint64_t index) {
  CounterStream random({1, NodeId::world, Purpose::test, index});
  Times times(n);
  double t = 0;
  for (auto& x : times) x = static_cast<std::int64_t>(t -= mean_gap * std::log(random.uniform_positive()));
  return times;
}

/// Every a against every b, as the header words it.
std::vector<Match> slowly(const Times& a, const Times& b, Window window) {
  std::vector<Match> all;
  std::vector<bool> taken(b.size());
  for (std::size_t i = 0; i < a.size(); ++i)
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::int64_t difference = b[j] - a[i];
      if (taken[j] || difference < window.low || difference > window.high) continue;
      taken[j] = true;
      all.push_back({static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(j)});
      break;
    }
  return all;
}

void expect_equal(const std::vector<Match>& found, std::size_t n, const std::vector<Match>& expected) {
  ASSERT_EQ(n, expected.size());
  for (std::size_t k = 0; k < n; ++k) {
    ASSERT_EQ(found[k].a, expected[k].a);
    ASSERT_EQ(found[k].b, expected[k].b);
  }
}

/// Mean gap over window: from hardly a match to several candidates for every event.
class Merge : public testing::TestWithParam<double> {};

TEST_P(Merge, EqualsEveryEventAgainstEveryEvent) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Times a = random_times(900, 100 * GetParam(), 2 * seed),
                b = random_times(1000, 90 * GetParam(), 2 * seed + 1);
    for (const Window window : {Window{-100, 100}, Window{0, 70}, Window{400, 600}, Window{-350, -150}}) {
      std::vector<Match> out;
      expect_equal(out, merge(a, b, window, out).matches, slowly(a, b, window));
    }
  }
}

TEST_P(Merge, StopsWhereOneWalkStops) {
  for (std::uint64_t seed = 100; seed < 140; ++seed) {
    const Times a = random_times(900, 100 * GetParam(), 2 * seed);
    const Times b = random_times(seed % 2 == 0 ? 700 : 1400, 90 * GetParam(), 2 * seed + 1);
    std::vector<Match> one, four;
    const MergeEnd x = merge_in_one_walk(a, b, {-100, 100}, one), y = merge(a, b, {-100, 100}, four);
    EXPECT_EQ(x.a, y.a);
    EXPECT_EQ(x.b, y.b);
    EXPECT_EQ(x.matches, y.matches);
  }
}

INSTANTIATE_TEST_SUITE_P(Densities, Merge, testing::Values(50.0, 5.0, 1.0, 0.2));

TEST(MergeEdges, TakeBothEndsOfTheWindow) {
  std::vector<Match> out;
  EXPECT_EQ(merge(Times{1000}, Times{1100}, {-100, 100}, out).matches, 1U);
  EXPECT_EQ(merge(Times{1000}, Times{900}, {-100, 100}, out).matches, 1U);
  EXPECT_EQ(merge(Times{1000}, Times{1101}, {-100, 100}, out).matches, 0U);
}

TEST(MergeEdges, UseAnEventOnce) {
  std::vector<Match> out;
  EXPECT_EQ(merge(Times{1000, 1010, 1020}, Times{1005}, {-100, 100}, out).matches, 1U);
}

TEST(MergeEdges, LiveWithNothing) {
  std::vector<Match> out;
  EXPECT_EQ(merge({}, Times{1}, {-1, 1}, out).matches, 0U);
  EXPECT_EQ(merge(Times{1}, {}, {-1, 1}, out).matches, 0U);
}

TEST(MergeInPieces, EqualsTheWhole) {
  const Times a = random_times(5000, 300, 1), b = random_times(5000, 300, 2);
  std::vector<Match> whole, piece, joined;
  whole.resize(merge(a, b, {-100, 100}, whole).matches);
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    const std::size_t n = std::min<std::size_t>(600, a.size() - i);
    const MergeEnd end = merge(std::span(a).subspan(i, n), std::span(b).subspan(j), {-100, 100}, piece);
    for (std::size_t k = 0; k < end.matches; ++k)
      joined.push_back({static_cast<std::uint32_t>(piece[k].a + i), static_cast<std::uint32_t>(piece[k].b + j)});
    i += end.a, j += end.b;
  }
  expect_equal(joined, joined.size(), whole);
}

}  // namespace
}  // namespace nicol::detection::pairs
