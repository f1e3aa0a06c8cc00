// SPDX-License-Identifier: Apache-2.0
#include "controller/calibration/peak_fit.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "controller/calibration/poisson_fit.hpp"
#include "controller/calibration/statistics.hpp"

namespace nicol::calibration {
namespace {

constexpr double kCoarse = 250, kBin = 25, kWindow = 4'000;  // ps
constexpr std::size_t kSliding = 4;                          // coarse bins: a nanosecond
constexpr double kStandsOut = 6;                             // standard deviations over the background
constexpr double kTailShows = 20;                            // twice the log-likelihood that a tail gains
constexpr std::size_t kMostBins = 16, kEachBin = 50;

double normal_cdf(double x) { return std::erfc(-x / std::numbers::sqrt2) / 2; }

/// From -period/2 to period/2 about the centre.
double about(double off, double centre, double period) { return std::remainder(off - centre, period); }

/// Middle of the richest nanosecond, if it is no chance.
std::optional<double> coarse(std::span<const std::int32_t> off, double period) {
  const auto bins = static_cast<std::size_t>(std::max(1.0, std::floor(period / kCoarse)));
  if (bins < 4 * kSliding) return std::nullopt;
  std::vector<double> counts(bins, 0);
  const double width = period / static_cast<double>(bins);
  for (const std::int32_t o : off) {
    const double place = (about(o, 0, period) + period / 2) / width;
    ++counts[std::min(static_cast<std::size_t>(std::max(place, 0.0)), bins - 1)];
  }
  double best = -1;
  std::size_t at = 0;
  for (std::size_t i = 0; i < bins; ++i) {
    double sum = 0;
    for (std::size_t k = 0; k < kSliding; ++k) sum += counts[(i + k) % bins];
    if (sum > best) best = sum, at = i;
  }
  const double mean = static_cast<double>(off.size()) * kSliding / static_cast<double>(bins);
  if (best < mean + kStandsOut * std::sqrt(mean + 1) || best < static_cast<double>(kEachBin)) return std::nullopt;
  return about((static_cast<double>(at) + kSliding / 2.0) * width - period / 2, 0, period);
}

std::vector<CurveBin> histogram(std::span<const std::int32_t> off, double centre, double period) {
  const double window = std::min(kWindow, period / 2);
  const auto bins = static_cast<std::size_t>(2 * window / kBin);
  std::vector<CurveBin> all(bins);
  for (std::size_t i = 0; i < bins; ++i) all[i].x = (static_cast<double>(i) + 0.5) * kBin - window;
  for (const std::int32_t o : off) {
    const double place = (about(o, centre, period) + window) / kBin;
    if (place >= 0 && place < static_cast<double>(bins)) ++all[static_cast<std::size_t>(place)].counts;
  }
  return all;
}

double gaussian(double x, double width) {
  return std::exp(-x * x / (2 * width * width)) / (width * std::sqrt(2 * std::numbers::pi));
}
/// A Gaussian and an exponential after it (the exponentially modified Gaussian).
double late(double x, double width, double tail) {
  const double shift = width / tail;
  if (shift > 20) return gaussian(x - tail, width);
  return std::exp(shift * shift / 2 - x / tail) * normal_cdf(x / width - shift) / tail;
}

/// Numbers: clicks, centre, width, background a bin; then share and mean of the tail.
double curve(double x, const Eigen::VectorXd& n) {
  if (!(n[2] > 1) || !(n[0] > 0) || n[3] < 0) return 0;
  const double plain = gaussian(x - n[1], n[2]);
  if (n.size() == 4) return n[0] * kBin * plain + n[3] + 1e-9;
  if (n[4] < 0 || n[4] > 1 || !(n[5] > 10) || n[5] > kWindow) return 0;
  return n[0] * kBin * ((1 - n[4]) * plain + n[4] * late(x - n[1], n[2], n[5])) + n[3] + 1e-9;
}

std::optional<CurveFit> best_curve(std::span<const CurveBin> bins, double clicks, double background) {
  Eigen::VectorXd start(4), steps(4);
  start << clicks, 0, 200, background;
  steps << 1e-3 * clicks, 0.01, 0.01, 1e-3 * std::max(background, 1e-3);
  auto plain = fit_curve(bins, curve, start, steps);
  if (!plain) return std::nullopt;
  std::optional<CurveFit> best = plain;
  for (const double tail : {100.0, 300.0, 900.0}) {
    Eigen::VectorXd longer(6), more(6);
    longer << plain->numbers, 0.1, tail;
    more << steps, 1e-5, 0.01;
    auto fit = fit_curve(bins, curve, longer, more);
    if (fit && 2 * (fit->log_likelihood - plain->log_likelihood) > kTailShows &&
        fit->log_likelihood > best->log_likelihood)
      best = std::move(fit);
  }
  return best;
}

}  // namespace

std::optional<PeakFit> fit_peak(std::span<const std::int32_t> off_ps, Picoseconds period) {
  const auto ring = static_cast<double>(period.count);
  const auto near = coarse(off_ps, ring);
  if (!near) return std::nullopt;
  const std::vector<CurveBin> bins = histogram(off_ps, *near, ring);
  double inside = 0;
  for (const CurveBin& b : bins) inside += b.counts;
  const double window = static_cast<double>(bins.size()) * kBin;
  const double outside = static_cast<double>(off_ps.size()) - inside;
  const double background = std::max(outside / std::max(ring - window, kBin) * kBin, 1e-3);
  const auto fit = best_curve(bins, inside, background);
  if (!fit) return std::nullopt;
  const auto number = [&](Eigen::Index i, double unit = 1) {
    return Estimate{fit->numbers[i] * unit, fit->error(i) * unit};
  };
  PeakFit peak;
  peak.centre_ps = number(1);
  peak.centre_ps.value = about(peak.centre_ps.value + *near, 0, ring);
  peak.width_ps = number(2);
  peak.background = number(3, 1e3 / kBin);
  peak.has_tail = fit->numbers.size() == 6;
  if (peak.has_tail) peak.tail_share = number(4), peak.tail_ps = number(5);
  peak.chi_squared = fit->chi_squared;
  peak.degrees = fit->degrees;
  return peak;
}

double alike(std::span<const std::int32_t> one, double centre_one, std::span<const std::int32_t> other,
             double centre_other, Picoseconds half_width, Picoseconds period) {
  struct Click {
    double off;
    std::size_t detector;
  };
  std::vector<Click> clicks;
  const auto add = [&](std::span<const std::int32_t> off, double centre, std::size_t detector) {
    for (const std::int32_t o : off)
      if (const double t = about(o, centre, static_cast<double>(period.count));
          std::abs(t) <= static_cast<double>(half_width.count))
        clicks.push_back({t, detector});
  };
  add(one, centre_one, 0), add(other, centre_other, 1);
  const std::size_t bins = std::min(kMostBins, clicks.size() / kEachBin);
  if (bins < 2) return 1;
  std::ranges::sort(clicks, {}, &Click::off);
  std::vector<std::array<double, 2>> table(bins);
  std::array<double, 2> total{};
  for (std::size_t i = 0; i < clicks.size(); ++i) {
    ++table[i * bins / clicks.size()][clicks[i].detector];
    ++total[clicks[i].detector];
  }
  if (total[0] == 0 || total[1] == 0) return 1;
  double chi_squared = 0;
  for (const auto& row : table)
    for (std::size_t d = 0; d < 2; ++d) {
      const double expected = (row[0] + row[1]) * total[d] / static_cast<double>(clicks.size());
      chi_squared += (row[d] - expected) * (row[d] - expected) / expected;
    }
  return chi_squared_tail(chi_squared, static_cast<int>(bins) - 1);
}

}  // namespace nicol::calibration
