// SPDX-License-Identifier: Apache-2.0
#include "controller/detection/pairs/detector_delays.hpp"

#include <algorithm>
#include <cmath>

#include "controller/detection/pairs/block_matcher.hpp"

namespace nicol::detection::pairs {
namespace {

constexpr double kFewPairs = 64;
constexpr double kWalk = 2;  // ps a block: what a detector's delay may do from one to the next

struct Cell {
  double n = 0, sum = 0, squares = 0;
};
using Cells = std::array<Cell, 4>;

/// Sums over many bits leave the open scope, no bit does. Each pair costs the same, whichever detector it was.
Cells sums_of(const MeasuredClicks& his, const MatchedPairs& pairs) {
  Cells cells{};
  his.bases.with_read([&](std::span<const std::uint64_t> bases) {
    his.bits.with_read([&](std::span<const std::uint64_t> bits) {
      for (std::size_t k = 0; k < pairs.his.size(); ++k) {
        const std::uint32_t i = pairs.his[k];
        const std::uint64_t code = (bases[i / 64] >> (i % 64) & 1) | (bits[i / 64] >> (i % 64) & 1) << 1;
        const auto r = static_cast<double>(pairs.residuals[k]);
        for (std::uint64_t c = 0; c < cells.size(); ++c) {
          const double counts = code == c ? 1 : 0;
          cells[c].n += counts, cells[c].sum += counts * r, cells[c].squares += counts * r * r;
        }
      }
    });
  });
  return cells;
}

/// Of the detectors that have enough pairs.
double mean_of(const Cells& cells, const std::array<double, 4>& values) {
  double sum = 0, n = 0;
  for (std::size_t c = 0; c < 4; ++c)
    if (cells[c].n >= kFewPairs) sum += values[c], n += 1;
  return n > 0 ? sum / n : 0;
}

}  // namespace

/// A scalar Kalman filter for each: old blocks fade as the delays may have walked.
void DetectorDelays::learn(const MeasuredClicks& his, const MatchedPairs& pairs) {
  if (pairs.report.locks == 0 || pairs.report.coincidences == 0) return;
  const Cells cells = sums_of(his, pairs);
  const double chance = static_cast<double>(pairs.report.accidentals) / static_cast<double>(pairs.report.coincidences);
  const double purity = std::clamp(1 - chance, 0.05, 1.0);  // chance pairs draw each mean towards 0
  std::array<double, 4> measured{};
  for (std::size_t c = 0; c < 4; ++c)
    if (cells[c].n >= kFewPairs)
      measured[c] = static_cast<double>(his.corrections[c]) + cells[c].sum / cells[c].n / purity;
  const double common = mean_of(cells, measured);
  for (std::size_t c = 0; c < 4; ++c) {
    const Cell& cell = cells[c];
    if (cell.n < kFewPairs) continue;
    const double mean = cell.sum / cell.n, spread = std::max(cell.squares / cell.n - mean * mean, 1.0);
    const double noise = spread / (cell.n * purity * purity);
    DetectorDelay& d = delays_[c];
    const double before = d.error_ps * d.error_ps + kWalk * kWalk;
    const double weight = d.pairs == 0 ? 1 : before / (before + noise);
    d.ps = std::clamp(d.ps + weight * (measured[c] - common - d.ps), -kMost, kMost);
    d.error_ps = std::sqrt(d.pairs == 0 ? noise : (1 - weight) * before);
    d.pairs += static_cast<std::uint64_t>(cell.n);
  }
}

std::array<std::int64_t, 4> DetectorDelays::corrections() const {
  std::array<std::int64_t, 4> all{};
  for (std::size_t c = 0; c < 4; ++c) all[c] = std::llround(delays_[c].ps);
  return all;
}

}  // namespace nicol::detection::pairs
