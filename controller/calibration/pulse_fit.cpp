// SPDX-License-Identifier: Apache-2.0
#include "controller/calibration/pulse_fit.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "controller/calibration/poisson_fit.hpp"
#include "controller/calibration/statistics.hpp"

namespace nicol::calibration {
namespace {

constexpr double kNoise = 4;  // standard deviations of more clicks in the dark
constexpr double kClear = 4;  // spreads below the middle of the pulses
constexpr double kAlmost = 0.97;
constexpr double kLeastLight = 100;
constexpr double kNever = 1e-9;  // clicks: an expectation is above 0

double real(std::uint64_t n) { return static_cast<double>(n); }
double above(double volts, double height, double spread) {
  return 0.5 * std::erfc((volts - height) / (spread * std::numbers::sqrt2));
}

double contrast(const ThresholdCounts& c) {
  return (real(c.lit) - real(c.dark)) / std::sqrt(real(c.lit) + real(c.dark) + 1);
}

/// From the threshold that tells light best down to where the dark clicks grow.
std::span<const ThresholdCounts> without_noise(std::span<const ThresholdCounts> counts) {
  auto first = std::ranges::max_element(counts, {}, contrast);
  const std::uint64_t dark = first->dark;
  while (first != counts.begin() && rate_difference_sigmas(std::prev(first)->dark, dark, 1) < kNoise) --first;
  return {first, counts.end()};
}

double plateau(std::span<const ThresholdCounts> clean) {
  double most = 0;
  for (const ThresholdCounts& c : clean) most = std::max(most, real(c.lit));
  return most;
}

/// Where a share of the clicks is left, on the line between two neighbours.
std::optional<double> falls_to(std::span<const ThresholdCounts> clean, double clicks) {
  for (std::size_t i = 1; i < clean.size(); ++i) {
    const double before = real(clean[i - 1].lit), after = real(clean[i].lit);
    if (before < clicks || after >= clicks) continue;
    return clean[i - 1].volts + (clean[i].volts - clean[i - 1].volts) * (before - clicks) / (before - after);
  }
  return std::nullopt;
}

double expected(double volts, const Eigen::VectorXd& n) {
  return std::exp(n[0]) * above(volts, n[1], std::exp(n[2])) + kNever;
}

void choose(std::span<const ThresholdCounts> counts, PulseFit& fit) {
  const double lost = fit.height_v - kClear * fit.spread_v;
  fit.apart = fit.noise_ends_v < lost;
  fit.threshold_v = fit.apart ? (fit.noise_ends_v + lost) / 2 : std::ranges::max_element(counts, {}, contrast)->volts;
}

}  // namespace

double PulseFit::seen_at(double volts) const { return above(volts, height_v, spread_v); }

std::optional<PulseEdge> pulse_edge(std::span<const ThresholdCounts> counts) {
  if (counts.size() < 3) return std::nullopt;
  const auto clean = without_noise(counts);
  const double all = plateau(clean);
  if (all < kLeastLight) return std::nullopt;
  const auto middle = falls_to(clean, all / 2);
  if (!middle) return std::nullopt;
  PulseEdge edge{clean.front().volts, *middle, clean.back().volts};
  for (const ThresholdCounts& c : clean) {
    if (c.volts < *middle && real(c.lit) >= kAlmost * all) edge.begin_v = c.volts;
    if (c.volts > *middle && real(c.lit) <= (1 - kAlmost) * all) return edge.end_v = c.volts, edge;
  }
  return edge;
}

std::optional<PulseFit> fit_pulses(std::span<const ThresholdCounts> counts) {
  const auto edge = pulse_edge(counts);
  if (!edge) return std::nullopt;
  const auto clean = without_noise(counts);
  std::vector<CurveBin> bins;
  for (const ThresholdCounts& c : clean) bins.push_back({c.volts, real(c.lit)});
  Eigen::VectorXd start(3), steps(3);
  const double spread = std::max((edge->end_v - edge->begin_v) / 6, 1e-3 * edge->middle_v);
  start << std::log(plateau(clean)), edge->middle_v, std::log(spread);
  steps << 1e-5, 1e-5 * edge->middle_v, 1e-5;
  const auto curve = fit_curve(bins, expected, start, steps);
  if (!curve) return std::nullopt;
  PulseFit fit;
  fit.height_v = curve->numbers[1], fit.height_error = curve->error(1);
  fit.spread_v = std::exp(curve->numbers[2]), fit.spread_error = fit.spread_v * curve->error(2);
  fit.noise_ends_v = clean.front().volts;
  choose(counts, fit);
  return fit;
}

}  // namespace nicol::calibration
