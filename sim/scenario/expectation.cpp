// SPDX-License-Identifier: Apache-2.0
// The link in closed form: photon numbers through generating functions, every click pattern of the detectors, then the
// multi-click rule of detection. Static rotation only; drift, jumps and fading average out or are for the simulator.
#include <array>
#include <cmath>

#include "sim/optics/analyser.hpp"
#include "sim/optics/arrival.hpp"
#include "sim/optics/photon_number.hpp"
#include "sim/optics/states.hpp"
#include "sim/scenario/pair_expectation.hpp"
#include "sim/scenario/scenario.hpp"

namespace nicol::sim {
namespace {

constexpr double kPicosPerNano = 1e3, kPicosPerSecond = 1e12;

/// What an assigned click says.
struct Answer {
  std::array<std::array<double, 2>, 2> probability{};  // [basis][bit]
};

/// The compensator as it is set.
SphereRotation compensation(const Scenario::Compensator& c) {
  SphereRotation total = SphereRotation::Identity();
  if (c.type == CompensatorType::none) return total;
  for (std::size_t i = 0; i < c.setting_deg.size(); ++i)
    total = plate_rotation(c.retardance_waves[i], Angle::degrees(c.setting_deg[i])) * total;
  return total;
}

/// Probability that a photon of this state, once it has left Alice, clicks inside the gate of each detector.
std::vector<double> photon_clicks(const Scenario& s, std::size_t state, std::size_t active_basis) {
  const Scenario::Receiver& r = s.receiver;
  const Eigen::Vector3d axis_angle = Eigen::Vector3d(s.channel.rotation_deg.data()) * (std::numbers::pi / 180);
  const Eigen::Vector3d light = compensation(s.compensator) * sphere_rotation(axis_angle) *
                                prepared(state, Angle::degrees(s.source.misalignment_deg[state]));
  const auto splitter = make_splitter(Decibels{r.extinction_transmitted_db}, Decibels{r.extinction_reflected_db});
  const double passed = transmittance(Decibels{s.channel.loss_db + r.loss_db});
  std::vector<double> clicks(r.detectors.size(), 0.0);
  const bool passive = r.kind == hal::ReceiverKind::passive;
  for (std::size_t basis = 0; basis < 2; ++basis) {
    const double share = passive ? (basis == 1 ? r.splitter : 1 - r.splitter) : (basis == active_basis ? 1.0 : 0.0);
    const double transmitted = splitter.transmitted(light[static_cast<int>(basis)]);
    const std::size_t first = passive ? 2 * basis : 0;
    clicks[first] += passed * share * (1 - transmitted);
    clicks[first + 1] += passed * share * transmitted;
  }
  for (std::size_t i = 0; i < clicks.size(); ++i) {
    const DetectorModel& d = r.detectors[i];
    const double sigma = std::hypot(s.source.width_ps[state], d.jitter_ps);
    const double half = s.timing.gate_ns * kPicosPerNano / 2, delay = s.source.delay_ps[state];
    clicks[i] *= d.efficiency *
                 arrival_probability({sigma, d.jitter_tail_ps, d.jitter_tail_fraction}, -half - delay, half - delay);
  }
  return clicks;
}

/// P(no dark count and no background photon in the gate of one detector).
double quiet(const Scenario& s, std::size_t detector) {
  const double share = background_share(s.receiver.kind, s.receiver.splitter, detector);
  const double rate = s.receiver.detectors[detector].dark_hz + s.channel.background_hz * share *
                                                                   transmittance(Decibels{s.receiver.loss_db}) *
                                                                   s.receiver.detectors[detector].efficiency;
  return std::exp(-rate * s.timing.gate_ns * kPicosPerNano / kPicosPerSecond);
}

/// P(exactly the detectors of `pattern` click), from P(none of a set clicks) by inclusion and exclusion.
double pattern_probability(unsigned pattern, unsigned all, const std::vector<double>& silent) {
  double sum = 0;
  const unsigned others = all & ~pattern;
  for (unsigned sub = pattern;; sub = (sub - 1) & pattern) {
    sum += (__builtin_popcount(sub) % 2 ? -1 : 1) * silent[others | sub];
    if (sub == 0) return sum;
  }
}

/// Several detectors of one basis: a random bit; of both bases: a random basis and bit (DESIGN 6, point 2).
void assign(Answer& answer, unsigned pattern, double probability, bool passive, std::size_t active_basis) {
  const std::array<unsigned, 2> of_basis = {passive || active_basis == 0 ? pattern & 3U : 0U, passive ? pattern >> 2
                                                                                              : active_basis == 1
                                                                                                  ? pattern & 3U
                                                                                                  : 0U};
  const bool both = of_basis[0] && of_basis[1];
  for (std::size_t basis = 0; basis < 2; ++basis) {
    if (!both && !of_basis[basis]) continue;
    const bool certain = !both && of_basis[basis] != 3U;
    for (std::size_t bit = 0; bit < 2; ++bit)
      answer.probability[basis][bit] += probability * (both      ? 0.25
                                                       : certain ? (of_basis[basis] == 1U + bit ? 1.0 : 0.0)
                                                                 : 0.5);
  }
}

/// `photons`: of what leaves Alice in a kept slot, given that anything can; `pair`: probability of that.
Answer answers(const Scenario& s, std::size_t state, double pair, std::size_t active_basis) {
  const auto photons = PhotonNumber::make(s.source.mean_photon_number[state], s.source.g2[state]);
  const std::vector<double> click = photon_clicks(s, state, active_basis);
  const unsigned all = (1U << click.size()) - 1;
  std::vector<double> silent(all + 1);
  for (unsigned set = 0; set <= all; ++set) {
    double some = 0, dark = 1;
    for (std::size_t i = 0; i < click.size(); ++i)
      if (set >> i & 1U) {
        some += click[i];
        dark *= quiet(s, i);
      }
    silent[set] = dark * (1 - pair + pair * photons->generating(1 - some));
  }
  Answer answer;
  for (unsigned pattern = 1; pattern <= all; ++pattern)
    assign(answer, pattern, pattern_probability(pattern, all, silent), s.receiver.kind == hal::ReceiverKind::passive,
           active_basis);
  return answer;
}

/// Heralds per pump pulse, and the share of kept slots with a pair in them.
struct Heralding {
  double kept = 1, pair = 1;
};
Heralding heralding(const Scenario& s) {
  if (s.source.type == SourceType::pulsed) return {};
  const double true_herald = s.source.pair_probability * s.source.herald_efficiency;
  const double dark = -std::expm1(-s.source.herald_dark_hz * s.timing.gate_ns * 1e-9);
  const double gated =
      true_herald * arrival_probability({std::hypot(kHeraldJitterPs, 0.0), 0, 0}, -s.timing.gate_ns * kPicosPerNano / 2,
                                        s.timing.gate_ns * kPicosPerNano / 2);
  const double kept = gated + dark - gated * dark;
  const double with_pair = gated + (s.source.pair_probability - gated) * dark;
  return {kept, kept > 0 ? with_pair / kept : 0};
}

}  // namespace

namespace {

/// Coincidences take the place of clicks. A window as wide as the gate; a tracker that fits it to the jitter has fewer
/// accidentals.
LinkExpectation expect_link_of_pairs(const Scenario& s) {
  const Picoseconds window{static_cast<std::int64_t>(s.timing.gate_ns * kPicosPerNano)};
  const PairExpectation e = expect_pairs(s, s.source.pairs.pump_mw, window);
  LinkExpectation result;
  result.kept_per_slot = 1;
  result.clicks_per_slot = e.coincidences() / s.source.rate_hz;
  for (std::size_t basis = 0; basis < 2; ++basis) {
    result.sifted_per_slot[basis] = e.sifted(basis) / s.source.rate_hz;
    result.qber[basis] = e.qber(basis, s.source.pairs.state);
  }
  return result;
}

}  // namespace

LinkExpectation expect(const Scenario& s) {
  if (makes_pairs(s.source.type)) return expect_link_of_pairs(s);
  LinkExpectation result;
  const Heralding herald = heralding(s);
  result.kept_per_slot = herald.kept;
  std::array<double, 2> wrong{};
  for (std::size_t state = 0; state < 4; ++state) {
    const std::size_t basis = state / 2, bit = state % 2;
    const double weight = (basis == 1 ? s.source.p_diagonal : 1 - s.source.p_diagonal) / 2;
    const bool passive = s.receiver.kind == hal::ReceiverKind::passive;
    for (std::size_t bob = 0; bob < (passive ? 1U : 2U); ++bob) {
      const double choice = passive ? 1 : bob == 1 ? s.receiver.p_diagonal : 1 - s.receiver.p_diagonal;
      const Answer answer = answers(s, state, herald.pair, bob);
      for (const auto& of_basis : answer.probability)
        result.clicks_per_slot += weight * choice * (of_basis[0] + of_basis[1]);
      result.sifted_per_slot[basis] += weight * choice * (answer.probability[basis][0] + answer.probability[basis][1]);
      wrong[basis] += weight * choice * answer.probability[basis][1 - bit];
    }
  }
  for (std::size_t basis = 0; basis < 2; ++basis)
    result.qber[basis] = result.sifted_per_slot[basis] > 0 ? wrong[basis] / result.sifted_per_slot[basis] : 0;
  return result;
}

}  // namespace nicol::sim
