// SPDX-License-Identifier: Apache-2.0
#include "sim/devices/pair_tables.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "sim/optics/photon_number.hpp"

namespace nicol::sim {
namespace {

std::size_t binomial(std::size_t trials, double p, CounterStream& stream) {
  std::size_t n = 0;
  for (std::size_t i = 0; i < trials; ++i)
    if (stream.uniform() < p) ++n;
  return n;
}

/// At least one: where the first success is, then the rest as it comes.
std::size_t binomial_not_zero(std::size_t trials, double p, CounterStream& stream) {
  double u = stream.uniform() * -std::expm1(static_cast<double>(trials) * std::log1p(-p));
  for (std::size_t first = 0; first + 1 < trials; ++first) {
    if (u < p) return 1 + binomial(trials - first - 1, p, stream);
    u = (u - p) / (1 - p);
  }
  return 1;
}

}  // namespace

PairTables::PairTables(double mean_pairs, double g2, const ArmLosses& arrive) : arrive_(arrive) {
  const auto pairs = PhotonNumber::make(mean_pairs, g2);
  const double something = pairs.ok() ? 1 - pairs->generating(arrive.neither()) : 0;
  mean_gap_ = something > 0 ? -1 / std::log1p(-something) : std::numeric_limits<double>::infinity();
  if (!(something > 0)) return;
  double sum = 0;
  for (unsigned n = 1; n <= kJointPhotons; ++n) {
    sum += pairs->probability(n) * -std::expm1(n * std::log(arrive.neither())) / something;
    at_most_.push_back(sum);
  }
  at_most_.back() = 1;
}

std::size_t PairTables::draw_pairs(CounterStream& stream) const {
  const double u = stream.uniform();
  std::size_t n = 0;
  while (u >= at_most_[n] && n + 1 < at_most_.size()) ++n;
  return n + 1;
}

Survivors PairTables::draw_survivors(std::size_t pairs, CounterStream& stream) const {
  const double n = static_cast<double>(pairs);
  const double at_alice = -std::expm1(n * std::log1p(-arrive_.alice));
  const double any = -std::expm1(n * std::log(arrive_.neither()));
  if (stream.uniform() * any >= at_alice) return {0, binomial_not_zero(pairs, arrive_.bob, stream)};
  const std::size_t alice = binomial_not_zero(pairs, arrive_.alice, stream);
  return {alice, binomial(pairs, arrive_.bob, stream)};
}

}  // namespace nicol::sim
