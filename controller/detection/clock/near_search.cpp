// SPDX-License-Identifier: Apache-2.0
// Phase by the newest clicks that agree on one, slot by Hoeffding's bound over the few that drift and walk allow.
#include "controller/detection/clock/near_search.hpp"

#include <algorithm>
#include <cmath>

namespace nicol::detection {
namespace {

constexpr double kLightEvidence = 30;  // Rayleigh: 1e-13, and any of 16384 clicks may be the first of the light
constexpr double kReachSigmas = 5, kLongestReach = 256;  // slots

struct Light {
  std::size_t from = 0;
  ArrivalPhase phase;
};

/// Light goes to the last of the clicks: it begins where those from there on agree most.
std::optional<Light> newest_light(std::span<const std::int64_t> times, const TrackedLine& line) {
  Light best;
  ArrivalPhase sum;
  for (std::size_t i = times.size(); i-- > 0;) {
    const double slots = line.slots_to(times[i]);
    sum.add(slots - std::nearbyint(slots));
    if (sum.evidence() > best.phase.evidence()) best = {i, sum};
  }
  return best.phase.evidence() < kLightEvidence ? std::nullopt : std::optional(best);
}

/// The clicks in their gates, by slots since line.slot(), in the pattern's basis; `mean` of all that are light or pass
/// for it.
struct Local {
  std::size_t size = 0;
  double mean = 0;
};
Local gather(const NearClicks& clicks, const TrackedLine& line, const Light& light, NearRows rows) {
  const double turns = light.phase.mean_turns(), half = static_cast<double>(clicks.gate) / 2 / line.period();
  Local local;
  std::size_t in_gate = 0;
  for (std::size_t i = light.from; i < clicks.times.size(); ++i) {
    const double slots = line.slots_to(clicks.times[i]) - turns, nearest = std::nearbyint(slots);
    if (std::abs(slots - nearest) > half) continue;
    local.mean += nearest;
    ++in_gate;
    const std::int8_t value = clicks.value_of[clicks.who[i]];
    if (value == 0) continue;
    rows.local[local.size] = static_cast<std::int64_t>(nearest);
    rows.values[local.size++] = value;
  }
  local.mean /= static_cast<double>(std::max<std::size_t>(in_gate, 1));
  return local;
}

/// The bit of a slot of the comb or the tail: they never repeat, so no two slots share a coin. In a preamble, where
/// they do, the slot after one of the comb is public too.
std::optional<bool> bit_sent_once(const PublicPattern& pattern, std::int64_t slot) {
  const PatternLayout& p = pattern.layout();
  const auto k = static_cast<std::uint64_t>(slot);
  if (slot < 0 || k >= p.slots) return {};
  if (k + p.tail < p.slots && (k % p.spacing != 0 || pattern.is_public(k + 1))) return {};
  return pattern.bit(k);
}

/// (sum of agreeing less disagreeing)^2 over the sum of squares: clicks of one slot share a coin.
double z2(const PublicPattern& pattern, std::int64_t first, NearRows rows, std::size_t size) {
  double sum = 0, squares = 0, at_slot = 0;
  std::int64_t last = -1;
  for (std::size_t i = 0; i < size; ++i) {
    const std::int64_t slot = first + rows.local[i];
    const auto bit = bit_sent_once(pattern, slot);
    if (!bit) continue;
    const double agreed = *bit == (rows.values[i] > 0) ? 1 : -1;
    at_slot = slot == last ? at_slot : 0;
    last = slot;
    sum += agreed;
    squares += 1 + 2 * at_slot * agreed;
    at_slot += agreed;
  }
  return sum > 0 ? sum * sum / squares : 0;
}

}  // namespace

std::optional<NearLock> find_near(const PublicPattern& pattern, const TrackedLine& coasting, const NearClicks& clicks,
                                  NearRows rows) {
  if (clicks.times.empty()) return {};
  const auto light = newest_light(clicks.times, coasting);
  if (!light) return {};
  const Local local = gather(clicks, coasting, *light, rows);
  const double period = coasting.period() * coasting.unit(), turns = light->phase.mean_turns();
  const double sigma = std::sqrt(light->phase.mean_variance_turns()) * period;
  TrackedLine line = coasting;
  line.advance(coasting.slot() + std::llround(local.mean));
  const double reach = kReachSigmas * line.filter().expected(sigma) / period;
  if (reach > kLongestReach || local.mean < kLongestReach) return {};
  // The light is late by turns + whole slots: its number is that much lower than the coasting line says.
  const auto least = static_cast<std::int64_t>(std::ceil(-reach - turns));
  const auto most = static_cast<std::int64_t>(std::floor(reach - turns));
  if (most < least) return {};
  double best = 0;
  std::int64_t late = 0;
  for (std::int64_t whole = least; whole <= most; ++whole) {
    const double found = z2(pattern, coasting.slot() - whole, rows, local.size);
    if (found > best) best = found, late = whole;
  }
  const double log_false = std::log(static_cast<double>(most - least + 1)) - best / 2;
  if (log_false > std::log(kFalseNearLock)) return {};
  line = coasting;
  line.advance(coasting.slot() + std::llround(local.mean) - late);
  line.correct((turns + static_cast<double>(late)) * period, sigma);
  return NearLock{line, light->phase, log_false};
}

}  // namespace nicol::detection
