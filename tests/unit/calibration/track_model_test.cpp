// SPDX-License-Identifier: Apache-2.0
#include "controller/calibration/track_model.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>

#include "tests/unit/calibration/drawn_channel.hpp"

namespace nicol::calibration {
namespace {

CounterStream draws(std::uint64_t index) { return CounterStream({9, NodeId::bob, Purpose::test, index}); }

Hypothesis any(CounterStream& random) {
  const Rotation fibre = test::draw_fibre(random);
  return {fibre, {0.6 + 0.2 * random.uniform(), 0.2 * random.uniform(), -0.1 * random.uniform()}, 1};
}

TEST(ChannelHypothesis, HasTheSlopesThatDifferencesGive) {
  CounterStream random = draws(0);
  for (int i = 0; i < 20; ++i) {
    const Hypothesis h = any(random);
    const Rotation compensator = test::draw_fibre(random);
    const auto slope = slopes(h, compensator);
    for (Eigen::Index k = 0; k < 6; ++k) {
      const Change by = 1e-6 * Change::Unit(k);
      const Correlators up = correlators_of(arrived(changed(h, by)), compensator);
      const Correlators down = correlators_of(arrived(changed(h, -by)), compensator);
      EXPECT_LT(((up - down) / 2e-6 - slope.col(k)).norm(), 1e-8);
    }
  }
}

/// SECURITY-FORMULAS 2.2: an in-plane turn by theta gives E(A=Z,B=X) = +sin 2 theta = -E(A=X,B=Z).
TEST(ChannelHypothesis, ShowsAnInPlaneTurnInMismatchedBasesToFirstOrder) {
  const Hypothesis h{turn({0, 0, 0.1}), {}, 0};
  const Correlators c = correlators_of(arrived(h), Rotation::Identity());
  EXPECT_NEAR(c[2], std::sin(0.1), 1e-12);
  EXPECT_NEAR(c[1], -std::sin(0.1), 1e-12);
}

/// Amendment 7: no correlator tells a retarder at 22.5 degrees from a Breidbart Eve of f = 1 - cos theta.
TEST(ChannelHypothesis, IsTheSameForABreidbartEveAndARetarderUntilThePlatesTurn) {
  const double f = 0.2, theta = std::acos(1 - f), half = std::sqrt(0.5);
  const Stokes axis(half, half, 0);
  const Hypothesis drifted{turn(theta * axis), {}, 0}, eve{Rotation::Identity(), {1 - f / 2, 0, f / 2}, 0};
  const Rotation still = Rotation::Identity(), dithered = turn(0.1 * axis);
  EXPECT_LT((correlators_of(arrived(drifted), still) - correlators_of(arrived(eve), still)).norm(), 1e-12);
  EXPECT_GT((correlators_of(arrived(drifted), dithered) - correlators_of(arrived(eve), dithered)).norm(), 0.05);
}

TEST(RotationsBehindCorrelators, AreTheFibreAndItsMirrorImage) {
  CounterStream random = draws(1);
  for (int i = 0; i < 50; ++i) {
    const Rotation fibre = test::draw_fibre(random), compensator = test::draw_fibre(random);
    const Correlators seen = 0.9 * correlators_of(arrived({fibre, {}, 0}), compensator);
    double nearest = 10;
    for (const Rotation& r : rotations_behind(seen, compensator, 0.9)) {
      EXPECT_LT((r * r.transpose() - Rotation::Identity()).norm(), 1e-9);
      EXPECT_GT(r.determinant(), 0);
      EXPECT_LT((0.9 * correlators_of(arrived({r, {}, 0}), compensator) - seen).norm(), 1e-6) << i;
      nearest = std::min(nearest, (r - fibre).norm());
    }
    EXPECT_LT(nearest, 1e-6) << i;
  }
}

TEST(ObservedCorrelators, OfNothingAreWorthNothing) {
  const Observed none = observed({});
  EXPECT_EQ(none.value.norm(), 0);
  EXPECT_GE(none.variance.minCoeff(), 1e6);
  EXPECT_EQ(log_likelihood({}, Correlators::Constant(1)), 0);
}

TEST(ChannelLikelihood, IsLargestAtWhatWasSeen) {
  Agreements seen;
  seen.same = {{{970, 520}, {480, 940}}}, seen.different = {{{30, 480}, {520, 60}}};
  const Correlators at = observed(seen).value;
  for (Eigen::Index k = 0; k < 4; ++k)
    for (const double by : {0.02, -0.02})
      EXPECT_LT(log_likelihood(seen, at + by * Correlators::Unit(k)), log_likelihood(seen, at));
}

}  // namespace
}  // namespace nicol::calibration
