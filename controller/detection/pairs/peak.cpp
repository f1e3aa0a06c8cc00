// SPDX-License-Identifier: Apache-2.0
#include "controller/detection/pairs/peak.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

namespace nicol::detection::pairs {
namespace {

constexpr double kFewPairs = 64;

/// Shifts to a sum of 0 over those that count.
void centre(Delays& delays, const std::array<double, 4>& weights) {
  double sum = 0, n = 0;
  for (std::size_t d = 0; d < 4; ++d)
    if (weights[d] >= kFewPairs) sum += delays[d], n += 1;
  for (std::size_t d = 0; d < 4; ++d) delays[d] = weights[d] >= kFewPairs ? delays[d] - sum / n : 0;
}

}  // namespace

void PeakHistogram::add(std::int64_t residual) {
  if (residual >= -kWide && residual <= kWide) bins_[static_cast<std::size_t>((residual + kWide) / kBin)] += 1;
}

void PeakHistogram::fade() {
  for (auto& n : bins_) n /= 2;
}

/// Counts in [low, high), each bin's spread evenly.
double PeakHistogram::count_within(double low, double high) const {
  double sum = 0;
  for (std::size_t k = 0; k < kBins; ++k) {
    const double begin = static_cast<double>(k) * kBin - kWide, end = begin + kBin;
    const double part = std::min(high, end) - std::max(low, begin);
    if (part > 0) sum += bins_[k] * part / kBin;
  }
  return sum;
}

/// The figure has a broad top, on which the largest value is a matter of luck: the narrowest window that reaches it but
/// for half a percent is taken.
double PeakHistogram::window_about(double middle, double background, double sigma) const {
  const double first = std::max(sigma, 1.0 * kBin);
  const auto halves = [&](std::size_t i) { return first + static_cast<double>(i) * kBin / 2.0; };
  std::vector<double> figures;
  for (std::size_t i = 0; halves(i) <= kWide / 2.0; ++i) {
    const double half = halves(i);
    const double all = count_within(middle - half, middle + half);
    const double signal = std::max(0.0, all - background * 2 * half / kBin);
    figures.push_back(all > 0 ? signal * signal / all : 0);
  }
  if (figures.empty()) return 2 * sigma;
  const double enough = 0.995 * *std::max_element(figures.begin(), figures.end());
  const auto at = std::find_if(figures.begin(), figures.end(), [&](double f) { return f >= enough; });
  return 2 * halves(static_cast<std::size_t>(at - figures.begin()));
}

PeakHistogram::Fit PeakHistogram::fit() const {
  Fit fit;
  constexpr double edge = 0.75 * kWide;
  fit.background = (count_within(-kWide, -edge) + count_within(edge, kWide)) / (2 * (kWide - edge) / kBin);
  std::array<double, kBins + 1> rising{};
  for (std::size_t k = 0; k < kBins; ++k) rising[k + 1] = rising[k] + bins_[k] - fit.background;
  fit.pairs = rising[kBins];
  if (fit.pairs <= 0) return fit;
  const auto quantile = [&](double share) {
    const double wanted = share * fit.pairs;
    const auto k = static_cast<std::size_t>(
        std::find_if(rising.begin(), rising.end(), [&](double x) { return x >= wanted; }) - rising.begin());
    if (k == 0) return -1.0 * kWide;
    const double part = (wanted - rising[k - 1]) / std::max(rising[k] - rising[k - 1], 1e-9);
    return (static_cast<double>(k - 1) + part) * kBin - kWide;
  };
  fit.centre = quantile(0.5);
  fit.sigma = std::max((quantile(0.8413) - quantile(0.1587)) / 2, kBin / 4.0);
  fit.window = window_about(fit.centre, fit.background, fit.sigma);
  return fit;
}

void DelayFit::add(Pattern alice, Pattern bob, std::int64_t residual) {
  if (!std::has_single_bit(static_cast<unsigned>(alice)) || !std::has_single_bit(static_cast<unsigned>(bob))) return;
  Cell& cell = cells_[static_cast<std::size_t>(std::countr_zero(static_cast<unsigned>(alice)))]
                     [static_cast<std::size_t>(std::countr_zero(static_cast<unsigned>(bob)))];
  cell.n += 1;
  cell.sum += static_cast<double>(residual);
}

std::uint64_t DelayFit::pairs() const {
  double n = 0;
  for (const auto& row : cells_)
    for (const Cell& cell : row) n += cell.n;
  return static_cast<std::uint64_t>(n);
}

DelayFit::Fit DelayFit::fit(double purity) const {
  std::array<double, 4> alice_weight{}, bob_weight{};
  for (std::size_t i = 0; i < 4; ++i)
    for (std::size_t j = 0; j < 4; ++j) alice_weight[i] += cells_[i][j].n, bob_weight[j] += cells_[i][j].n;
  Fit fit;
  double common = 0;
  for (int round = 0; round < 50; ++round) {  // alternating least squares: mean_ij = common + bob_j - alice_i
    Delays alice{}, bob{};
    double rest = 0, all = 0;
    for (std::size_t i = 0; i < 4; ++i)
      for (std::size_t j = 0; j < 4; ++j) {
        const Cell& c = cells_[i][j];
        alice[i] += c.n * (common + fit.bob[j]) - c.sum / purity;
      }
    for (std::size_t i = 0; i < 4; ++i) fit.alice[i] = alice_weight[i] > 0 ? alice[i] / alice_weight[i] : 0;
    centre(fit.alice, alice_weight);
    for (std::size_t i = 0; i < 4; ++i)
      for (std::size_t j = 0; j < 4; ++j)
        bob[j] += cells_[i][j].sum / purity - cells_[i][j].n * (common - fit.alice[i]);
    for (std::size_t j = 0; j < 4; ++j) fit.bob[j] = bob_weight[j] > 0 ? bob[j] / bob_weight[j] : 0;
    centre(fit.bob, bob_weight);
    for (std::size_t i = 0; i < 4; ++i)
      for (std::size_t j = 0; j < 4; ++j) {
        rest += cells_[i][j].sum / purity - cells_[i][j].n * (fit.bob[j] - fit.alice[i]);
        all += cells_[i][j].n;
      }
    common = all > 0 ? rest / all : 0;
  }
  return fit;
}

}  // namespace nicol::detection::pairs
