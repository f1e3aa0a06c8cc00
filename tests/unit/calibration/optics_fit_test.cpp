// SPDX-License-Identifier: Apache-2.0
// States, plates and analysers from drawn counts: right, with honest error bars, and silent where blind.
#include "controller/calibration/optics_fit.hpp"

#include <gtest/gtest.h>

#include "controller/calibration/plate_scan.hpp"
#include "tests/unit/calibration/coverage.hpp"
#include "tests/unit/calibration/drawn_optics.hpp"

namespace nicol::calibration {
namespace {

constexpr double kTolerance = 0.06;
CounterStream draws(std::uint64_t index) { return CounterStream({31, NodeId::bob, Purpose::test, index}); }

/// Every plate once around and back, the others aside on the way back.
std::vector<ScanPoint> turns(CounterStream& random) {
  PlateAngles stand;
  for (Angle& a : stand) a = Angle::degrees(180 * random.uniform());
  std::vector<ScanPoint> all;
  for (std::size_t plate = 0; plate < 3; ++plate)
    for (const Mark& mark : turn_marks({}, Angle::degrees(360))) {
      ScanPoint point{stand, {}, {}};
      if (mark.from == Side::above) {
        for (std::size_t i = 0; i < 3; ++i) point.angles[i] = point.angles[i] + Angle::degrees(kAside[i]);
        point.from_above[plate] = 1;
      }
      point.angles[plate] = mark.mount;
      all.push_back(point);
    }
  return all;
}

test::OpticsSpread spread() {
  test::OpticsSpread s;
  s.retardance = 0.05, s.play = 0.02;
  return s;
}

/// What a routine asks, in a form that is the same for every way to write the same optics.
using Question = std::function<double(const Optics&)>;
struct Asked {
  const char* what;
  Question question;
  double period = 0;  // of the answer; 0: none
};
const std::vector<Asked>& questions() {
  constexpr double kQuarter = std::numbers::pi / 2;
  static const std::vector<Asked> all{
      {"axis of the last plate", [](const Optics& o) { return o.offset[2]; }, kQuarter},
      {"axis of the half-wave plate", [](const Optics& o) { return o.offset[1] - o.offset[0] / 2; }, kQuarter / 2},
      {"first retardance", [](const Optics& o) { return o.stack.retardance[0]; }},
      {"retardance from a half", [](const Optics& o) { return std::abs(o.stack.retardance[1] - std::numbers::pi); }},
      {"last retardance", [](const Optics& o) { return o.stack.retardance[2]; }},
      {"play", [](const Optics& o) { return o.play[1]; }},
      {"skew", [](const Optics& o) { return o.skew; }},
      {"ellipticity", [](const Optics& o) { return std::abs(o.ellipticity[0] - o.ellipticity[1]); }},
      {"between two states", [](const Optics& o) { return o.sent[0].normalized().dot(o.sent[2].normalized()); }},
      {"length", [](const Optics& o) { return o.length(1); }}};
  return all;
}

std::vector<test::Coverage> coverage(std::uint64_t fits) {
  std::vector<test::Coverage> all(questions().size());
  for (std::uint64_t i = 0; i < fits; ++i) {
    CounterStream random = draws(1'000 + i);
    const Optics truth = test::draw_optics(random, spread());
    auto points = turns(random);
    test::draw_clicks(truth, points, 4'000, random);
    const auto fit = fit_optics({}, kTolerance, points);
    if (!fit) continue;
    for (std::size_t k = 0; k < all.size(); ++k) {
      const auto& [what, question, period] = questions()[k];
      const Estimate e = fit->estimate(question);
      const double miss = e.value - question(truth);
      all[k].add(period > 0 ? std::remainder(miss, period) : miss, e.error);
    }
  }
  return all;
}

TEST(OpticsFit, CoversTheTruthWithItsErrorBars) {
  for (const test::Coverage& number : coverage(25)) test::expect_covers(number, 25);
}

TEST(LongOpticsFit, CoversTheTruthInNineteenOfTwentyFits) {
  const auto all = coverage(1'000);
  for (std::size_t k = 0; k < all.size(); ++k) {
    EXPECT_EQ(all[k].all, 1'000);
    test::expect_honest(questions()[k].what, all[k]);
  }
}

TEST(OpticsFit, FindsAxesTo50MillidegreesInAMillionCounts) {
  CounterStream random = draws(1);
  auto points = turns(random);
  test::draw_clicks(test::draw_optics(random, spread()), points, 14'400, random);
  const auto fit = fit_optics({}, kTolerance, points);
  ASSERT_TRUE(fit);
  constexpr double kDegree = std::numbers::pi / 180;
  EXPECT_LT(fit->estimate([](const Optics& o) { return o.offset[2]; }).error, 0.055 * kDegree);
  EXPECT_LT(fit->estimate([](const Optics& o) { return o.offset[1] - o.offset[0] / 2; }).error, 0.055 * kDegree);
}

TEST(OpticsFit, SaysHowLittleTheFirstAxisIsKnownBehindAPerfectHalfWavePlate) {
  CounterStream random = draws(2);
  test::OpticsSpread perfect = spread();
  perfect.retardance = 0;
  auto points = turns(random);
  test::draw_clicks(test::draw_optics(random, perfect), points, 4'000, random);
  const auto fit = fit_optics({}, kTolerance, points);
  ASSERT_TRUE(fit);
  EXPECT_GT(fit->estimate([](const Optics& o) { return o.offset[0]; }).error, 0.1);
}

TEST(OpticsFit, KeepsEveryStateInsideItsSphere) {
  CounterStream random = draws(3);
  test::OpticsSpread pure = spread();
  pure.length = 0;
  for (int i = 0; i < 5; ++i) {
    Optics truth = test::draw_optics(random, pure);
    truth.contrast = {{{1, 1}, {1, 1}}};
    auto points = turns(random);
    test::draw_clicks(truth, points, 400, random);
    const auto fit = fit_optics({}, kTolerance, points);
    ASSERT_TRUE(fit);
    for (std::size_t s = 0; s < 4; ++s) {
      EXPECT_LT(fit->optics.length(s), 1);
      EXPECT_GT(fit->optics.length(s), 0.97);
    }
  }
}

TEST(OpticsFit, FitsWhatItIsToldToFitAndNothingElse) {
  CounterStream random = draws(4);
  const Optics truth = test::draw_optics(random, spread());
  auto points = turns(random);
  test::draw_clicks(truth, points, 4'000, random);
  const auto fit = fit_optics({}, kTolerance, points);
  ASSERT_TRUE(fit);
  EXPECT_NEAR(fit->chi_squared, fit->degrees, 5 * std::sqrt(2.0 * fit->degrees));
  for (std::size_t k = 0; k < points.size() / 2; ++k) std::swap(points[k].seen[0], points[k].seen[2]);
  const auto wrong = fit_optics({}, kTolerance, points);
  EXPECT_TRUE(!wrong || wrong->chi_squared > 3 * wrong->degrees);
}

TEST(OpticsFit, SaysNothingOfDarknessOrOfPlatesThatStand) {
  CounterStream random = draws(5);
  auto points = turns(random);
  EXPECT_FALSE(fit_optics({}, kTolerance, points));
  for (ScanPoint& point : points) point.angles = points.front().angles;
  test::draw_clicks(test::draw_optics(random), points, 400, random);
  EXPECT_FALSE(fit_optics({}, kTolerance, points));
}

}  // namespace
}  // namespace nicol::calibration
