// SPDX-License-Identifier: Apache-2.0
// The coarse step of the search: how often tags of both sides lie at each distance, on a grid folded to 2.2 s, for any
// guess of the frequency.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "controller/detection/pairs/transform.hpp"

namespace nicol::detection::pairs {

/// Bins of 2^shift ps, 2^log2_bins of them, the time folded round.
struct FoldedGrid {
  unsigned log2_bins = 19, shift = 22;
  std::size_t bins() const { return std::size_t{1} << log2_bins; }
  double bin() const { return static_cast<double>(std::int64_t{1} << shift); }
  double period() const { return bin() * static_cast<double>(bins()); }
};

/// Counts tags into the grid, bin 0 beginning at `origin`.
void fold(std::span<const std::int64_t> times, std::int64_t origin, const FoldedGrid& grid, float* bins);
/// The same for a clock that runs fast by `frequency`: t becomes t + frequency * (t - origin).
void fold_scaled(std::span<const std::int64_t> times, std::int64_t origin, double frequency, const FoldedGrid& grid,
                 float* bins);
/// Takes off the mean of the `width` bins around each bin (round the fold): rates that vary slowly are no pairs.
void take_off_slow_changes(float* bins, std::size_t n, std::size_t width);

/// How often tags of both sides lie at each lag of Bob after Alice.
class Correlation {
 public:
  explicit Correlation(const FoldedGrid& grid) : grid_(grid), transform_(grid.log2_bins), work_(grid.bins()) {}
  const FoldedGrid& grid() const noexcept { return grid_; }
  const Transform& transform() const noexcept { return transform_; }

  /// Bob's tags, for any number of guesses. Slow changes are taken off.
  void spectrum(std::span<const std::int64_t> bob, std::int64_t origin, Grid& out) const;
  /// Two guesses of the frequency at once, as the real and the imaginary part. Counts less their mean, by lag at
  /// `origin`, least first: out[lag + bins/2] for -bins/2 <= lag < bins/2.
  void operator()(std::span<const std::int64_t> alice, const Grid& bob, std::int64_t origin,
                  std::array<double, 2> frequencies, std::span<float> first, std::span<float> second);

 private:
  FoldedGrid grid_;
  Transform transform_;
  Grid work_;
};

}  // namespace nicol::detection::pairs
