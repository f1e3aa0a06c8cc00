// SPDX-License-Identifier: Apache-2.0
#include "controller/calibration/coincidences.hpp"

#include <bit>
#include <cmath>
#include <limits>

#include "controller/calibration/statistics.hpp"

namespace nicol::calibration {
namespace {

using Rates = std::array<double, 4>;

constexpr int kRounds = 4;  // each leaves of the error a part as large as the clicks a slot

double real(std::uint64_t n) { return static_cast<double>(n); }

/// Sum over pairs of different detectors.
double pairs(const Rates& x) {
  double sum = 0;
  for (std::size_t a = 0; a < 4; ++a)
    for (std::size_t b = 0; b < a; ++b) sum += x[a] * x[b];
  return sum;
}

double total(const Rates& x) { return x[0] + x[1] + x[2] + x[3]; }

Rates rates(const CoincidenceCounts& c) {
  Rates out{};
  for (std::size_t d = 0; d < 4; ++d) out[d] = real(c.singles[d]);
  return out;
}

/// Pairs of detectors that clicked together; of a slot in which all four did there are six.
constexpr std::array<double, 5> kPairsOf{0, 0, 1, 3, 6};

double pair_count(const CoincidenceCounts& c) {
  double sum = 0;
  for (std::size_t m = 2; m < 5; ++m) sum += kPairsOf[m] * real(c.multiple[m]);
  return sum;
}

double pair_variance(const CoincidenceCounts& c) {
  double sum = 0;
  for (std::size_t m = 2; m < 5; ++m) sum += kPairsOf[m] * kPairsOf[m] * real(c.multiple[m]);
  return sum;
}

Limited unknown() { return {0, 0, std::numeric_limits<double>::infinity()}; }

std::uint64_t together(const CoincidenceCounts& c) { return c.multiple[2] + c.multiple[3] + c.multiple[4]; }

/// How often two detected photons are in two detectors: 2 sum f_a f_b, f the detectors' shares of the light.
double apart(const Rates& light, double all) { return all > 0 ? 2 * pairs(light) / (all * all) : 0; }

/// With what two photons in one detector hide of it: as many as (share^2 : apart) of those in two.
Rates light_of(const CoincidenceCounts& c, double together) {
  Rates light = rates(c);
  for (int i = 0; i < kRounds; ++i) {
    const Rates before = light;
    const double all = total(before), share = apart(before, all);
    for (std::size_t d = 0; share > 0 && d < 4; ++d)
      light[d] = real(c.singles[d]) + together * (before[d] / all) * (before[d] / all) / share;
  }
  return light;
}

double apart(const CoincidenceCounts& c) {
  const Rates light = light_of(c, real(together(c)));
  return apart(light, total(light));
}

std::uint64_t clicks(const CoincidenceCounts& c) { return c.singles[0] + c.singles[1] + c.singles[2] + c.singles[3]; }

Rates least_of(const CoincidenceCounts& c, double risk) {
  Rates least{};
  for (std::size_t d = 0; d < 4; ++d) least[d] = poisson_lower(c.singles[d], risk / 4);
  return least;
}

/// Above the truth with probability at most `risk`.
double apart_at_least(const CoincidenceCounts& c, double risk) {
  const double hidden = poisson_upper(together(c), risk / 3) / apart(rates(c), total(rates(c)));
  return apart(least_of(c, risk / 3), poisson_upper(clicks(c), risk / 3) + hidden);
}

}  // namespace

void CoincidenceCounts::add(std::uint8_t seen) {
  for (std::size_t d = 0; d < 4; ++d) singles[d] += unsigned{seen} >> d & 1U;
  ++multiple[static_cast<std::size_t>(std::popcount(static_cast<unsigned>(seen & 0xFU)))];
}

CoincidenceCounts& CoincidenceCounts::operator+=(const CoincidenceCounts& other) {
  slots += other.slots;
  for (std::size_t d = 0; d < 4; ++d) singles[d] += other.singles[d];
  for (std::size_t m = 0; m < 5; ++m) multiple[m] += other.multiple[m];
  return *this;
}

Limited g2_of(std::span<const CoincidenceCounts> states, double risk) {
  double found = 0, variance = 0, chance = 0, least = 0;
  std::uint64_t several = 0, many = 0;
  for (const CoincidenceCounts& c : states) {
    if (c.slots == 0) continue;
    found += pair_count(c), variance += pair_variance(c);
    several += together(c), many += c.multiple[3] + c.multiple[4];
    chance += pairs(rates(c)) / real(c.slots);
    least += pairs(least_of(c, risk / 2 / static_cast<double>(states.size()))) / real(c.slots);
  }
  if (!(chance > 0)) return unknown();
  // A slot with two has one pair, one with more has at most five more.
  const double most = poisson_upper(several, risk / 4) + 5 * poisson_upper(many, risk / 4);
  return {found / chance, std::sqrt(std::max(variance, 1.0)) / chance, least > 0 ? most / least : unknown().upper};
}

Limited multi_photon_probability(std::span<const CoincidenceCounts> states, Transmission transmission, double risk) {
  double found = 0, variance = 0, slots = 0, least = 1;
  std::uint64_t several = 0;
  for (const CoincidenceCounts& c : states) {
    const double share = apart(c), n = real(together(c));
    if (!(share > 0)) return unknown();
    found += n / share, variance += n / share / share;
    slots += real(c.slots), several += together(c);
    least = std::min(least, apart_at_least(c, risk / 2 / static_cast<double>(states.size())));
  }
  const double scale = 1 / (slots * transmission.at_least * transmission.at_least);
  if (!std::isfinite(scale)) return unknown();
  const double upper = least > 0 ? poisson_upper(several, risk / 2) / least * scale : 1;
  return {found * scale, std::sqrt(std::max(variance, 1.0)) * scale, std::min(upper, 1.0)};
}

Limited mean_photon_number(const CoincidenceCounts& counts, Transmission transmission, double risk) {
  const double scale = 1 / (real(counts.slots) * transmission.at_least), share = apart(counts);
  if (!(share > 0) || !std::isfinite(scale)) return unknown();
  // Two photons in one detector are one click; where they are apart they show.
  const double n = real(clicks(counts)), hidden = (1 - share) / share, least = apart_at_least(counts, risk / 3);
  if (!(least > 0)) return unknown();
  const double most =
      poisson_upper(clicks(counts), risk / 3) + (1 - least) / least * poisson_upper(together(counts), risk / 3);
  return {(n + hidden * real(together(counts))) * scale, std::sqrt(n) * scale, most * scale};
}

}  // namespace nicol::calibration
