// SPDX-License-Identifier: Apache-2.0
// Many blocks: the efficiency and rounds that the schedule promises, and residual errors rarer than its confirmations
// say.
#include <gtest/gtest.h>

#include "tests/unit/distillation/cascade_run.hpp"

namespace nicol::distillation {
namespace {

struct Promise {
  std::size_t n;
  double qber, efficiency, rounds;
};
class CascadeStatistics : public ::testing::TestWithParam<Promise> {};

TEST_P(CascadeStatistics, KeepWhatTheSchedulePromises) {
  const auto [n, qber, efficiency, rounds] = GetParam();
  double sum = 0, all_rounds = 0;
  constexpr int runs = 300;
  int failed = 0;
  for (std::uint64_t i = 0; i < runs; ++i) {
    const auto bits = testing::noisy_bits(n, qber, 1'000 + i);
    const auto run = testing::run_cascade(bits, qber, i);
    ASSERT_TRUE(run.bob) << run.failure;
    failed += run.errors_corrected == bits.errors ? 0 : 1;
    sum += run.efficiency();
    all_rounds += static_cast<double>(run.rounds);
  }
  std::printf("n %zu, QBER %.3f: f %.4f in %.0f rounds\n", n, qber, sum / runs, all_rounds / runs);
  EXPECT_EQ(failed, 0);
  EXPECT_LE(sum / runs, efficiency);
  EXPECT_LE(all_rounds / runs, rounds);
}
INSTANTIATE_TEST_SUITE_P(Grid, CascadeStatistics,
                         ::testing::Values(Promise{10'000, 0.02, 1.10, 110}, Promise{100'000, 0.01, 1.06, 222},
                                           Promise{100'000, 0.02, 1.06, 110}, Promise{100'000, 0.03, 1.08, 222},
                                           Promise{100'000, 0.05, 1.07, 222}, Promise{100'000, 0.08, 1.10, 222},
                                           Promise{100'000, 0.11, 1.09, 222}));

}  // namespace
}  // namespace nicol::distillation
