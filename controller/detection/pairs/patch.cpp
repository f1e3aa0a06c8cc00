// SPDX-License-Identifier: Apache-2.0
#include "controller/detection/pairs/patch.hpp"

#include <algorithm>
#include <cmath>

#include "controller/detection/pairs/significance.hpp"

namespace nicol::detection::pairs {
namespace {

/// A patch that sees more than this is cut short: it was meant for fewer events.
constexpr std::size_t kMostDifferences = 8'000'000;

std::span<const std::int64_t> inside(std::span<const std::int64_t> times, std::int64_t begin, std::int64_t end) {
  const auto first = std::lower_bound(times.begin(), times.end(), begin);
  return {first, std::lower_bound(first, times.end(), end)};
}

}  // namespace

void PatchSearch::collect(std::span<const std::int64_t> alice, std::span<const std::int64_t> bob, const Patch& patch) {
  instants_.clear();
  differences_.clear();
  const auto reach = static_cast<std::int64_t>(
      patch.offset_half + 0.5 * patch.frequency_half * static_cast<double>(patch.length) + patch.cell);
  std::size_t first = 0;
  for (const std::int64_t a : inside(alice, patch.begin, patch.begin + patch.length)) {
    const std::int64_t expected = patch.centre.to_bob(a);
    if (first == 0)
      first = static_cast<std::size_t>(std::lower_bound(bob.begin(), bob.end(), expected - reach) - bob.begin());
    while (first < bob.size() && bob[first] < expected - reach) ++first;
    for (std::size_t j = first; j < bob.size() && bob[j] <= expected + reach; ++j) {
      instants_.push_back(static_cast<float>(a - patch.centre.at));
      differences_.push_back(static_cast<float>(bob[j] - expected));
    }
    if (first == bob.size() || differences_.size() > kMostDifferences) break;
  }
}

void PatchSearch::fill(double frequency) {
  std::fill(bins_.begin(), bins_.end(), 0U);
  const auto slope = static_cast<float>(frequency);
  const auto limit = static_cast<float>(bins_.size());
  for (std::size_t k = 0; k < differences_.size(); ++k) {
    const float place = (differences_[k] - slope * instants_[k] + half_) * per_bin_;
    if (place >= 0 && place < limit) ++bins_[static_cast<std::size_t>(place)];
  }
}

/// A pulsed source makes chance pairs in teeth: where the bins scatter far more than counts do, the level to compare
/// the peak with is the highest tooth beside it. 0: no comb.
double PatchSearch::comb_level(std::size_t peak) const {
  double n = 0, sum = 0, squares = 0, highest = 0;
  for (std::size_t k = 0; k + 1 < bins_.size(); ++k) {
    if (k + 4 > peak && k < peak + 5) continue;
    const double c = bins_[k];
    n += 1, sum += c, squares += c * c;
    if (k + 5 < peak || k > peak + 5) highest = std::max(highest, c + bins_[k + 1]);
  }
  if (n < 16 || sum < 4 * n) return 0;
  const double mean = sum / n;
  return squares / n - mean * mean > 3 * mean ? highest : 0;
}

PatchPeak PatchSearch::operator()(std::span<const std::int64_t> alice, std::span<const std::int64_t> bob,
                                  const Patch& patch) {
  Patch p = patch;
  p.centre = patch.centre.moved_to(patch.begin + patch.length / 2);
  collect(alice, bob, p);
  const auto slopes = static_cast<int>(std::ceil(p.frequency_half / p.frequency_step()));
  const auto bins = 2 * static_cast<std::size_t>(std::ceil(p.offset_half / p.offset_step())) + 2;
  bins_.assign(bins, 0);
  half_ = static_cast<float>(0.5 * static_cast<double>(bins) * p.offset_step());
  per_bin_ = static_cast<float>(1 / p.offset_step());
  PatchPeak best;
  best.line = p.centre;
  best.cells = static_cast<double>(bins) * (2 * slopes + 1);
  double total = 0, comb = 0;
  for (int slope = -slopes; slope <= slopes; ++slope) {
    const double frequency = slope * p.frequency_step();
    fill(frequency);
    std::size_t peak = bins;
    for (std::size_t k = 0; k + 1 < bins; ++k) {
      const double count = static_cast<double>(bins_[k]) + bins_[k + 1];
      total += bins_[k];
      if (count > best.count) best.count = count, peak = k;
    }
    if (peak == bins) continue;
    best.line.offset = p.centre.offset + (static_cast<double>(peak) + 1) * p.offset_step() - half_;
    best.line.frequency = p.centre.frequency + frequency;
    comb = comb_level(peak);
  }
  best.background = std::max(2 * total / best.cells, comb);
  const double seconds = static_cast<double>(p.length);
  const double singles =
      static_cast<double>(inside(alice, p.begin, p.begin + p.length).size() +
                          inside(bob, p.centre.to_bob(p.begin), p.centre.to_bob(p.begin + p.length)).size());
  // Differences that share a tag are not independent: Var = mean (1 + (S_A + S_B) cell).
  best.overdispersion = 1 + singles / seconds * p.cell;
  if (best.count > 0)
    best.log_p = log_poisson_tail(best.count / best.overdispersion, best.background / best.overdispersion);
  return best;
}

}  // namespace nicol::detection::pairs
