// SPDX-License-Identifier: Apache-2.0
#include "controller/calibration/plate_fit.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "sim/optics/polarisation.hpp"
#include "tests/unit/calibration/drawn_counts.hpp"

namespace nicol::calibration {
namespace {

constexpr int kSteps = 37;

struct Plate {
  double axis_degrees = 0, waves = 0.5, wedge = 0, mean = 3'000, background = 0;
};

/// Horizontal light, the plate, a horizontal polariser: by Jones matrices, a turn in 37 steps, so that no two readings
/// are alike but for quarter turns.
std::vector<PlateCount> turn_of(const Plate& plate, CounterStream& draws) {
  std::vector<PlateCount> all;
  for (int i = 0; i < kSteps; ++i) {
    const double degrees = 360.0 * i / kSteps;
    const Angle fast = Angle::degrees(degrees - plate.axis_degrees);
    const sim::JonesVector out =
        sim::retarder(2 * std::numbers::pi * plate.waves, fast) * sim::linear_state(Angle::degrees(0));
    const double wedge = 1 + plate.wedge * std::cos(Angle::degrees(degrees + 30).radians());
    all.push_back({Angle::degrees(degrees),
                   test::draw_poisson(plate.mean * 2 * std::norm(out[0]) * wedge + plate.background, draws)});
  }
  return all;
}

CounterStream draws(std::uint64_t index) { return CounterStream({9, NodeId::bob, Purpose::test, index}); }

TEST(PlateFit, FindsTheAxisOfAHalfWavePlateTo50MillidegreesIn1e5Counts) {
  CounterStream random = draws(0);
  double squares = 0;
  constexpr int kFits = 1'000;
  for (int i = 0; i < kFits; ++i) {
    const Plate plate{90 * random.uniform() - 45, 0.5, 0, 1e5 / kSteps, 0};
    const auto fit = fit_plate(turn_of(plate, random));
    ASSERT_TRUE(fit);
    const double off = std::remainder(fit->axis_degrees.value - plate.axis_degrees, 90.0);
    EXPECT_LT(fit->axis_degrees.error, 0.05);
    squares += off * off;
  }
  EXPECT_LT(std::sqrt(squares / kFits), 0.05) << "of " << kFits << " fits";
}

TEST(PlateFit, MeasuresTheRetardanceOfAQuarterWavePlate) {
  CounterStream random = draws(1);
  const auto fit = fit_plate(turn_of({12, 0.26, 0, 1e5, 0}, random));
  ASSERT_TRUE(fit);
  EXPECT_NEAR(fit->retardance.value, 2 * std::numbers::pi * 0.26, 4.5 * fit->retardance.error);
  EXPECT_LT(fit->retardance.error, 0.01);
}

TEST(PlateFit, TellsAWedgeFromARetarder) {
  CounterStream random = draws(2);
  const auto fit = fit_plate(turn_of({-20, 0.5, 0.05, 1e5, 0}, random));
  ASSERT_TRUE(fit);
  EXPECT_NEAR(fit->wedge.value, 0.05, 0.005);
  EXPECT_NEAR(fit->axis_degrees.value, -20, 0.1);
}

TEST(PlateFit, HasErrorBarsThatCover) {
  CounterStream random = draws(3);
  int axis = 0, retardance = 0;
  constexpr int kFits = 1000;
  for (int i = 0; i < kFits; ++i) {
    const Plate plate{40 * random.uniform() - 20, 0.27, 0.02, 2'000, 0};
    const auto fit = fit_plate(turn_of(plate, random));
    ASSERT_TRUE(fit) << i;
    axis += std::abs(fit->axis_degrees.value - plate.axis_degrees) < 1.96 * fit->axis_degrees.error ? 1 : 0;
    const double d = fit->retardance.value - 2 * std::numbers::pi * plate.waves;
    retardance += std::abs(d) < 1.96 * fit->retardance.error ? 1 : 0;
  }
  for (const int covered : {axis, retardance}) {
    EXPECT_GE(covered, 920);
    EXPECT_LE(covered, 980);
  }
}

TEST(PlateFit, GivesNothingWhereTheReadingsTellNothing) {
  EXPECT_FALSE(fit_plate({}));
  std::vector<PlateCount> same(36, PlateCount{Angle::degrees(10), 100}), dark(36);
  for (std::size_t i = 0; i < dark.size(); ++i) dark[i].stage = Angle::degrees(10.0 * static_cast<double>(i));
  EXPECT_FALSE(fit_plate(same));
  EXPECT_FALSE(fit_plate(dark));
}

}  // namespace
}  // namespace nicol::calibration
