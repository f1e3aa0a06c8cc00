// SPDX-License-Identifier: Apache-2.0
// Streams that depend on their key alone, and an OS source that never gives up half-way.
#include "drivers/hal/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "drivers/hal/os_random.hpp"

namespace nicol {
namespace {

std::vector<std::byte> seeded_bytes(std::uint64_t seed, NodeId node, Purpose purpose, std::uint64_t index,
                                    std::size_t size = 64) {
  std::vector<std::byte> out(size);
  make_seeded_random(seed, node)->fill(purpose, index, out);
  return out;
}

TEST(Philox, GivesThePublishedAnswers) {
  std::ifstream file(NICOL_SOURCE_DIR "/tests/vectors/philox4x64_10.txt");
  int vectors = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream words(line);
    words >> std::hex;
    std::array<std::uint64_t, 4> counter{}, answer{};
    std::array<std::uint64_t, 2> key{};
    for (auto& w : counter) words >> w;
    for (auto& w : key) words >> w;
    for (auto& w : answer) words >> w;
    ASSERT_TRUE(words) << line;
    EXPECT_EQ(philox4x64(counter, key), answer) << line;
    ++vectors;
  }
  EXPECT_EQ(vectors, 3);
}

TEST(CounterStream, MapsItsKeyAsDocumented) {
  CounterStream stream({5, NodeId::bob, Purpose::settings, 7});
  const std::array<std::uint64_t, 2> key{5, std::uint64_t{1} << 32 | 1};
  for (std::uint64_t block = 0; block < 3; ++block)
    for (const std::uint64_t word : philox4x64({block, 0, 7, 0}, key)) EXPECT_EQ(stream(), word);
}

TEST(CounterStream, FillsWithTheWordsItWouldHaveDrawn) {
  for (const std::size_t drawn_before : {0u, 1u, 3u, 4u}) {
    for (const std::size_t size : {0u, 1u, 8u, 9u, 24u, 32u, 40u, 100u, 256u}) {
      CounterStream one({1}), other({1});
      for (std::size_t i = 0; i < drawn_before; ++i) EXPECT_EQ(one(), other());
      std::vector<std::byte> filled(size), drawn;
      one.fill(filled);
      while (drawn.size() < size) {
        const std::uint64_t word = other();
        for (unsigned i = 0; i < 8; ++i) drawn.push_back(static_cast<std::byte>(word >> (8 * i)));
      }
      drawn.resize(size);
      EXPECT_EQ(filled, drawn) << size << " bytes after " << drawn_before << " words";
      EXPECT_EQ(one(), other()) << size << " bytes after " << drawn_before << " words";
    }
  }
}

TEST(CounterStream, DrawsUniformsInsideTheirIntervals) {
  CounterStream stream({2});
  double sum = 0;
  for (int i = 0; i < 100'000; ++i) {
    const double u = stream.uniform(), p = stream.uniform_positive();
    ASSERT_GE(u, 0);
    ASSERT_LT(u, 1);
    ASSERT_GT(p, 0);
    ASSERT_LE(p, 1);
    sum += u;
  }
  EXPECT_NEAR(sum / 100'000, 0.5, 5 * 0.2887 / std::sqrt(100'000.0));
}

TEST(CounterStream, DrawsEveryNumberBelowALimitEquallyOften) {
  CounterStream stream({3});
  std::array<int, 6> counts{};
  for (int i = 0; i < 60'000; ++i) ++counts[stream.below(6)];
  for (const int c : counts) EXPECT_NEAR(c, 10'000, 5 * std::sqrt(10'000.0 * 5 / 6));
}

TEST(CounterStream, IsUnbiasedBelowALimitThatDoesNotDivideTheRange) {
  // Without rejection, multiples of three would come twice as often as their neighbours.
  CounterStream stream({4});
  const std::uint64_t n = std::uint64_t{3} << 62;
  int multiples = 0;
  for (int i = 0; i < 30'000; ++i) multiples += stream.below(n) % 3 == 0 ? 1 : 0;
  EXPECT_NEAR(multiples, 10'000, 5 * std::sqrt(30'000.0 * 2 / 9));
}

TEST(CounterStream, BelowOneIsAlwaysZero) {
  CounterStream stream({5});
  for (int i = 0; i < 100; ++i) EXPECT_EQ(stream.below(1), 0u);
}

TEST(SeededRandom, RepeatsItselfForTheSamePurposeAndIndex) {
  EXPECT_EQ(seeded_bytes(1, NodeId::alice, Purpose::settings, 4), seeded_bytes(1, NodeId::alice, Purpose::settings, 4));
}

TEST(SeededRandom, DiffersBySeedNodePurposeAndIndex) {
  std::set<std::vector<std::byte>> all;
  for (const std::uint64_t seed : {1u, 2u})
    for (const NodeId node : {NodeId::alice, NodeId::bob, NodeId::world})
      for (const Purpose purpose : {Purpose::settings, Purpose::sample_coins, Purpose::sim_dark})
        for (const std::uint64_t index : {0u, 1u, 2u}) all.insert(seeded_bytes(seed, node, purpose, index));
  EXPECT_EQ(all.size(), 2u * 3 * 3 * 3);
}

TEST(SeededRandom, GivesAThreadTheSameBytesWhateverOthersDraw) {
  const auto random = make_seeded_random(9, NodeId::alice);
  std::vector<std::vector<std::byte>> drawn(64, std::vector<std::byte>(1000));
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < 4; ++t)
      threads.emplace_back([&, t] {
        for (std::size_t i = t; i < drawn.size(); i += 4) random->fill(Purpose::settings, i, drawn[i]);
      });
  }
  for (std::size_t i = 0; i < drawn.size(); ++i)
    EXPECT_EQ(drawn[i], seeded_bytes(9, NodeId::alice, Purpose::settings, i, 1000));
}

TEST(OsRandom, DoesNotRepeat) {
  std::set<std::uint64_t> words;
  for (int i = 0; i < 100; ++i) words.insert(os_random_word());
  EXPECT_EQ(words.size(), 100u);
}

TEST(OsRandom, FillsTheWholeBuffer) {
  std::vector<std::byte> out(1 << 20);
  make_os_random()->fill(Purpose::settings, 0, out);
  EXPECT_NE(std::count(out.end() - 4096, out.end(), std::byte{0}), 4096);
}

TEST(OsRandom, GoesOnAfterInterruptionsAndShortReads) {
  static int calls;
  calls = 0;
  const auto flaky = [](void* buffer, std::size_t size, unsigned) -> ssize_t {
    if (++calls % 2 == 1) {
      errno = EINTR;
      return -1;
    }
    const std::size_t n = std::min<std::size_t>(size, 3);
    std::memset(buffer, 0x5a, n);
    return static_cast<ssize_t>(n);
  };
  std::vector<std::byte> out(10);
  fill_from(flaky, out);
  EXPECT_EQ(out, std::vector<std::byte>(10, std::byte{0x5a}));
  EXPECT_EQ(calls, 8);
}

TEST(OsRandomDeathTest, AbortsWhenTheSourceFails) {
  const auto dead = [](void*, std::size_t, unsigned) -> ssize_t {
    errno = ENOSYS;
    return -1;
  };
  std::vector<std::byte> out(10);
  EXPECT_DEATH(fill_from(dead, out), "random source failed");
}

TEST(OsRandomDeathTest, AbortsWhenTheSourceGivesNothing) {
  const auto empty = [](void*, std::size_t, unsigned) -> ssize_t { return 0; };
  std::vector<std::byte> out(10);
  EXPECT_DEATH(fill_from(empty, out), "random source failed");
}

}  // namespace
}  // namespace nicol
