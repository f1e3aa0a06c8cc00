// SPDX-License-Identifier: Apache-2.0
#include "sim/scenario/pair_expectation.hpp"

#include <Eigen/LU>
#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

#include "sim/optics/analyser.hpp"
#include "sim/optics/arrival.hpp"
#include "sim/optics/pair_state.hpp"
#include "sim/optics/polarisation.hpp"

namespace nicol::sim {
namespace {

/// What a detector answers to a photon at the crystal: P(click) = chance + along . s.
struct Answer {
  double chance = 0;
  Eigen::Vector3d along = Eigen::Vector3d::Zero();
};

std::array<Answer, 4> answers(const Scenario::Channel& fibre, const Scenario::Receiver& r) {
  const Eigen::Vector3d angles = Eigen::Vector3d(fibre.rotation_deg.data()) * (std::numbers::pi / 180);
  const SphereRotation back = sphere_rotation(angles).transpose();
  const auto splitter = make_splitter(Decibels{r.extinction_transmitted_db}, Decibels{r.extinction_reflected_db});
  const double passed = transmittance(Decibels{fibre.loss_db + r.loss_db});
  std::array<Answer, 4> all;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const bool diagonal = i >= 2, transmitted = i % 2 == 1;
    const double seen = passed * (diagonal ? r.splitter : 1 - r.splitter) * r.detectors[i].efficiency;
    const Eigen::Vector3d axis = back * (diagonal ? Eigen::Vector3d::UnitY() : Eigen::Vector3d::UnitX());
    all[i] = {seen * (transmitted ? splitter.constant : 1 - splitter.constant),
              axis * (seen * (transmitted ? splitter.slope : -splitter.slope))};
  }
  return all;
}

struct Mixture {
  std::array<double, 4> share;
  std::array<SphereRotation, 4> turn;
};
Mixture mixture(const Scenario::Source::Pairs& p) {
  Mixture m{bell_shares(p.visibility), {}};
  const SphereRotation state = half_turn(p.state == PairState::phi_plus ? 3 : 0);
  for (std::size_t k = 0; k < 4; ++k) m.turn[k] = half_turn(k) * state;
  return m;
}

/// P(both detectors click | one pair): the singlet's correlation is -a . b, with Bob's axis turned back.
double both_of_one_pair(const Answer& a, const Answer& b, const Mixture& m) {
  double sum = a.chance * b.chance;
  for (std::size_t k = 0; k < 4; ++k) sum -= m.share[k] * a.along.dot(m.turn[k].transpose() * b.along);
  return sum;
}

/// P(-window/2 < late_b - late_a < window/2) for two detectors: the difference of two exponential delays is one of
/// them, to its side, as often as it is the longer.
double inside(const DetectorModel& a, const DetectorModel& b, double pulse_ps, double window) {
  const double sigma = std::hypot(a.jitter_ps, b.jitter_ps, std::numbers::sqrt2 * pulse_ps), half = window / 2;
  const auto tail = [&](double mean) { return arrival_probability({sigma, mean, mean > 0 ? 1.0 : 0.0}, -half, half); };
  const double at = a.jitter_tail_ps > 0 ? a.jitter_tail_fraction : 0;
  const double bt = b.jitter_tail_ps > 0 ? b.jitter_tail_fraction : 0;
  const double longer = at * bt > 0 ? a.jitter_tail_ps / (a.jitter_tail_ps + b.jitter_tail_ps) : 0;
  return (1 - at) * (1 - bt) * tail(0) + at * (1 - bt) * tail(a.jitter_tail_ps) +
         bt * (1 - at) * tail(b.jitter_tail_ps) +
         at * bt * (longer * tail(a.jitter_tail_ps) + (1 - longer) * tail(b.jitter_tail_ps));
}

/// The share of time in which a detector is alive.
double alive(double hz, const DetectorModel& d) { return 1 / (1 + hz * d.dead_time_ns * 1e-9); }

void continuous(PairExpectation& e, const Scenario& s, double pairs, double window) {
  const auto a = answers(s.alice.channel, s.alice.receiver), b = answers(s.channel, s.receiver);
  const auto& da = s.alice.receiver.detectors;
  const auto& db = s.receiver.detectors;
  std::array<double, 4> alive_a{}, alive_b{};
  for (std::size_t i = 0; i < 4; ++i) {
    const double seen_a = pairs * a[i].chance + da[i].dark_hz, seen_b = pairs * b[i].chance + db[i].dark_hz;
    alive_a[i] = alive(seen_a, da[i]);
    alive_b[i] = alive(seen_b, db[i]);
    e.singles_alice[i] = seen_a * alive_a[i];
    e.singles_bob[i] = seen_b * alive_b[i];
  }
  const Mixture m = mixture(s.source.pairs);
  for (std::size_t i = 0; i < 4; ++i)
    for (std::size_t j = 0; j < 4; ++j) {
      e.genuine[i][j] =
          pairs * both_of_one_pair(a[i], b[j], m) * alive_a[i] * alive_b[j] * inside(da[i], db[j], 0, window);
      e.accidental[i][j] = e.singles_alice[i] * e.singles_bob[j] * window * 1e-12;
    }
}

// ---- pulsed ----

using Operator = Eigen::Matrix2cd;
Operator operator_of(double chance, const Eigen::Vector3d& v) {
  Operator m;
  const std::complex<double> i(0, 1);
  m << chance + v[0], v[1] - i * v[2], v[1] + i * v[2], chance - v[0];
  return m;
}

/// P(no photon of the pulse is seen by `a` nor by `b`). The n-pair state of a type-II crystal is the singlet of two
/// symmetric halves, so that <:exp(-A-B):> = 1/det(1 + lambda (1 - G_A G_B~)), G = 1 - the detectors' operator, ~ the
/// spin flip. Poisson: exp(-2 lambda tr(1 - G_A G_B~)/2).
double silent(const Scenario::Source::Pairs& p, double lambda, const Answer& a, const Answer& b, const Mixture& m) {
  double sum = 0;
  for (std::size_t k = 0; k < 4; ++k) {
    const Operator miss = Operator::Identity() - operator_of(1 - a.chance, -a.along) *
                                                     operator_of(1 - b.chance, m.turn[k].transpose() * b.along);
    sum +=
        m.share[k] *
        (p.statistics == PairStatistics::thermal ? 1 / (Operator::Identity() + lambda * miss).determinant().real() : 0);
  }
  // Many modes: each pair is of its own Bell state.
  if (p.statistics == PairStatistics::poisson) {
    const double seen = a.chance + b.chance - both_of_one_pair(a, b, m);
    return std::exp(-2 * lambda * seen);
  }
  return sum;
}

void pulsed(PairExpectation& e, const Scenario& s, double pairs, double window) {
  const auto a = answers(s.alice.channel, s.alice.receiver), b = answers(s.channel, s.receiver);
  const auto& da = s.alice.receiver.detectors;
  const auto& db = s.receiver.detectors;
  const Scenario::Source::Pairs& p = s.source.pairs;
  const double lambda = pairs / p.pump_hz / 2;
  const Mixture m = mixture(p);
  std::array<double, 4> lit_a{}, lit_b{};
  for (std::size_t i = 0; i < 4; ++i) {
    lit_a[i] = p.pump_hz * (1 - silent(p, lambda, a[i], {}, m));
    lit_b[i] = p.pump_hz * (1 - silent(p, lambda, {}, b[i], m));
    e.singles_alice[i] = lit_a[i] + da[i].dark_hz;
    e.singles_bob[i] = lit_b[i] + db[i].dark_hz;
  }
  // Windows shorter than the pump's period: light of neighbouring pulses stays outside.
  for (std::size_t i = 0; i < 4; ++i)
    for (std::size_t j = 0; j < 4; ++j) {
      const double both =
          1 - silent(p, lambda, a[i], {}, m) - silent(p, lambda, {}, b[j], m) + silent(p, lambda, a[i], b[j], m);
      e.genuine[i][j] = p.pump_hz * both * inside(da[i], db[j], p.pulse_ps, window);
      e.accidental[i][j] =
          (lit_a[i] * db[j].dark_hz + da[i].dark_hz * lit_b[j] + da[i].dark_hz * db[j].dark_hz) * window * 1e-12;
    }
}

}  // namespace

double PairExpectation::sifted(std::size_t basis) const {
  const std::size_t i = 2 * basis;
  return rate(i, i) + rate(i, i + 1) + rate(i + 1, i) + rate(i + 1, i + 1);
}

double PairExpectation::coincidences() const {
  double sum = 0;
  for (std::size_t i = 0; i < 4; ++i)
    for (std::size_t j = 0; j < 4; ++j) sum += rate(i, j);
  return sum;
}

double PairExpectation::qber(std::size_t basis, PairState state) const {
  const std::size_t i = 2 * basis;
  const double same = rate(i, i) + rate(i + 1, i + 1), all = sifted(basis);
  if (all <= 0) return 0;
  return (state == PairState::psi_minus ? same : all - same) / all;
}

PairExpectation expect_pairs(const Scenario& s, double pump_mw, Picoseconds window) {
  PairExpectation e;
  const double pairs = s.source.pairs.pairs_per_mw_s * pump_mw;
  const auto width = static_cast<double>(window.count);
  if (s.source.type == SourceType::entangled_pulsed)
    pulsed(e, s, pairs, width);
  else
    continuous(e, s, pairs, width);
  return e;
}

}  // namespace nicol::sim
