// SPDX-License-Identifier: Apache-2.0
// Detectors against each other, from drawn counts behind any fibre and from states that are not equally bright.
#include "controller/calibration/ratio_fit.hpp"

#include <gtest/gtest.h>

#include "tests/unit/calibration/coverage.hpp"
#include "tests/unit/calibration/drawn_counts.hpp"

namespace nicol::calibration {
namespace {

CounterStream draws(std::uint64_t index) { return CounterStream({51, NodeId::bob, Purpose::test, index}); }

struct Truth {
  std::array<double, 2> d{};  // of each basis
  StateTable seen{};
  std::array<double, 4> background{};
};

/// About `each` clicks of each state in each basis; ports that leak unlike shares; a fibre that leaves R33 of at least
/// a half.
Truth draw(CounterStream& random, double each) {
  Truth t;
  Rotation fibre = test::draw_fibre(random);
  while (std::abs(fibre(2, 2)) < 0.5) fibre = test::draw_fibre(random);
  for (double& d : t.d) d = 0.2 * random.uniform() - 0.1;
  t.background.fill(0.02 * each);
  constexpr double kInto1 = 0.005, kInto0 = 0.01;  // of the other port's light
  for (std::size_t s = 0; s < 4; ++s) {
    const double bright = each * (0.9 + 0.2 * random.uniform());
    const Stokes arrived = fibre * Stokes(kStates[s][0], kStates[s][1], 0);
    for (std::size_t k = 0; k < 4; ++k) {
      const double p = (1 + 0.97 * arrived[static_cast<Eigen::Index>(k / 2)]) / 2, share = k < 2 ? 0.45 : 0.55;
      const double one = (1 - kInto0) * p + kInto1 * (1 - p), d = t.d[k / 2];
      const double seen = k % 2 == 1 ? one * (1 + d) : (1 - one) * (1 - d);
      const double mean = 2 * share * bright * seen + t.background[k] / 4;
      t.seen[s][k] = test::draw_poisson(mean, random);
    }
  }
  return t;
}

struct Coverages {
  test::Coverage two_sided, upper;
};
Coverages coverage(int fits) {
  Coverages c;
  for (int i = 0; i < fits; ++i) {
    CounterStream random = draws(1'000 + static_cast<std::uint64_t>(i));
    const Truth t = draw(random, 4'000);
    const auto fit = fit_mismatch(t.seen, t.background);
    if (!fit) continue;
    c.two_sided.add(fit->bases[0].d.value - t.d[0], fit->bases[0].d.error);
    const auto [low, high] = fit->bases[0].interval(0.1);
    c.upper.count(std::abs(t.d[0]) <= std::max(std::abs(low), std::abs(high)));
  }
  return c;
}

TEST(MismatchFit, DoesNotMindFibreBrightnessOrLeaks) {
  CounterStream random = draws(0);
  for (int i = 0; i < 50; ++i) {
    const Truth t = draw(random, 4e6);
    const auto fit = fit_mismatch(t.seen, t.background);
    ASSERT_TRUE(fit) << i;
    EXPECT_LT(fit->chi_squared, 20);
    for (std::size_t b = 0; b < 2; ++b) {
      EXPECT_NEAR(fit->bases[b].d.value, t.d[b], 5 * fit->bases[b].d.error);
      EXPECT_LT(fit->bases[b].d.error, 3e-3);
    }
  }
}

TEST(MismatchFit, SaysNothingWhereTheFibreMakesTheLightCircular) {
  StateTable half{};
  for (auto& row : half) row.fill(50'000);
  EXPECT_FALSE(fit_mismatch(half, {}));
}

TEST(MismatchFit, SaysNothingOfAHandfulOfClicks) {
  CounterStream random = draws(1);
  const Truth t = draw(random, 10);
  EXPECT_FALSE(fit_mismatch(t.seen, t.background));
}

TEST(MismatchFit, CoversTheTruthWithItsErrorBars) {
  const Coverages c = coverage(150);
  test::expect_covers(c.two_sided, 150);
  test::expect_covers(c.upper, 150);
}

TEST(LongMismatchFit, CoversTheTruthInNineteenOfTwentyFits) {
  const Coverages c = coverage(1'000);
  test::expect_honest("D", c.two_sided);
  test::expect_limits("|D|, upper limit of 95 %", c.upper);
}

TEST(NormalQuantile, AgreesWithTables) {
  EXPECT_NEAR(normal_quantile(0.05), 1.959964, 1e-6);
  EXPECT_NEAR(normal_quantile(1e-3), 3.290527, 1e-6);
}

}  // namespace
}  // namespace nicol::calibration
