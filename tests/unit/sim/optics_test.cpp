// SPDX-License-Identifier: Apache-2.0
// Textbook identities of polarisation optics.
#include <gtest/gtest.h>

#include <Eigen/LU>
#include <cmath>
#include <numbers>

#include "sim/optics/analyser.hpp"
#include "sim/optics/arrival.hpp"
#include "sim/optics/polarisation.hpp"
#include "sim/optics/states.hpp"

namespace nicol::sim {
namespace {

constexpr double kDegrees[] = {0, 10, 22.5, 45, 67.5, 90, 123, 180};

TEST(Polariser, TransmitsTheSquaredCosine) {
  for (double at : kDegrees)
    for (double light : kDegrees) {
      const Stokes in = stokes(linear_state(Angle::degrees(light)));
      const Stokes out = mueller(polariser(Angle::degrees(at))) * in;
      EXPECT_NEAR(out[0], std::pow(std::cos(Angle::degrees(light - at).radians()), 2), 1e-12);
    }
}

TEST(HalfWavePlate, TurnsLinearLightByTwiceItsAngle) {
  for (double plate : kDegrees)
    for (double light : kDegrees) {
      const Stokes out = mueller(half_wave_plate(Angle::degrees(plate))) * stokes(linear_state(Angle::degrees(light)));
      EXPECT_TRUE(out.isApprox(stokes(linear_state(Angle::degrees(2 * plate - light))), 1e-12));
    }
}

TEST(HalfWavePlate, MakesASplitterAnalyseAlongTwiceItsAngle) {
  for (double plate : kDegrees)
    for (double light : kDegrees) {
      const Stokes in = stokes(linear_state(Angle::degrees(light)));
      const Stokes out = mueller(half_wave_plate(Angle::degrees(plate))) * in;
      EXPECT_NEAR(analysed_axis(Angle::degrees(plate)).dot(in.tail<3>()), out[1], 1e-12);
    }
}

TEST(QuarterWavePlate, MakesDiagonalLightCircular) {
  const Stokes out = mueller(quarter_wave_plate(Angle())) * stokes(linear_state(Angle::degrees(45)));
  EXPECT_NEAR(std::abs(out[3]), 1, 1e-12);
}

TEST(Mueller, AgreesWithJonesForAChainOfElements) {
  const Jones chain = retarder(0.7, Angle::degrees(31)) * rotator(Angle::degrees(12)) * polariser(Angle::degrees(77)) *
                      quarter_wave_plate(Angle::degrees(-20));
  const JonesVector light(std::complex<double>(0.6, 0.1), std::complex<double>(-0.2, 0.7));
  EXPECT_TRUE((mueller(chain) * stokes(light)).isApprox(stokes(chain * light), 1e-12));
}

TEST(Mueller, OfALosslessElementIsATurnOfTheSphere) {
  const SphereRotation turn = sphere_rotation(mueller(retarder(1.1, Angle::degrees(31))));
  EXPECT_TRUE((turn * turn.transpose()).isApprox(SphereRotation::Identity(), 1e-12));
  EXPECT_NEAR(turn.determinant(), 1, 1e-12);
}

TEST(SphereRotation, AboutTheRectilinearAxisIsARetarder) {
  const SphereRotation turn = sphere_rotation(Eigen::Vector3d(0.9, 0, 0));
  const SphereRotation plate = sphere_rotation(mueller(retarder(0.9, Angle())));
  EXPECT_TRUE(turn.isApprox(plate, 1e-12) || turn.isApprox(plate.transpose(), 1e-12));
}

TEST(SphereRotation, AboutThePoleTurnsPolarisationByHalfItsAngle) {
  const SphereRotation turn = sphere_rotation(Eigen::Vector3d(0, 0, Angle::degrees(40).radians()));
  EXPECT_TRUE(turn.isApprox(sphere_rotation(mueller(rotator(Angle::degrees(20)))), 1e-12));
}

TEST(Splitter, LeaksWhatItsExtinctionsSay) {
  const PolarisingSplitter splitter = make_splitter(Decibels{20}, Decibels{10});
  EXPECT_NEAR(splitter.transmitted(-1), 0.01, 1e-12);
  EXPECT_NEAR(1 - splitter.transmitted(1), 0.1, 1e-12);
}

TEST(Splitter, IsAMuellerMatrixOfAPartialPolariser) {
  // A perfect splitter behind the leak: transmitted light is 1/2 (1 + s1) of the input, so slope = constant = 1/2.
  const PolarisingSplitter ideal = make_splitter(Decibels{300}, Decibels{300});
  const Stokes light = stokes(linear_state(Angle::degrees(33)));
  EXPECT_NEAR(ideal.transmitted(light[1]), (mueller(polariser(Angle())) * light)[0], 1e-12);
}

TEST(States, AreTheFoundingEncoding) {
  EXPECT_DOUBLE_EQ(polarisation_of(state_index(false, true)).degrees(), 0);
  EXPECT_DOUBLE_EQ(polarisation_of(state_index(false, false)).degrees(), 90);
  EXPECT_DOUBLE_EQ(polarisation_of(state_index(true, true)).degrees(), 45);
  EXPECT_DOUBLE_EQ(polarisation_of(state_index(true, false)).degrees(), 135);
}

TEST(States, AreFoundAgainFromAnyTurnOfTheirWaveplate) {
  for (std::size_t state = 0; state < 4; ++state)
    for (int turns = -4; turns <= 4; ++turns)
      EXPECT_EQ(nearest_state(polarisation_of(state) + Angle::degrees(180 * turns + 20)), state);
}

TEST(ArrivalProbability, OfATailIsTheIntegralOfGaussianTimesExponential) {
  const ArrivalShape shape{100, 300, 1};
  double sum = 0;
  for (double delay = 0.5; delay < 20'000; delay += 1) {
    const double gauss =
        (std::erf((400 - delay) / 100 / std::numbers::sqrt2) - std::erf((-200 - delay) / 100 / std::numbers::sqrt2)) /
        2;
    sum += gauss * std::exp(-delay / 300) / 300;
  }
  EXPECT_NEAR(arrival_probability(shape, -200, 400), sum, 1e-5);
}

TEST(ArrivalProbability, SurvivesATailMuchShorterThanTheJitter) {
  EXPECT_NEAR(arrival_probability({100, 1, 1}, -1e4, 1e4), 1, 1e-9);
}

}  // namespace
}  // namespace nicol::sim
