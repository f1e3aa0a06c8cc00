// SPDX-License-Identifier: Apache-2.0
// What clicks of several detectors say of photon numbers, of drawn pulses whose numbers are known.
#include "controller/calibration/coincidences.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "sim/optics/photon_number.hpp"
#include "tests/unit/calibration/coverage.hpp"
#include "tests/unit/calibration/drawn_counts.hpp"

namespace nicol::calibration {
namespace {

/// Where a photon of one sent state makes its click; the rest of the light makes none.
constexpr std::array<double, 4> kEfficiencies{0.001, 0.12, 0.07, 0.05};
constexpr Transmission kAll{0.241};

sim::PhotonNumber pulses(double mean, double g2) { return sim::PhotonNumber::make(mean, g2).value(); }

/// P(a set of detectors clicks and no other), by inclusion and exclusion of the generating function.
std::array<double, 16> probabilities(const sim::PhotonNumber& photons) {
  std::array<double, 16> silent{}, exactly{};
  for (unsigned set = 0; set < 16; ++set) {
    double some = 0;
    for (unsigned d = 0; d < 4; ++d) some += (set >> d & 1U) != 0 ? kEfficiencies[d] : 0;
    silent[set] = photons.generating(1 - some);
  }
  for (unsigned set = 0; set < 16; ++set)
    for (unsigned part = set;; part = (part - 1) & set) {
      const unsigned dark = (15U & ~set) | part;
      exactly[set] += (std::popcount(part) % 2 == 0 ? 1 : -1) * silent[dark];
      if (part == 0) break;
    }
  return exactly;
}

CoincidenceCounts drawn(const sim::PhotonNumber& photons, std::uint64_t slots, CounterStream& draws) {
  const auto p = probabilities(photons);
  CoincidenceCounts counts;
  counts.slots = slots;
  for (unsigned set = 1; set < 16; ++set) {
    const std::uint64_t n = test::draw_poisson(static_cast<double>(slots) * p[set], draws);
    for (unsigned d = 0; d < 4; ++d) counts.singles[d] += (set >> d & 1U) != 0 ? n : 0;
    counts.multiple[static_cast<std::size_t>(std::popcount(set))] += n;
  }
  return counts;
}

CoincidenceCounts expected(const sim::PhotonNumber& photons, double slots = 1e12) {
  const auto p = probabilities(photons);
  CoincidenceCounts counts;
  counts.slots = static_cast<std::uint64_t>(slots);
  for (unsigned set = 1; set < 16; ++set) {
    const auto n = static_cast<std::uint64_t>(slots * p[set]);
    for (unsigned d = 0; d < 4; ++d) counts.singles[d] += (set >> d & 1U) != 0 ? n : 0;
    counts.multiple[static_cast<std::size_t>(std::popcount(set))] += n;
  }
  return counts;
}

Limited multi(const CoincidenceCounts& c, double risk = 1e-12) {
  return multi_photon_probability(std::array{c}, kAll, risk);
}
double g2(const CoincidenceCounts& c) { return g2_of(std::array{c}, 1e-12).value; }

TEST(G2, IsOneOfPoissonLightHoweverBright) {
  for (const double mean : {0.01, 0.5, 2.0}) EXPECT_NEAR(g2(expected(pulses(mean, 1))), 1, 1e-3) << mean;
}

TEST(G2, OfTwoPhotonsAtMostIsNowhereTooSmall) {
  for (const double mean : {0.05, 0.3, 0.8}) {
    const double found = g2(expected(pulses(mean, 0.027)));
    EXPECT_GE(found, 0.027 * (1 - 1e-6)) << mean;
    EXPECT_LT(found, 0.027 * 1.01) << mean;
  }
}

TEST(G2, OfBunchedLightIsTooSmallByNoMoreThanIsWritten) {
  const auto photons = pulses(0.2, 2);
  const double clicks = 0.2 * kAll.at_least;
  EXPECT_NEAR(g2(expected(photons)), 2 * (1 - 0.75 * clicks), 2 * 0.5 * clicks);
}

TEST(MultiPhotonProbability, IsExactForTwoPhotonsAtMost) {
  const auto photons = pulses(0.8, 0.027);
  const Limited found = multi(expected(photons));
  EXPECT_NEAR(found.value, photons.at_least_two(), 1e-4 * photons.at_least_two());
}

TEST(MultiPhotonProbability, IsNeverTooSmallWhateverTheDistribution) {
  for (const double shape : {0.5, 1.0, 1.5, 2.0, 4.0})
    for (const double mean : {0.02, 0.2, 0.5}) {
      const auto made = sim::PhotonNumber::make(mean, shape);
      if (!made.ok()) continue;
      EXPECT_GE(multi(expected(*made)).value, made->at_least_two() * (1 - 1e-6)) << shape << " " << mean;
    }
}

TEST(MultiPhotonProbability, OfFewSlotsIsLimitedByOne) {
  CoincidenceCounts counts;
  counts.slots = 10;
  counts.singles = {1, 1, 1, 1};
  EXPECT_EQ(multi_photon_probability(std::array{counts}, {0.01}, 1e-12).upper, 1);
}

TEST(MeanPhotonNumber, IsExactForTwoPhotonsAtMost) {
  const Limited found = mean_photon_number(expected(pulses(0.8, 0.027)), kAll, 1e-12);
  EXPECT_NEAR(found.value, 0.8, 1e-4);
}

TEST(Coincidences, WithoutClicksSayNothing) {
  const CoincidenceCounts none{.slots = 1'000'000, .singles = {}, .multiple = {}};
  EXPECT_TRUE(std::isinf(g2_of(std::array{none}, 1e-12).upper));
  EXPECT_TRUE(std::isinf(multi(none).upper));
  EXPECT_TRUE(std::isinf(mean_photon_number(none, kAll, 1e-12).upper));
}

TEST(Coincidences, AreCountedByHowManyClicked) {
  CoincidenceCounts counts;
  for (const unsigned seen : {0b0001U, 0b0101U, 0b1111U, 0b0110U}) counts.add(static_cast<std::uint8_t>(seen));
  EXPECT_EQ(counts.singles, (std::array<std::uint64_t, 4>{3, 2, 3, 1}));
  EXPECT_EQ(counts.multiple, (std::array<std::uint64_t, 5>{0, 1, 2, 0, 1}));
}

struct Covered {
  test::Coverage g2, multi, mean, limits;
};
Covered cover(int fits) {
  CounterStream draws({4, NodeId::world, Purpose::test, 12});
  const auto photons = pulses(0.8, 0.027);
  Covered covered;
  for (int i = 0; i < fits; ++i) {
    const CoincidenceCounts counts = drawn(photons, 300'000, draws);
    const Limited g = g2_of(std::array{counts}, 0.05), two = multi(counts, 0.05),
                  mean = mean_photon_number(counts, kAll, 0.05);
    covered.g2.add(g.value - 0.027, g.error);
    covered.multi.add(two.value - photons.at_least_two(), two.error);
    covered.mean.add(mean.value - 0.8, mean.error);
    for (const bool holds : {g.upper >= 0.027, two.upper >= photons.at_least_two(), mean.upper >= 0.8})
      covered.limits.count(holds);
  }
  return covered;
}

TEST(LongCoincidences, CoverTheTruthAsTheirErrorBarsSay) {
  const Covered of = cover(1000);
  test::expect_honest("g2", of.g2);
  test::expect_honest("two photons or more", of.multi);
  test::expect_honest("mean photon number", of.mean);
  test::expect_limits("of them", of.limits);
}

TEST(Coincidences, HaveErrorBarsThatCoverTheTruth) {
  const Covered of = cover(100);
  test::expect_covers(of.g2, 100);
  test::expect_covers(of.multi, 100);
  test::expect_covers(of.limits, 300);
}

}  // namespace
}  // namespace nicol::calibration
