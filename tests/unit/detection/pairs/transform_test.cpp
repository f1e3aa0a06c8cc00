// SPDX-License-Identifier: Apache-2.0
#include "controller/detection/pairs/transform.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "controller/detection/pairs/correlation.hpp"
#include "drivers/hal/random.hpp"

namespace nicol::detection::pairs {
namespace {

Grid random_grid(std::size_t n, std::uint64_t index) {
  CounterStream random({1, NodeId::world, Purpose::test, index});
  Grid g(n);
  for (std::size_t k = 0; k < n; ++k) {
    g.re[k] = static_cast<float>(random.uniform() - 0.5);
    g.im[k] = static_cast<float>(random.uniform() - 0.5);
  }
  return g;
}

class EverySize : public testing::TestWithParam<unsigned> {};

TEST_P(EverySize, GoesThereAndBack) {
  const Transform t(GetParam());
  Grid z = random_grid(t.size(), 1);
  const Grid before = random_grid(t.size(), 1);
  t.forward(z);
  t.inverse(z);
  const auto n = static_cast<float>(t.size());
  for (std::size_t k = 0; k < t.size(); ++k) {
    ASSERT_NEAR(z.re[k] / n, before.re[k], 2e-6);
    ASSERT_NEAR(z.im[k] / n, before.im[k], 2e-6);
  }
}

TEST_P(EverySize, GivesTheSameBitsOnEveryPath) {
  Grid expected = random_grid(std::size_t{1} << GetParam(), 2);
  const Transform portable(GetParam(), TransformPath::portable);
  portable.forward(expected);
  for (const TransformPath path : transform_paths()) {
    const Transform t(GetParam(), path);
    Grid z = random_grid(t.size(), 2);
    t.forward(z);
    ASSERT_EQ(std::memcmp(z.re.get(), expected.re.get(), t.size() * sizeof(float)), 0);
    ASSERT_EQ(std::memcmp(z.im.get(), expected.im.get(), t.size() * sizeof(float)), 0);
    Grid back = random_grid(t.size(), 3), portable_back = random_grid(t.size(), 3);
    t.inverse(back);
    portable.inverse(portable_back);
    ASSERT_EQ(std::memcmp(back.re.get(), portable_back.re.get(), t.size() * sizeof(float)), 0);
  }
}

/// 8 and 9: the radix-2 pass; 15: several blocks a cache-full; 17: passes through memory.
INSTANTIATE_TEST_SUITE_P(Transform, EverySize, testing::Values(8U, 9U, 12U, 15U, 17U));

TEST(Transform, PutsAToneIntoOneElement) {
  const Transform t(12);
  Grid z(t.size());
  for (std::size_t k = 0; k < t.size(); ++k) {
    const double angle = 2 * 3.14159265358979 * 37 * static_cast<double>(k) / static_cast<double>(t.size());
    z.re[k] = static_cast<float>(std::cos(angle)), z.im[k] = static_cast<float>(std::sin(angle));
  }
  t.forward(z);
  double largest = 0, all = 0;
  for (std::size_t k = 0; k < t.size(); ++k) {
    const double power = static_cast<double>(z.re[k]) * z.re[k] + static_cast<double>(z.im[k]) * z.im[k];
    largest = std::max(largest, power), all += power;
  }
  EXPECT_GT(largest / all, 1 - 1e-9);
}

TEST(Transform, AddsShiftedRowsAndSaysTheLargestOfEachBlock) {
  for (const TransformPath path : transform_paths()) {
    const Transform t(8, path);
    CounterStream random({1, NodeId::world, Purpose::test, 4});
    std::vector<float> data(1000);
    for (float& x : data) x = static_cast<float>(random.below(100));
    const std::vector<const float*> rows{data.data() + 1, data.data() + 7, data.data() + 130, data.data() + 500};
    const AlignedFloats sums = aligned_floats(3 * kSumBlock), maxima = aligned_floats(kLanes);
    t.add_rows(sums.get(), maxima.get(), rows, 3);
    for (std::size_t block = 0; block < 3; ++block) {
      float most = 0;
      for (std::size_t k = block * kSumBlock; k < (block + 1) * kSumBlock; ++k) {
        ASSERT_EQ(sums[k], rows[0][k] + rows[1][k] + rows[2][k] + rows[3][k]);
        most = std::max(most, sums[k]);
      }
      ASSERT_EQ(maxima[block], most);
    }
  }
}

/// Counted one by one, less the mean of the surroundings, which is what the search sees.
TEST(Correlation, EqualsCountingEveryPairOfTags) {
  const FoldedGrid grid{12, 4};
  CounterStream random({1, NodeId::world, Purpose::test, 5});
  std::vector<std::int64_t> alice, bob;
  for (int k = 0; k < 300; ++k) alice.push_back(static_cast<std::int64_t>(random.below(65'536)));
  for (int k = 0; k < 300; ++k) bob.push_back(static_cast<std::int64_t>(random.below(65'536)));
  Correlation correlation(grid);
  Grid spectrum(grid.bins());
  correlation.spectrum(bob, 100, spectrum);
  std::vector<float> first(grid.bins()), second(grid.bins()), bob_bins(grid.bins());
  const double frequency = 0.01;
  correlation(alice, spectrum, 100, {0, frequency}, first, second);
  fold(bob, 100, grid, bob_bins.data());
  take_off_slow_changes(bob_bins.data(), grid.bins(), 256);
  std::vector<float> alice_bins(grid.bins()), fast_bins(grid.bins());
  fold(alice, 100, grid, alice_bins.data());
  fold_scaled(alice, 100, frequency, grid, fast_bins.data());
  const std::size_t n = grid.bins();
  for (std::size_t lag = 0; lag < n; lag += 97) {
    double slow = 0, fast = 0;
    for (std::size_t k = 0; k < n; ++k) {
      const double b = bob_bins[(k + lag + n / 2) % n];
      slow += alice_bins[k] * b, fast += fast_bins[k] * b;
    }
    ASSERT_NEAR(first[lag], slow, 1e-3);
    ASSERT_NEAR(second[lag], fast, 1e-3);
  }
}

TEST(Fold, ScalesTimeByTheGuessedFrequency) {
  const FoldedGrid grid{8, 10};
  std::vector<float> bins(grid.bins());
  const std::vector<std::int64_t> times{100'000};
  fold_scaled(times, 0, 0.1, grid, bins.data());
  EXPECT_EQ(bins[110'000 >> 10], 1);
}

TEST(SlowChanges, AreTakenOffAndAPeakStays) {
  std::vector<float> bins(4096);
  for (std::size_t k = 0; k < bins.size(); ++k)
    bins[k] = k < 2048 ? static_cast<float>(k) : static_cast<float>(4096 - k);
  bins[1000] += 500;
  take_off_slow_changes(bins.data(), bins.size(), 128);
  EXPECT_NEAR(bins[1000], 500, 5);
  EXPECT_NEAR(bins[1500], 0, 1);
}

}  // namespace
}  // namespace nicol::detection::pairs
