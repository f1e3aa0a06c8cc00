// SPDX-License-Identifier: Apache-2.0
// What else a scan of the plates tells: light lost as they turn, stops beside their marks.
#include <gtest/gtest.h>

#include "controller/calibration/loss_fit.hpp"
#include "controller/calibration/repeatability.hpp"
#include "tests/unit/calibration/coverage.hpp"
#include "tests/unit/calibration/drawn_counts.hpp"
#include "tests/unit/calibration/drawn_optics.hpp"

namespace nicol::calibration {
namespace {

CounterStream draws(std::uint64_t index) { return CounterStream({33, NodeId::bob, Purpose::test, index}); }

/// Plate 1 loses light once a turn, plate 2 twice; all of it seen by one detector: polarisation is not asked.
std::vector<ScanLook> looks(double once, double twice, double flicker, CounterStream& random) {
  std::vector<ScanLook> all;
  for (std::size_t plate = 0; plate < 3; ++plate)
    for (const Mark& mark : turn_marks({}, Angle::degrees(360))) {
      ScanLook look{{}, {Angle::degrees(40), Angle::degrees(80), Angle::degrees(10)}, 1e6};
      look.mounts[plate] = mark.mount;
      const double phase = look.mounts[1].radians(), other = 2 * look.mounts[2].radians();
      const double lost =
          1 + once * std::cos(phase - 1) + twice * std::sin(other) + flicker * test::draw_normal(random);
      look.point.seen[0][0] = test::draw_poisson(14'000 * lost, random);
      all.push_back(look);
    }
  return all;
}

TEST(LossFit, TellsAWedgeFromALossThatHangsOnPolarisation) {
  CounterStream random = draws(0);
  const auto fit = fit_loss(looks(0.03, 0.02, 0, random));
  ASSERT_TRUE(fit);
  EXPECT_NEAR(fit->amplitude[1][0].value, 0.03, 4.5 * fit->amplitude[1][0].error);
  EXPECT_NEAR(fit->amplitude[2][1].value, 0.02, 4.5 * fit->amplitude[2][1].error);
  EXPECT_LT(fit->amplitude[0][2].value, 4.5 * fit->amplitude[0][2].error);
}

TEST(LossFit, HasErrorBarsThatCover) {
  test::Coverage wedge;
  CounterStream random = draws(1);
  for (int i = 0; i < 300; ++i) {
    const auto fit = fit_loss(looks(0.03, 0, 0, random));
    ASSERT_TRUE(fit);
    wedge.add(fit->amplitude[1][0].value - 0.03, fit->amplitude[1][0].error);
  }
  test::expect_covers(wedge, 300);
}

TEST(LossFit, HasLargerErrorBarsWhereTheLightFlickers) {
  CounterStream random = draws(2);
  const auto still = fit_loss(looks(0, 0, 0, random)), flickering = fit_loss(looks(0, 0, 0.05, random));
  ASSERT_TRUE(still && flickering);
  EXPECT_GT(flickering->amplitude[1][0].error, 3 * still->amplitude[1][0].error);
}

TEST(LossFit, SaysNothingOfDarknessOrOfAFewLooks) {
  CounterStream random = draws(3);
  auto all = looks(0, 0, 0, random);
  EXPECT_FALSE(fit_loss(std::span(all).first(12)));
  for (ScanLook& look : all) look.point.seen = {};
  EXPECT_FALSE(fit_loss(all));
}

/// Stops of a plate in the midst of known optics, `beside` radians (one standard deviation) off their marks.
std::vector<Estimate> stops_beside(double beside, CounterStream& random) {
  const Optics truth = test::draw_optics(random);
  std::vector<ScanPoint> there, said;
  for (const Mark& mark : turn_marks({}, Angle::degrees(360))) {
    said.push_back({{Angle{}, mark.mount, Angle{}}, {}, {}});
    there.push_back({{Angle{}, mark.mount + Angle::radians(beside * test::draw_normal(random)), Angle{}}, {}, {}});
  }
  test::draw_clicks(truth, there, 14'000, random);
  for (std::size_t i = 0; i < said.size(); ++i) said[i].seen = there[i].seen;
  return stops(truth, 1, said);
}

TEST(Repeatability, HasAnUpperLimitThatHolds) {
  test::Coverage limit;
  CounterStream random = draws(4);
  constexpr double kBeside = 0.005;
  for (int i = 0; i < 300; ++i) limit.count(scatter_of(stops_beside(kBeside, random), 0, 0.05).upper >= kBeside);
  EXPECT_GE(limit.inside, 270);
}

TEST(Repeatability, TellsAMountThatStopsBesideFromOneThatDoesNot) {
  CounterStream random = draws(5);
  const Scatter good = scatter_of(stops_beside(0, random), 0, 0.05),
                bad = scatter_of(stops_beside(0.02, random), 0, 0.05);
  EXPECT_LT(good.chi_squared, good.degrees + 5 * std::sqrt(2.0 * good.degrees));
  EXPECT_GT(bad.chi_squared, 4 * bad.degrees);
  EXPECT_LT(good.upper, 0.005);
  EXPECT_GT(bad.upper, 0.02);
}

}  // namespace
}  // namespace nicol::calibration
