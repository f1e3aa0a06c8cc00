// SPDX-License-Identifier: Apache-2.0
// Both ends of an entangled link, against theory: rates, coincidences, errors, angles, and what neither side can see.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "tests/unit/sim/pair_link.hpp"

namespace nicol::sim {
namespace {

using test::PairLink;

constexpr Picoseconds kWindow{2'000};

Scenario scenario_of(const char* name) { return test::with_ideal_clocks(load_scenario(name).value()); }

/// Everything different from everything else.
Scenario unequal(const char* name) {
  Scenario s = scenario_of(name);
  s.alice.channel.rotation_deg = {20, -35, 50};
  s.channel.rotation_deg = {-15, 40, 25};
  s.alice.receiver.splitter = 0.4;
  s.receiver.splitter = 0.6;
  s.alice.receiver.extinction_transmitted_db = 12;
  s.receiver.extinction_reflected_db = 10;
  const double efficiency[] = {0.7, 0.4, 0.6, 0.5}, dark[] = {1e4, 3e4, 2e4, 5e3};
  for (std::size_t i = 0; i < 4; ++i) {
    s.alice.receiver.detectors[i].efficiency = efficiency[i];
    s.receiver.detectors[3 - i].efficiency = efficiency[i];
    s.alice.receiver.detectors[i].dark_hz = s.receiver.detectors[3 - i].dark_hz = dark[i];
  }
  return s;
}

void expect_as_theory(Scenario s, double pump_mw, Picoseconds window, Picoseconds length, std::uint64_t seed) {
  s.source.pairs.pump_mw = pump_mw;
  PairLink link(s, seed);
  link.light(pump_mw);
  const auto counts = test::count(link.run(length), window);
  test::expect_as_theory(counts, expect_pairs(s, pump_mw, window), length.seconds());
}

class PumpPowers : public testing::TestWithParam<double> {};

TEST_P(PumpPowers, GiveTheRatesOfAContinuousSource) {
  Scenario s = test::without_dead_time(scenario_of("entangled"));
  expect_as_theory(s, GetParam(), kWindow, Picoseconds::seconds(0.8 / GetParam()), 1);
}

/// All tails, a window that cuts into the peak.
TEST_P(PumpPowers, GiveTheRatesOfAContinuousSourceWhereEverythingIsUnequal) {
  Scenario s = test::without_dead_time(unequal("entangled"));
  for (auto* r : {&s.receiver, &s.alice.receiver})
    for (DetectorModel& d : r->detectors) d.jitter_tail_fraction = 0.4;
  expect_as_theory(s, GetParam(), {700}, Picoseconds::seconds(0.8 / GetParam()), 2);
}

TEST_P(PumpPowers, GiveTheRatesOfAPulsedSource) {
  Scenario s = test::without_dead_time(scenario_of("entangled-pulsed"));
  expect_as_theory(s, 20 * GetParam(), kWindow, Picoseconds::seconds(0.4 / GetParam()), 3);
}

/// Up to 0.4 pairs a pulse, analysers that face neither each other nor the crystal: photons of one pulse interfere.
TEST_P(PumpPowers, GiveTheRatesOfAPulsedSourceWhereEverythingIsUnequal) {
  Scenario s = test::without_dead_time(unequal("entangled-pulsed"));
  s.alice.channel.loss_db = s.channel.loss_db = 1;
  expect_as_theory(s, 200 * GetParam(), kWindow, Picoseconds::seconds(0.04 / GetParam()), 4);
}

TEST_P(PumpPowers, GiveTheRatesOfAPulsedSourceOfManyModes) {
  Scenario s = test::without_dead_time(unequal("entangled-pulsed"));
  s.source.pairs.statistics = PairStatistics::poisson;
  s.alice.channel.loss_db = s.channel.loss_db = 1;
  expect_as_theory(s, 200 * GetParam(), kWindow, Picoseconds::seconds(0.04 / GetParam()), 5);
}

INSTANTIATE_TEST_SUITE_P(Five, PumpPowers, testing::Values(0.5, 1.0, 2.0, 4.0, 8.0));

// ---- section 1.6, by itself ----

/// Ma, Fung, Lo, PRA 76, 012307 (2007), equations 9 and 10.
struct GainAndErrors {
  double gain, errors;
};
GainAndErrors ma_fung_lo(double lambda, double eta_a, double eta_b, double y0a, double y0b, double e_d) {
  const double a = 1 + eta_a * lambda, b = 1 + eta_b * lambda, c = 1 + lambda * (eta_a + eta_b - eta_a * eta_b);
  const double q = 1 - (1 - y0a) / (a * a) - (1 - y0b) / (b * b) + (1 - y0a) * (1 - y0b) / (c * c);
  return {q, q / 2 - (0.5 - e_d) * 2 * eta_a * eta_b * lambda * (1 + lambda) / (a * b * c)};
}

/// Of one basis, by pump pulse: pulses with a click at both sides, and errors with a fair coin for double clicks.
struct PulseCounts {
  std::uint64_t gain = 0;
  double errors = 0;
};
PulseCounts count_pulses(const PairLink::Run& run, std::int64_t period, unsigned basis) {
  const auto clicks = [&](const test::Recording& r) {
    std::map<std::int64_t, unsigned> of_pulse;
    for (const hal::TimeTag& t : r.tags)
      if (t.channel / 2U == basis) of_pulse[(t.ticks - run.begin.count) / period] |= 1U << t.channel % 2;
    return of_pulse;
  };
  const auto alice = clicks(run.alice), bob = clicks(run.bob);
  PulseCounts n;
  for (const auto& [pulse, a] : alice) {
    const auto b = bob.find(pulse);
    if (b == bob.end()) continue;
    ++n.gain;
    n.errors += a == 3 || b->second == 3 ? 0.5 : a == b->second ? 1 : 0;
  }
  return n;
}

TEST_P(PumpPowers, GiveGainAndErrorsAsMaFungAndLoSay) {
  Scenario s = test::without_dead_time(scenario_of("entangled-pulsed"));
  s.source.pairs.state = PairState::psi_minus;
  s.source.pairs.visibility = {0.96, 0.92, 0.92};
  s.alice.channel.rotation_deg = s.channel.rotation_deg = {0, 0, 0};
  s.alice.channel.loss_db = s.channel.loss_db = 1;
  for (auto* r : {&s.receiver, &s.alice.receiver}) {
    r->extinction_transmitted_db = r->extinction_reflected_db = 100;
    for (DetectorModel& d : r->detectors) {
      d.jitter_ps = d.jitter_tail_fraction = 0;
      d.dark_hz = 5e4;
    }
  }
  const double mw = s.source.pairs.pump_mw = 200 * GetParam();
  PairLink link(s, 6);
  link.light(mw);
  const auto run = link.run(Picoseconds::seconds(0.05 / GetParam()));
  const double lambda = mw * s.source.pairs.pairs_per_mw_s / s.source.pairs.pump_hz / 2;
  const double pulses = run.length.seconds() * s.source.pairs.pump_hz, dark = 1 - std::exp(-2 * 5e4 * 12.5e-9);
  const double passed = std::pow(10, -0.1), eta_a = passed * 0.55 / 2, eta_b = passed * 0.6 / 2;
  for (unsigned basis = 0; basis < 2; ++basis) {
    const double e_d = (1 - s.source.pairs.visibility[basis]) / 2;
    const auto theory = ma_fung_lo(lambda, eta_a, eta_b, dark, dark, e_d);
    const auto counted = count_pulses(run, 12'500, basis);
    test::expect_count(counted.gain, pulses * theory.gain, "gain");
    EXPECT_LT(std::abs(counted.errors - pulses * theory.errors), 4.5 * std::sqrt(pulses * theory.errors))
        << counted.errors << ", theory " << pulses * theory.errors;
  }
}

// ---- continuous, by hand ----

TEST(ContinuousSource, HasAccidentalsOfBothRatesAndTheWindow) {
  Scenario s = scenario_of("entangled");
  PairLink link(s, 7);
  link.light(8);
  const auto run = link.run(Picoseconds::seconds(0.4));
  const auto counts = test::count(run, kWindow);
  // A window beside the peak: what stands there came by chance.
  auto beside = run;
  for (hal::TimeTag& t : beside.bob.tags) t.ticks += 1'000'000;
  double alice = 0, bob = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    alice += static_cast<double>(counts.alice[i]);
    bob += static_cast<double>(counts.bob[i]);
  }
  const double expected = alice * bob / run.length.seconds() * kWindow.seconds();
  EXPECT_GT(expected, 40);
  test::expect_count(test::count(beside, kWindow).total(), expected, "accidentals");
}

TEST(ContinuousSource, HeraldsWithTheEfficiencyOfBobsArm) {
  Scenario s = test::without_dead_time(scenario_of("entangled"));
  for (auto* r : {&s.receiver, &s.alice.receiver})
    for (DetectorModel& d : r->detectors) d.dark_hz = 0;
  PairLink link(s, 8);
  link.light(1);
  const auto counts = test::count(link.run(Picoseconds::seconds(1)), {20'000});
  double alice = 0, bob = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    alice += static_cast<double>(counts.alice[i]);
    bob += static_cast<double>(counts.bob[i]);
  }
  const double eta = std::pow(10, -0.6) * 0.6, chance = bob * 20e-9;
  EXPECT_NEAR(static_cast<double>(counts.total()) / alice, eta + chance, 4.5 * std::sqrt(eta / alice));
}

TEST(ContinuousSource, LosesWhatDeadTimeTakes) {
  Scenario s = scenario_of("entangled");
  s.source.pairs.pump_mw = 20;
  for (auto* r : {&s.receiver, &s.alice.receiver})
    for (DetectorModel& d : r->detectors) {
      d.dead_time_ns = 1000;
      d.afterpulse_probability = 0;
      d.rate_limit_hz = 1e9;
    }
  const auto with = expect_pairs(s, 20, kWindow), without = expect_pairs(test::without_dead_time(s), 20, kWindow);
  EXPECT_LT(with.coincidences(), 0.8 * without.coincidences());
  PairLink link(s, 9);
  link.light(20);
  const auto counts = test::count(link.run(Picoseconds::seconds(0.3)), kWindow);
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_NEAR(static_cast<double>(counts.alice[i]) / (with.singles_alice[i] * 0.3), 1, 0.01);
  EXPECT_NEAR(static_cast<double>(counts.total()) / (with.coincidences() * 0.3), 1, 0.02);
}

TEST(ContinuousSource, ErrsByVisibilityPlusHalfTheAccidentals) {
  Scenario s = scenario_of("entangled");
  s.alice.channel.rotation_deg = s.channel.rotation_deg = {0, 0, 0};
  for (auto* r : {&s.receiver, &s.alice.receiver}) r->extinction_transmitted_db = r->extinction_reflected_db = 100;
  s.source.pairs.visibility = {0.94, 0.88, 0.9};
  const auto theory = expect_pairs(s, 4, kWindow);
  PairLink link(s, 10);
  link.light(4);
  const auto counts = test::count(link.run(Picoseconds::seconds(1)), kWindow);
  for (std::size_t basis = 0; basis < 2; ++basis) {
    const std::size_t i = 2 * basis;
    const double same = static_cast<double>(counts.both[i][i] + counts.both[i + 1][i + 1]);
    const double all = same + static_cast<double>(counts.both[i][i + 1] + counts.both[i + 1][i]);
    double accidental = 0;
    for (std::size_t a = i; a < i + 2; ++a)
      for (std::size_t b = i; b < i + 2; ++b) accidental += theory.accidental[a][b];
    const double visible = 1 - accidental / theory.sifted(basis);
    const double e = visible * (1 - s.source.pairs.visibility[basis]) / 2 + (1 - visible) / 2;
    EXPECT_NEAR(e, theory.qber(basis, PairState::psi_minus), 1e-9);
    EXPECT_LT(std::abs(test::sigmas(same, all, e)), 4.5) << same / all << ", theory " << e;
  }
}

// ---- angles ----

/// E(a, b) of Alice's basis a and Bob's basis b.
double correlation(const test::Counts& c, std::size_t a, std::size_t b) {
  const auto n = [&](std::size_t i, std::size_t j) { return static_cast<double>(c.both[2 * a + i][2 * b + j]); };
  const double same = n(0, 0) + n(1, 1), differ = n(0, 1) + n(1, 0);
  return (same - differ) / (same + differ);
}

Scenario clean(const char* name) {
  Scenario s = test::without_dead_time(scenario_of(name));
  s.alice.channel = s.channel = {};
  s.alice.channel.loss_db = s.channel.loss_db = 0;
  for (auto* r : {&s.receiver, &s.alice.receiver}) {
    r->extinction_transmitted_db = r->extinction_reflected_db = 100;
    for (DetectorModel& d : r->detectors) d.dark_hz = 0;
  }
  return s;
}

TEST(Singlet, CorrelatesByTheCosineOfTheAngleBetweenAnalysers) {
  for (double degrees : {-60.0, 0.0, 25.0, 45.0, 90.0, 170.0}) {
    Scenario s = clean("entangled");
    s.source.pairs.visibility = {1, 1, 1};
    s.channel.rotation_deg = {0, 0, degrees};  // of the sphere
    PairLink link(s, 11);
    link.light(0.2);
    const auto counts = test::count(link.run(Picoseconds::seconds(0.5)), {4'000});
    const double each = static_cast<double>(counts.total()) / 4, cosine = std::cos(degrees * std::numbers::pi / 180);
    EXPECT_NEAR(correlation(counts, 0, 0), -cosine, 4.5 / std::sqrt(each) + 1e-3) << degrees;
    EXPECT_NEAR(correlation(counts, 1, 1), -cosine, 4.5 / std::sqrt(each) + 1e-3) << degrees;
  }
}

TEST(Singlet, BreaksBellsInequalityAsQuantumMechanicsSays) {
  Scenario s = clean("entangled");
  s.source.pairs.visibility = {0.95, 0.95, 0.95};
  s.channel.rotation_deg = {0, 0, 45};
  PairLink link(s, 12);
  link.light(0.2);
  const auto counts = test::count(link.run(Picoseconds::seconds(1)), {4'000});
  const double chsh = std::abs(correlation(counts, 0, 0) + correlation(counts, 0, 1) - correlation(counts, 1, 0) +
                               correlation(counts, 1, 1));
  const double sigma = 2 / std::sqrt(static_cast<double>(counts.total()) / 4);
  EXPECT_GT(sigma, 0);
  EXPECT_NEAR(chsh, 2 * std::numbers::sqrt2 * 0.95, 4.5 * sigma + 2e-3);
  EXPECT_GT(chsh, 2.5);
}

TEST(Singlet, DoesNotMindWhenBothFibresTurnAlike) {
  Scenario s = clean("entangled");
  s.source.pairs.visibility = {1, 1, 1};
  s.alice.channel.rotation_deg = s.channel.rotation_deg = {70, -30, 110};
  PairLink link(s, 13);
  link.light(0.2);
  const auto counts = test::count(link.run(Picoseconds::seconds(0.3)), {4'000});
  EXPECT_NEAR(correlation(counts, 0, 0), -1, 2e-3);
  EXPECT_NEAR(correlation(counts, 1, 1), -1, 2e-3);
}

TEST(PhiPlus, AgreesInBothBases) {
  Scenario s = clean("entangled");
  s.source.pairs.state = PairState::phi_plus;
  s.source.pairs.visibility = {1, 1, 1};
  PairLink link(s, 14);
  link.light(0.2);
  const auto counts = test::count(link.run(Picoseconds::seconds(0.3)), {4'000});
  EXPECT_NEAR(correlation(counts, 0, 0), 1, 2e-3);
  EXPECT_NEAR(correlation(counts, 1, 1), 1, 2e-3);
}

// ---- what neither side can see ----

TEST(NoSignalling, LeavesBobsSinglesAloneWhateverAliceMeasures) {
  for (const char* name : {"entangled", "entangled-pulsed"})
    for (double splitter : {0.0, 0.3, 1.0}) {
      Scenario s = test::without_dead_time(scenario_of(name));
      s.source.pairs.visibility = {1, 1, 1};
      s.alice.receiver.splitter = splitter;
      s.alice.channel.rotation_deg = {100 * splitter, 20, 0};
      s.alice.channel.loss_db = 20 * splitter;
      const auto theory = expect_pairs(scenario_of(name), s.source.pairs.pump_mw, kWindow);
      PairLink link(s, 15);
      link.light(s.source.pairs.pump_mw);
      const auto counts = test::count(link.run(Picoseconds::seconds(0.3)), kWindow);
      const auto own = expect_pairs(s, s.source.pairs.pump_mw, kWindow);
      for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_NEAR(own.singles_bob[i], theory.singles_bob[i], 0.01 * theory.singles_bob[i]);
        test::expect_count(counts.bob[i], own.singles_bob[i] * 0.3, "Bob's singles");
      }
    }
}

TEST(NoSignalling, LeavesAlicesSinglesAloneWhateverBobDoes) {
  Scenario s = test::without_dead_time(scenario_of("entangled"));
  const auto theory = expect_pairs(s, 4, kWindow);
  s.channel.loss_db = 60;
  PairLink link(s, 16);
  link.light(4);
  const auto counts = test::count(link.run(Picoseconds::seconds(0.3)), kWindow);
  for (std::size_t i = 0; i < 4; ++i)
    test::expect_count(counts.alice[i], theory.singles_alice[i] * 0.3, "Alice's singles");
}

}  // namespace
}  // namespace nicol::sim
