// SPDX-License-Identifier: Apache-2.0
#include "controller/calibration/track_choice.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <vector>

#include "tests/unit/calibration/drawn_channel.hpp"

namespace nicol::calibration {
namespace {

CounterStream draws(std::uint64_t index) { return CounterStream({10, NodeId::bob, Purpose::test, index}); }

/// A cloud about a rotation vector.
void spread(std::vector<Hypothesis>& all, const Stokes& about, double by, CounterStream& random) {
  for (int i = 0; i < 300; ++i) {
    const Stokes off(test::draw_normal(random), test::draw_normal(random), 0);
    all.push_back({turn(about + by * off), {0.97, 0, 0}, 0});
  }
}

const Outlook kOutlook{{4e-5, 3e-4, 3e-4, 1e-5}, 0, 4};

TEST(BestCompensator, UndoesAKnownChannel) {
  CounterStream random = draws(0);
  for (int i = 0; i < 20; ++i) {
    const Hypothesis h{test::draw_fibre(random), {0.9, 0, 0}, 0};
    EXPECT_NEAR(expected_qber({&h, 1}, best_compensator({&h, 1})), 0.05, 1e-9);
  }
}

TEST(BestCompensator, LosesToNoOtherSetting) {
  CounterStream random = draws(1);
  std::vector<Hypothesis> all;
  for (int i = 0; i < 5; ++i) all.push_back({test::draw_fibre(random), {0.8, 0.1, 0.05}, 0});
  const Rotation best = best_compensator(all);
  EXPECT_NEAR(best.determinant(), 1, 1e-9);
  for (int i = 0; i < 500; ++i)
    EXPECT_LE(expected_qber(all, best), expected_qber(all, test::draw_fibre(random)) + 1e-12);
  for (int i = 0; i < 500; ++i) {
    const Stokes by(test::draw_normal(random), test::draw_normal(random), test::draw_normal(random));
    EXPECT_LE(expected_qber(all, best), expected_qber(all, turn(0.05 * by) * best) + 1e-12);
  }
}

TEST(CompensatorChoice, NeverTurnsFurtherThanTheStep) {
  CounterStream random = draws(2);
  for (int i = 0; i < 10; ++i) {
    std::vector<Hypothesis> all;
    const Eigen::AngleAxisd far(test::draw_fibre(random));
    spread(all, far.angle() * far.axis(), 0.05, random);
    const Rotation now = test::draw_fibre(random);
    const Choice choice = choose_compensator(all, now, 0.3, kOutlook);
    EXPECT_LE(Eigen::AngleAxisd(Rotation(choice.compensator * now.transpose())).angle(), 0.3 + 1e-9);
  }
}

TEST(CompensatorChoice, PaysForNoDitherWhereTheChannelIsKnown) {
  CounterStream random = draws(3);
  std::vector<Hypothesis> all;
  spread(all, {0.2, -0.1, 0}, 0.005, random);
  const Choice choice = choose_compensator(all, Rotation::Identity(), 1, kOutlook);
  EXPECT_LT(choice.dither, 1e-5);
  EXPECT_LT(choice.doubt, 1e-4);
}

/// Two mirror images cost as much either way and show alike; a turn to one side tells them apart.
TEST(CompensatorChoice, DithersWhereTwoMirrorImagesAreAsLikely) {
  CounterStream random = draws(4);
  std::vector<Hypothesis> all;
  for (const double sign : {1.0, -1.0}) spread(all, Stokes(0.3 * sign, 0, 0), 0.01, random);
  const Choice choice = choose_compensator(all, Rotation::Identity(), 1, kOutlook);
  EXPECT_GT(choice.dither, 1e-4);
  EXPECT_GT(std::abs(Eigen::AngleAxisd(choice.compensator).angle()), 0.05);
}

}  // namespace
}  // namespace nicol::calibration
