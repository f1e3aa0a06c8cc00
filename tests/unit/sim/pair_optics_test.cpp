// SPDX-License-Identifier: Apache-2.0
// Two photons and several: Bell states, and joint states of photons in one mode.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "drivers/hal/random.hpp"
#include "sim/optics/joint_photons.hpp"
#include "sim/optics/pair_state.hpp"

namespace nicol::sim {
namespace {

using Eigen::Vector3d;

CounterStream draws(std::uint64_t index) { return CounterStream({3, NodeId::world, Purpose::test, index}); }

/// Share of `tries` in which all photons go along +axis.
double share_along(const std::vector<Vector3d>& stars, const Vector3d& axis, int tries, std::uint64_t seed) {
  CounterStream stream = draws(seed);
  int all = 0;
  for (int i = 0; i < tries; ++i) {
    JointPhotons light(stars);
    bool along = true;
    while (light.photons() > 0) along &= light.measure(axis, stream.uniform());
    all += along;
  }
  return static_cast<double>(all) / tries;
}

TEST(BellMixture, HasTheVisibilitiesItWasMadeFor) {
  const std::array<double, 3> wanted{0.9, 0.8, 0.75};
  const auto shares = bell_shares(wanted);
  Eigen::Matrix3d correlation = Eigen::Matrix3d::Zero();
  for (std::size_t k = 0; k < 4; ++k) correlation -= shares[k] * half_turn(k);
  for (int i = 0; i < 3; ++i) EXPECT_NEAR(correlation(i, i), -wanted[static_cast<std::size_t>(i)], 1e-12);
}

TEST(BellMixture, OfNoNoiseIsOneState) { EXPECT_EQ(bell_shares({1, 1, 1}), (std::array<double, 4>{1, 0, 0, 0})); }

TEST(TwinPhoton, OfASingletIsTheOpposite) {
  const Vector3d found = Vector3d(1, 2, -2).normalized();
  EXPECT_LT((twin_of(found, half_turn(0)) + found).norm(), 1e-12);
}

TEST(TwinPhoton, OfPhiPlusIsAlikeOnTheEquatorAndOppositeInCircularLight) {
  EXPECT_LT((twin_of(Vector3d::UnitX(), half_turn(3)) - Vector3d::UnitX()).norm(), 1e-12);
  EXPECT_LT((twin_of(Vector3d::UnitY(), half_turn(3)) - Vector3d::UnitY()).norm(), 1e-12);
  EXPECT_LT((twin_of(Vector3d::UnitZ(), half_turn(3)) + Vector3d::UnitZ()).norm(), 1e-12);
}

TEST(JointPhotons, AloneFollowMalus) {
  const double angle = 0.7;
  const Vector3d axis(std::cos(angle), std::sin(angle), 0);
  const double share = share_along({Vector3d::UnitX()}, axis, 100'000, 1);
  const double p = (1 + std::cos(angle)) / 2;
  EXPECT_NEAR(share, p, 4.5 * std::sqrt(p * (1 - p) / 100'000));
}

TEST(JointPhotons, OfTwoCrossedPolarisationsAlwaysLeaveTogetherInTheOtherBasis) {
  CounterStream stream = draws(2);
  for (int i = 0; i < 1000; ++i) {
    const std::vector<Vector3d> crossed{Vector3d::UnitX(), -Vector3d::UnitX()};
    JointPhotons light(crossed);
    const bool first = light.measure(Vector3d::UnitY(), stream.uniform());
    EXPECT_EQ(light.measure(Vector3d::UnitY(), stream.uniform()), first);  // Hong, Ou, Mandel
  }
}

TEST(JointPhotons, OfTwoCrossedPolarisationsPartInTheirOwnBasis) {
  CounterStream stream = draws(3);
  for (int i = 0; i < 1000; ++i) {
    const std::vector<Vector3d> crossed{Vector3d::UnitX(), -Vector3d::UnitX()};
    JointPhotons light(crossed);
    const bool first = light.measure(Vector3d::UnitX(), stream.uniform());
    EXPECT_NE(light.measure(Vector3d::UnitX(), stream.uniform()), first);
  }
}

TEST(JointPhotons, AllAlikeAreIndependent) {
  const Vector3d star = Vector3d(0.6, 0, 0.8), axis = Vector3d(0, 0.6, 0.8);
  const double one = (1 + star.dot(axis)) / 2, share = share_along({star, star, star}, axis, 100'000, 4);
  EXPECT_NEAR(share, one * one * one, 4.5 * std::sqrt(one / 100'000));
}

/// |prod <m|u_i>|^2 n! / norm^2: of n photons with stars u_i, all found along m.
TEST(JointPhotons, BunchAsPermanentsSay) {
  const std::vector<Vector3d> stars{Vector3d::UnitX(), Vector3d::UnitY(), Vector3d(0, 0.6, -0.8)};
  const Vector3d m = Vector3d(1, 1, 0).normalized();
  double product = 1;
  for (const Vector3d& u : stars) product *= (1 + u.dot(m)) / 2;
  // norm^2 of three stars: sum over permutations of prod <u_i|u_p(i)>; |<u|v>|^2 = (1 + u.v)/2, and the two cyclic ones
  // add 2 Re(<u|v><v|w><w|u>) = (1 + uv + vw + wu)/2.
  const double uv = stars[0].dot(stars[1]), vw = stars[1].dot(stars[2]), wu = stars[2].dot(stars[0]);
  const double norm = 1 + (1 + uv) / 2 + (1 + vw) / 2 + (1 + wu) / 2 + (1 + uv + vw + wu) / 2;
  const double p = 6 * product / norm;
  EXPECT_NEAR(share_along(stars, m, 200'000, 5), p, 4.5 * std::sqrt(p * (1 - p) / 200'000));
}

TEST(JointPhotons, TurnWithTheirStars) {
  const SphereRotation turn = sphere_rotation(Vector3d(0.3, -1.1, 0.4));
  const std::vector<Vector3d> stars{Vector3d::UnitX(), Vector3d::UnitY(), -Vector3d::UnitX()};
  std::vector<Vector3d> turned;
  for (const Vector3d& s : stars) turned.push_back(turn * s);
  const Vector3d axis = Vector3d(0.6, 0.8, 0);
  const double a = share_along(stars, axis, 200'000, 6), b = share_along(turned, turn * axis, 200'000, 7);
  EXPECT_NEAR(a, b, 4.5 * std::sqrt(2 * a * (1 - a) / 200'000));
}

TEST(JointPhotons, AreNotChangedForTheOthersByOneThatIsLost) {
  // Whatever basis the lost photon is looked at in, the other keeps its mean: here that of two crossed ones, none.
  for (const Vector3d& lost : {Vector3d(1, 0, 0), Vector3d(0, 1, 0), Vector3d(0, 0, 1)}) {
    CounterStream stream = draws(8);
    int along = 0;
    for (int i = 0; i < 40'000; ++i) {
      const std::vector<Vector3d> two{Vector3d::UnitX(), Vector3d::UnitY()};
      JointPhotons light(two);
      light.measure(lost, stream.uniform());
      along += light.measure(Vector3d::UnitX(), stream.uniform());
    }
    // Mean of s1 of one photon of a pair of stars u, v: (u + v) / (3 + u.v) * 2 along each.
    const double p = (1 + 2.0 / 3) / 2;
    EXPECT_NEAR(along / 40'000.0, p, 4.5 * std::sqrt(p * (1 - p) / 40'000));
  }
}

}  // namespace
}  // namespace nicol::sim
