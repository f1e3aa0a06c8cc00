// SPDX-License-Identifier: Apache-2.0
#include "controller/calibration/channel_fit.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>

#include "tests/unit/calibration/drawn_channel.hpp"

namespace nicol::calibration {
namespace {

CounterStream draws(std::uint64_t index) { return CounterStream({8, NodeId::bob, Purpose::test, index}); }

TEST(Receiver, OfTwoBasesCannotTellAChannelFromItsMirrorImage) {
  CounterStream random = draws(0);
  const Rotation fibre = test::draw_fibre(random);
  const auto one = test::plan({Rotation::Identity()});
  EXPECT_TRUE(blind_to(one, fibre).mirrored);
  const Eigen::Vector3d flip(1, 1, -1);
  const Rotation image = flip.asDiagonal() * fibre * flip.asDiagonal();
  for (const Observation& o : one) EXPECT_NEAR(o.analysed.dot(fibre * o.sent), o.analysed.dot(image * o.sent), 1e-12);
  auto counted = one;
  test::draw_counts(counted, fibre, 0.9, 1'000, random);
  EXPECT_FALSE(fit_channel(counted));
}

TEST(Receiver, OfTwoBasesSeesEverythingThroughItsCompensator) {
  CounterStream random = draws(3);
  const Blind blind = blind_to(test::plan({Rotation::Identity(), test::cyclic()}), test::draw_fibre(random));
  EXPECT_FALSE(blind.mirrored);
  EXPECT_EQ(blind.count, 0);
}

/// Sent along s1, arrived along s1: to first order no rotation shows in that contrast.
TEST(Receiver, OfOneDirectionSeesOnlyHowMuchIsLeft) {
  const std::vector<Observation> few{{Rotation::Identity(), Stokes(1, 0, 0), Stokes(1, 0, 0), 0, 0}};
  EXPECT_EQ(blind_to(few, Rotation::Identity()).count, 3);
}

TEST(ChannelFit, FindsTheFibreItWasDrawnFrom) {
  CounterStream random = draws(1);
  for (int i = 0; i < 50; ++i) {
    const Rotation fibre = test::draw_fibre(random);
    auto seen = test::plan({Rotation::Identity(), test::cyclic()});
    test::draw_counts(seen, fibre, 0.97, 3'000, random);
    const auto fit = fit_channel(seen);
    ASSERT_TRUE(fit) << i;
    EXPECT_LT((fit->channel - fibre).norm(), 0.08) << i;
    EXPECT_NEAR(fit->visibility, 0.97, 0.02) << i;
  }
}

TEST(ChannelFit, IsHonestWhereNothingWasCounted) {
  EXPECT_FALSE(fit_channel(test::plan({Rotation::Identity(), test::cyclic()})));
  EXPECT_FALSE(fit_channel({}));
}

/// Each parameter's two-sided 95 % interval covers the truth in 92..98 % of 1000 fits.
TEST(ChannelFit, HasErrorBarsThatCover) {
  CounterStream random = draws(2);
  std::array<int, 4> covered{};
  constexpr int kFits = 1000;
  for (int i = 0; i < kFits; ++i) {
    const Rotation fibre = test::draw_fibre(random);
    auto seen = test::plan({Rotation::Identity(), test::cyclic()});
    test::draw_counts(seen, fibre, 0.9, 400, random);
    const auto fit = fit_channel(seen);
    ASSERT_TRUE(fit) << i;
    const Eigen::AngleAxisd off(fibre * fit->channel.transpose());
    Eigen::Vector4d error;
    error << off.angle() * off.axis(), 0.9 - fit->visibility;
    for (Eigen::Index k = 0; k < 4; ++k)
      covered[static_cast<std::size_t>(k)] += std::abs(error[k]) < 1.96 * std::sqrt(fit->covariance(k, k)) ? 1 : 0;
  }
  for (const int c : covered) {
    EXPECT_GE(c, 920);
    EXPECT_LE(c, 980);
  }
}

}  // namespace
}  // namespace nicol::calibration
