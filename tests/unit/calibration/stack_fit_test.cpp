// SPDX-License-Identifier: Apache-2.0
// Fibre, mounts, contrast and detectors from drawn counts: right, with honest error bars, and silent where blind.
#include "controller/calibration/stack_fit.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "controller/calibration/compensation.hpp"
#include "tests/unit/calibration/drawn_channel.hpp"

namespace nicol::calibration {
namespace {

constexpr std::array<std::array<double, 3>, 3> kSettings{{{0, 0, 0}, {35, 20, 50}, {70, -30, 10}}};

/// A link nobody knows.
struct Truth {
  Rotation fibre;
  PlateStack stack;
  PlateAngles offset{};
  std::array<double, 2> contrast{0.96, 0.98}, gain{1.1, 0.93};

  Truth(CounterStream& draws, double retardance) : fibre(test::draw_fibre(draws)) {
    for (std::size_t i = 0; i < 3; ++i) {
      stack.retardance[i] += retardance * test::draw_normal(draws);
      offset[i] = Angle::degrees(360 * draws.uniform());
    }
  }
  Rotation whole(const PlateAngles& mounts) const {
    PlateAngles axes = mounts;
    for (std::size_t i = 0; i < 3; ++i) axes[i] = axes[i] + offset[i];
    return rotation(stack, axes) * fibre;
  }
  SettingCounts at(const PlateAngles& mounts, int each, CounterStream& draws) const {
    SettingCounts s{mounts, {}};
    const Rotation r = whole(mounts);
    for (std::size_t sent = 0; sent < 4; ++sent)
      for (std::size_t b = 0; b < 2; ++b) {
        const Stokes arrived = r * Stokes(kStates[sent][0], kStates[sent][1], 0);
        const double x = contrast[b] * arrived[static_cast<Eigen::Index>(b)], g = gain[b];
        const double p = g * (1 + x) / (g * (1 + x) + 1 - x);
        for (int i = 0; i < each; ++i) ++s.seen[sent][2 * b + (draws.uniform() < p ? 1U : 0U)];
      }
    return s;
  }
};

PlateAngles degrees(const std::array<double, 3>& d) {
  return {Angle::degrees(d[0]), Angle::degrees(d[1]), Angle::degrees(d[2])};
}

std::vector<SettingCounts> seen(const Truth& truth, int each, CounterStream& draws) {
  std::vector<SettingCounts> all;
  for (const auto& setting : kSettings) all.push_back(truth.at(degrees(setting), each, draws));
  return all;
}

CounterStream draws(std::uint64_t index) { return CounterStream({21, NodeId::bob, Purpose::test, index}); }

TEST(StackFit, TellsTheSettingThatUndoesAnyFibreBehindAnyMounts) {
  for (std::uint64_t i = 0; i < 40; ++i) {
    CounterStream random = draws(i);
    const Truth truth(random, 0);
    const auto fit = fit_stack({}, 0, seen(truth, 2'500, random));
    ASSERT_TRUE(fit) << i;
    const PlateAngles setting = fit->mounts(compensate(fit->stack, fit->channel, {}).angles);
    const Rotation left = truth.whole(setting);
    EXPECT_GT(std::min(left(0, 0), left(1, 1)), 0.99) << i;
  }
}

TEST(StackFit, SaysNothingWhereTheFirstPlateHasNotMoved) {
  CounterStream random = draws(50);
  const Truth truth(random, 0);
  std::vector<SettingCounts> blind;
  for (const auto& setting : {std::array{0.0, 0.0, 0.0}, {0.0, 0.0, 45.0}, {0.0, 45.0, 45.0}})
    blind.push_back(truth.at(degrees(setting), 2'500, random));
  EXPECT_FALSE(fit_stack({}, 0, blind));
}

TEST(StackFit, SaysNothingOfDarknessOrOfOneSetting) {
  CounterStream random = draws(51);
  const Truth truth(random, 0);
  EXPECT_FALSE(fit_stack({}, 0, seen(truth, 0, random)));
  EXPECT_FALSE(fit_stack({}, 0, std::vector{truth.at({}, 1'000, random)}));
}

TEST(StackFit, FitsWhatItIsToldToFit) {
  CounterStream random = draws(52);
  const Truth truth(random, 0);
  const auto fit = fit_stack({}, 0, seen(truth, 20'000, random));
  ASSERT_TRUE(fit);
  EXPECT_LT(fit->chi_squared, fit->degrees + 5 * std::sqrt(2.0 * fit->degrees));
  const auto wrong = fit_stack({{1.2, 3.3, 1.9}}, 0, seen(truth, 20'000, random));
  ASSERT_TRUE(wrong);
  EXPECT_GT(wrong->chi_squared, 10 * fit->chi_squared);
}

/// How often a number's 95 % interval holds the truth.
struct Coverage {
  int inside = 0, all = 0;
  void add(double miss, double error) {
    ++all;
    inside += std::abs(miss) < 1.96 * error ? 1 : 0;
  }
};

/// Of contrast and of the detectors' ratio, both bases, over so many drawn links.
std::array<Coverage, 4> coverage(std::uint64_t fits) {
  constexpr double kTolerance = 0.05;
  std::array<Coverage, 4> all;
  for (std::uint64_t i = 0; i < fits; ++i) {
    CounterStream random = draws(1'000 + i);
    const Truth truth(random, kTolerance);
    auto counts = seen(truth, 1'000, random);
    counts.push_back(truth.at(degrees({10, 50, -40}), 1'000, random));
    const auto fit = fit_stack({}, kTolerance, counts);
    if (!fit) continue;
    for (std::size_t b = 0; b < 2; ++b) {
      all[b].add(fit->contrast[b].value - truth.contrast[b], fit->contrast[b].error);
      all[2 + b].add(fit->gain[b].value - truth.gain[b], fit->gain[b].error);
    }
  }
  return all;
}

TEST(StackFit, CoversTheTruthWithItsErrorBars) {
  for (const Coverage& number : coverage(150)) {
    EXPECT_EQ(number.all, 150);
    EXPECT_GE(number.inside, 133);  // four standard deviations of a binomial of 95 %
  }
}

TEST(LongStackFit, CoversTheTruthInNineteenOfTwentyFits) {
  for (const Coverage& number : coverage(1'000)) {
    std::printf("95 %% intervals that hold the truth: %d of %d\n", number.inside, number.all);
    EXPECT_GE(number.inside, 920);
    EXPECT_LE(number.inside, 980);
  }
}

}  // namespace
}  // namespace nicol::calibration
