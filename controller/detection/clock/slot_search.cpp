// SPDX-License-Identifier: Apache-2.0
// Significance: if clicks know nothing of a code, its signs are fair coins to them, whatever the clicks are: dark,
// bunched, or of a detector that fires more than the other. With S_j the sum of the clicks folded on place j, Hoeffding
// bounds P(sum c_j S_j >= x) by exp(-x^2 / (2 sum S_j^2)) for each rotation; the rotations are counted.
#include "controller/detection/clock/slot_search.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "controller/detection/stretch.hpp"

namespace nicol::detection {
namespace {

std::int64_t modulo(std::int64_t a, std::int64_t m) noexcept {
  const std::int64_t r = a % m;
  return r < 0 ? r + m : r;
}

/// Slots k = phase (mod step) carry place k / step of a code.
struct Lane {
  std::int64_t step = 1, phase = 0, period = 1;
  std::span<const std::int16_t> code;  // twice the period
};
struct Peak {
  std::int64_t rotation = 0;
  double sum = 0, squares = 0;
  std::size_t used = 0;
  double z2() const noexcept { return sum > 0 && squares > 0 ? sum * sum / squares : 0; }
};

void add_rotations(std::int16_t* row, const std::int16_t* code, std::int64_t period, std::int16_t value) noexcept {
  for (std::int64_t s = 0; s < period; ++s) row[s] = static_cast<std::int16_t>(row[s] + value * code[s]);
}

/// The best rotation for the hypothesis that slot = local + residue (mod step).
Peak correlate(const Lane& lane, const LocalClicks& clicks, std::int64_t residue, SearchRows rows) noexcept {
  const auto period = static_cast<std::size_t>(lane.period);
  std::fill_n(rows.correlation.begin(), period, std::int16_t{0});
  std::fill_n(rows.second.begin(), period, std::int16_t{0});
  Peak peak;
  for (std::size_t i = 0; i < clicks.local.size(); ++i) {
    const std::int64_t slot = clicks.local[i] + residue - lane.phase, place = slot / lane.step;
    if (place * lane.step != slot) continue;
    const std::int64_t at = modulo(place, lane.period);
    std::int16_t& folded = rows.second[static_cast<std::size_t>(at)];
    folded = static_cast<std::int16_t>(folded + clicks.values[i]);
    add_rotations(rows.correlation.data(), lane.code.data() + at, lane.period, clicks.values[i]);
    ++peak.used;
  }
  const auto best = std::max_element(rows.correlation.begin(), rows.correlation.begin() + lane.period);
  peak.rotation = best - rows.correlation.begin();
  peak.sum = *best;
  for (std::size_t j = 0; j < period; ++j) peak.squares += static_cast<double>(rows.second[j]) * rows.second[j];
  return peak;
}

/// The best of kCombReach places from `from` on, for slot = local + residue (mod spacing). Nothing where even agreement
/// of all clicks would not reach `wanted`.
Peak correlate_comb(const PublicPattern& pattern, const LocalClicks& clicks, std::int64_t residue, std::int64_t from,
                    double wanted, SearchRows rows) noexcept {
  const std::int64_t spacing = pattern.layout().spacing;
  const auto on_comb = [&](std::int64_t local) { return modulo(local + residue, spacing) == 0; };
  Peak peak;
  peak.used = static_cast<std::size_t>(std::count_if(clicks.local.begin(), clicks.local.end(), on_comb));
  if (static_cast<double>(peak.used) < wanted / 2) return {};
  std::fill(rows.correlation.begin(), rows.correlation.end(), std::int16_t{0});
  std::int64_t last_place = 0, at_place = 0;
  for (std::size_t i = 0; i < clicks.local.size(); ++i) {
    if (!on_comb(clicks.local[i])) continue;
    const std::int64_t place = (clicks.local[i] + residue) / spacing;
    // Clicks of one slot share a coin: (sum)^2 grows by 1 + 2 * (those before) * this.
    at_place = place == last_place ? at_place : 0;
    peak.squares += static_cast<double>(1 + 2 * at_place * clicks.values[i]);
    at_place += clicks.values[i];
    last_place = place;
    pattern.comb_code(place + from, rows.second);
    add_rotations(rows.correlation.data(), rows.second.data(), kCombReach, clicks.values[i]);
  }
  const auto best = std::max_element(rows.correlation.begin(), rows.correlation.end());
  peak.rotation = best - rows.correlation.begin();
  peak.sum = *best;
  return peak;
}

/// The one number below the product of the periods with these remainders (they are pairwise coprime).
std::int64_t from_remainders(const std::array<std::int64_t, 3>& remainders) noexcept {
  constexpr auto& p = PublicPattern::kPeriods;
  std::int64_t value = remainders[0], step = p[0];
  for (std::size_t i = 1; i < 3; ++i) {
    while (value % p[i] != remainders[i]) value += step;
    step *= p[i];
  }
  return value;
}

}  // namespace

std::optional<SlotLock> find_in_preamble(const PublicPattern& pattern, const LocalClicks& clicks, SearchRows rows) {
  if (clicks.local.empty()) return {};
  constexpr auto& periods = PublicPattern::kPeriods;
  // Three codes, each with its rotations at three residues.
  const double wanted = 2 * (std::log(3.0 * 3.0 * static_cast<double>(periods[2])) - std::log(kFalseLock));
  std::optional<SlotLock> found;
  double best = 0;
  for (std::int64_t residue = 0; residue < 3; ++residue) {
    std::array<std::int64_t, 3> rotations{};
    double weakest = 1e300, sum = 0;
    std::size_t used = 0;
    for (std::size_t i = 0; i < 3 && weakest >= wanted; ++i) {
      const Peak peak =
          correlate({3, static_cast<std::int64_t>(i), periods[i], pattern.dense_code(i)}, clicks, residue, rows);
      rotations[i] = peak.rotation;
      weakest = std::min(weakest, peak.z2());
      sum += peak.sum;
      used += peak.used;
    }
    if (weakest < wanted || weakest <= best) continue;
    best = weakest;
    const std::int64_t shift = residue + 3 * from_remainders(rotations), newest = clicks.local.back();
    found = SlotLock{modulo(newest + shift, PublicPattern::kRange) - newest,
                     std::log(kFalseLock) + (wanted - weakest) / 2, sum / static_cast<double>(used), used};
  }
  if (found && clicks.local.back() + found->shift >= static_cast<std::int64_t>(pattern.layout().slots)) return {};
  return found;
}

std::optional<SlotLock> find_in_comb(const PublicPattern& pattern, const LocalClicks& clicks, std::int64_t expected,
                                     SearchRows rows) {
  const std::int64_t spacing = pattern.layout().spacing;
  const double wanted = 2 * (std::log(static_cast<double>(spacing * kCombReach)) - std::log(kFalseLock));
  std::optional<SlotLock> found;
  double best = wanted;
  for (std::int64_t residue = 0; residue < spacing; ++residue) {
    // The shifts tried: residue + spacing * place, all of one residue.
    const std::int64_t from = (expected - modulo(expected - residue, spacing) - residue) / spacing - kCombReach / 2;
    const Peak peak = correlate_comb(pattern, clicks, residue, from, wanted, rows);
    if (peak.z2() < best) continue;
    best = peak.z2();
    found = SlotLock{residue + spacing * (from + peak.rotation), std::log(kFalseLock) + (wanted - best) / 2,
                     peak.sum / static_cast<double>(peak.used), peak.used};
  }
  return found;
}

}  // namespace nicol::detection
