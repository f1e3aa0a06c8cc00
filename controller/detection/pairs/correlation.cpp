// SPDX-License-Identifier: Apache-2.0
#include "controller/detection/pairs/correlation.hpp"

#include <algorithm>
#include <cmath>

namespace nicol::detection::pairs {
namespace {

/// Bins, 1 ms: rates that change more slowly make no peak. Where a section's ends meet those of Bob's stretch the mean
/// count has a kink that this leaves a trace of: an eighth of the kink times this width, 0.2 standard deviations.
constexpr std::size_t kSlow = 256;

}  // namespace

void fold(std::span<const std::int64_t> times, std::int64_t origin, const FoldedGrid& grid, float* bins) {
  const std::size_t mask = grid.bins() - 1;
  for (const std::int64_t t : times) bins[static_cast<std::size_t>((t - origin) >> grid.shift) & mask] += 1;
}

void fold_scaled(std::span<const std::int64_t> times, std::int64_t origin, double frequency, const FoldedGrid& grid,
                 float* bins) {
  const std::size_t mask = grid.bins() - 1;
  for (const std::int64_t t : times) {
    const std::int64_t x = t - origin;
    const auto scaled = x + static_cast<std::int64_t>(frequency * static_cast<double>(x));
    bins[static_cast<std::size_t>(scaled >> grid.shift) & mask] += 1;
  }
}

void take_off_slow_changes(float* bins, std::size_t n, std::size_t width) {
  std::vector<double> sums(n + width + 1);
  const std::size_t mask = n - 1;
  for (std::size_t k = 0; k < n + width; ++k)
    sums[k + 1] = sums[k] + static_cast<double>(bins[(k + n - width / 2) & mask]);
  const double share = 1 / static_cast<double>(width);
  for (std::size_t k = 0; k < n; ++k) bins[k] -= static_cast<float>((sums[k + width] - sums[k]) * share);
}

void Correlation::spectrum(std::span<const std::int64_t> bob, std::int64_t origin, Grid& out) const {
  std::fill_n(out.re.get(), out.size, 0.0F);
  std::fill_n(out.im.get(), out.size, 0.0F);
  fold(bob, origin, grid_, out.re.get());
  take_off_slow_changes(out.re.get(), out.size, kSlow);
  transform_.forward(out);
}

void Correlation::operator()(std::span<const std::int64_t> alice, const Grid& bob, std::int64_t origin,
                             std::array<double, 2> frequencies, std::span<float> first, std::span<float> second) {
  std::fill_n(work_.re.get(), work_.size, 0.0F);
  std::fill_n(work_.im.get(), work_.size, 0.0F);
  fold_scaled(alice, origin, frequencies[0], grid_, work_.re.get());
  fold_scaled(alice, origin, frequencies[1], grid_, work_.im.get());
  transform_.forward(work_);
  transform_.multiply_conjugate(work_, bob);
  transform_.inverse(work_);
  const std::size_t n = work_.size, mask = n - 1;
  const float scale = 1 / static_cast<float>(n);
  // The product was A conj(B): its element k belongs to the lag -k of Bob after Alice.
  for (std::size_t k = 0; k < n; ++k) {
    const std::size_t from = (n / 2 - k) & mask;
    first[k] = work_.re[from] * scale;
    second[k] = work_.im[from] * scale;
  }
}

}  // namespace nicol::detection::pairs
