// SPDX-License-Identifier: Apache-2.0
// How four states stand to one another, from drawn counts: error bars that cover, limits that hold.
#include "controller/calibration/four_states.hpp"

#include <gtest/gtest.h>

#include <numbers>

#include "tests/unit/calibration/coverage.hpp"
#include "tests/unit/calibration/drawn_optics.hpp"

namespace nicol::calibration {
namespace {

CounterStream draws(std::uint64_t index) { return CounterStream({37, NodeId::bob, Purpose::test, index}); }

/// Settings from all sides.
std::vector<ScanPoint> settings(CounterStream& random) {
  std::vector<ScanPoint> all(16);
  for (ScanPoint& point : all)
    for (Angle& a : point.angles) a = Angle::degrees(180 * random.uniform());
  return all;
}

double largest_overlap(const Optics& o) {
  double most = 0;
  for (std::size_t i = 0; i < 2; ++i)
    for (std::size_t j = 2; j < 4; ++j)
      most = std::max(most, std::abs(o.sent[i].normalized().dot(o.sent[j].normalized())));
  return most;
}

/// States whose averages are alike, as a proof wants them: each basis's two are opposite.
Optics opposite(Optics o) {
  o.sent[1] = -o.sent[0], o.sent[3] = -o.sent[2];
  return o;
}

struct Tally {
  test::Coverage fidelity, overlap, delta;
  int apart = 0, fits = 0;
};
Tally tally(int fits, const test::OpticsSpread& spread) {
  Tally t;
  for (int i = 0; i < fits; ++i) {
    CounterStream random = draws(static_cast<std::uint64_t>(100 + i));
    const Optics truth = opposite(test::draw_optics(random, spread));
    auto points = settings(random);
    test::draw_clicks(truth, points, 8'000, random);
    const auto fit = fit_optics({}, 0.06, points);
    if (!fit) continue;
    ++t.fits;
    const Preparation p = prepared(*fit);
    const auto f = fidelities(truth);
    t.fidelity.add(p.mean_fidelity.value - (f[0] + f[1] + f[2] + f[3]) / 4, p.mean_fidelity.error);
    t.overlap.add(p.overlap[0].value - truth.sent[0].normalized().dot(truth.sent[2].normalized()), p.overlap[0].error);
    t.delta.count(std::sin(2 * preparation_error(p, 0.05)) >= largest_overlap(truth));
    t.apart += averages_differ(p, 0.05) ? 1 : 0;
  }
  return t;
}

TEST(FourStates, HaveErrorBarsThatCoverAndALimitThatHolds) {
  const Tally t = tally(40, {});
  test::expect_covers(t.fidelity, 40);
  test::expect_covers(t.overlap, 40);
  EXPECT_GE(t.delta.inside, 35);
  EXPECT_LE(t.apart, 7);  // one in twenty
}

TEST(LongFourStates, HaveErrorBarsThatCoverInNineteenOfTwentyFits) {
  const Tally t = tally(1'000, {});
  EXPECT_EQ(t.fits, 1'000);
  test::expect_honest("fidelity", t.fidelity);
  test::expect_honest("overlap", t.overlap);
  test::expect_limits("preparation error", t.delta);
  std::printf("averages that are alike called unlike at 5 %%: %d of %d\n", t.apart, t.fits);
  EXPECT_LE(t.apart, 80);
}

Optics ideal() {
  Optics o;
  for (std::size_t i = 0; i < 4; ++i) o.sent[i] = Stokes(kStates[i][0], kStates[i][1], 0);
  return o;
}

TEST(Fidelity, IsOneOfIdealStatesHoweverTheyAreTurned) {
  CounterStream random = draws(1);
  for (int i = 0; i < 20; ++i) {
    Optics o = ideal();
    const Rotation fibre = test::draw_fibre(random);
    for (Stokes& s : o.sent) s = fibre * s;
    for (const double f : fidelities(o)) EXPECT_NEAR(f, 1, 1e-12);
  }
}

TEST(Fidelity, IsAHalfOfNoStateAtAll) {
  Optics o = ideal();
  o.sent[2] = Stokes::Zero();
  EXPECT_NEAR(fidelities(o)[2], 0.5, 1e-12);
}

TEST(Fidelity, ChargesTheStatesWithWhatThePolarisersLeak) {
  Optics o = ideal();
  o.contrast = {{{0.9, 0.8}, {0.9, 0.7}}};
  EXPECT_NEAR(fidelities(o)[0], 0.95, 1e-12);
}

TEST(PreparationError, IsWhatAnAngleBetweenTheBasesIs) {
  Preparation p;
  p.overlap[2] = {-std::sin(2 * 0.01), 0};
  EXPECT_NEAR(preparation_error(p, 1e-3), 0.01, 1e-12);
}

TEST(PreparationError, GrowsWithWhatIsNotKnown) {
  Preparation sure, unsure;
  unsure.overlap[0].error = 0.01;
  EXPECT_EQ(preparation_error(sure, 1e-3), 0);
  EXPECT_GT(preparation_error(unsure, 1e-3), 0.015);
  unsure.overlap[0].error = 10;
  EXPECT_NEAR(preparation_error(unsure, 1e-3), std::numbers::pi / 4, 1e-12) << "anything: no key";
}

}  // namespace
}  // namespace nicol::calibration
