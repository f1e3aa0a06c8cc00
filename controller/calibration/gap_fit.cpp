// SPDX-License-Identifier: Apache-2.0
#include "controller/calibration/gap_fit.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

namespace nicol::calibration {
namespace {

constexpr double kWindow = 4e6, kBin = 1e3;           // ps
constexpr double kEdge = 10e3;                        // ps after the shortest gap that its density is taken as flat in
constexpr std::size_t kEnoughGaps = 10, kMost = 400;  // near the edge
constexpr int kGrid = 600, kMostSteps = 60;
constexpr int kPasses = 3;
constexpr double kCore = 4, kMedian = 0.6745;  // median of a normal distribution's absolute value
constexpr double kClear = 4;                   // resolutions after the dead time from which the hazard is counted
constexpr double kExpected = 5;                // clicks in a group of bins for its chi^2
constexpr std::array<double, 5> kDecays{10e3, 30e3, 100e3, 300e3, 1000e3};  // where a search may begin

double normal_cdf(double x) { return std::erfc(-x / std::numbers::sqrt2) / 2; }
double normal_density(double x) { return std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi); }

bool in_tooth(double gap, const LightComb& comb) {
  if (comb.period.count <= 0) return false;
  return std::abs(std::remainder(gap, static_cast<double>(comb.period.count))) <=
         static_cast<double>(comb.half_width.count);
}

/// ln of the density's norm up to `end`, for an edge at `dead`.
double log_norm(double dead, double end, double resolution) {
  const double u = (end - dead) / resolution;
  return std::log(resolution * (u * normal_cdf(u) + normal_density(u)));
}

Estimate edge(std::span<const std::int64_t> gaps, double end, double resolution) {
  const auto shortest = static_cast<double>(gaps.front()), n = static_cast<double>(gaps.size());
  const double spacing = (end - shortest) / n;
  const double low = shortest - 4 * resolution - 12 * spacing, high = std::min(end, shortest + 8 * resolution);
  std::array<double, kGrid> log_likelihood{};
  const auto at = [&](int i) { return low + (high - low) * (i + 0.5) / kGrid; };
  for (int i = 0; i < kGrid; ++i) {
    double& sum = log_likelihood[static_cast<std::size_t>(i)];
    for (const std::int64_t g : gaps)
      sum += std::log(std::max(normal_cdf((static_cast<double>(g) - at(i)) / resolution), 1e-300));
    sum -= n * log_norm(at(i), end, resolution);
  }
  const double best = *std::ranges::max_element(log_likelihood);
  double norm = 0, mean = 0, square = 0;
  for (int i = 0; i < kGrid; ++i) {
    const double weight = std::exp(log_likelihood[static_cast<std::size_t>(i)] - best);
    norm += weight, mean += weight * at(i), square += weight * at(i) * at(i);
  }
  mean /= norm;
  return {mean, std::sqrt(std::max(square / norm - mean * mean, 0.0))};
}

// ---- afterpulses ----

/// A bin of the gap between the teeth: clicks there and those that could have come (gap-picoseconds at risk).
struct Bin {
  double after = 0, clicks = 0, risk = 0;
};

std::vector<Bin> bins_of(std::span<const std::int64_t> gaps, double dead, double from, const LightComb& comb) {
  std::vector<Bin> bins;
  const auto first = static_cast<int>(std::ceil((from - dead) / kBin));
  auto next = gaps.begin();
  for (int i = first; (i + 1) * kBin <= kWindow; ++i) {
    const double begin = dead + i * kBin, end = begin + kBin;
    const auto lower = std::lower_bound(next, gaps.end(), static_cast<std::int64_t>(std::ceil(begin)));
    const auto upper = std::lower_bound(lower, gaps.end(), static_cast<std::int64_t>(std::ceil(end)));
    next = upper;
    if (in_tooth(begin, comb) || in_tooth(end, comb)) continue;
    const auto clicks = static_cast<double>(upper - lower), left = static_cast<double>(gaps.end() - upper);
    bins.push_back({i * kBin + kBin / 2, clicks, (left + clicks / 2) * kBin});
  }
  return bins;
}

/// Hazard r + A exp(-k x); numbers in the order r, A, k.
using Vector = Eigen::Vector3d;
double hazard(const Vector& m, double x) { return m[0] + m[1] * std::exp(-m[2] * x); }

double log_likelihood(std::span<const Bin> bins, const Vector& m) {
  double sum = 0;
  for (const Bin& b : bins) {
    const double h = hazard(m, b.after);
    sum += (b.clicks > 0 ? b.clicks * std::log(h * b.risk) : 0) - h * b.risk;
  }
  return sum;
}

struct Score {
  Eigen::Matrix3d information = Eigen::Matrix3d::Zero();
  Vector slope = Vector::Zero();
};
Score score(std::span<const Bin> bins, const Vector& m) {
  Score s;
  for (const Bin& b : bins) {
    const double fall = std::exp(-m[2] * b.after), h = hazard(m, b.after);
    const Vector g(1, fall, -m[1] * b.after * fall);
    s.information += b.risk / h * g * g.transpose();
    s.slope += (b.clicks / h - b.risk) * g;
  }
  return s;
}

bool allowed(const Vector& m) { return m[0] > 0 && m[1] >= 0 && m[2] > 0.5 / kWindow && m[2] < 1 / kBin; }

struct Found {
  Vector model;
  double likelihood = 0;
};
Found climbed(std::span<const Bin> bins, Vector model) {
  double best = log_likelihood(bins, model), damping = 1e-3;
  for (int i = 0; i < kMostSteps; ++i) {
    const Score s = score(bins, model);
    bool better = false;
    while (!better && damping < 1e6) {
      Eigen::Matrix3d m = s.information;
      m.diagonal() *= 1 + damping;
      damping *= 10;
      const Vector next = model + m.ldlt().solve(s.slope);
      if (!allowed(next)) continue;
      const double there = log_likelihood(bins, next);
      if (there <= best) continue;
      if (there - best < 1e-6) return {next, there};
      model = next, best = there, better = true;
    }
    if (!better) break;
    damping /= 100;
  }
  return {model, best};
}

/// Bins taken together until they expect enough.
void judge(std::span<const Bin> bins, const Vector& m, AfterpulseFit& fit) {
  double expected = 0, seen = 0;
  for (const Bin& b : bins) {
    expected += hazard(m, b.after) * b.risk, seen += b.clicks;
    if (expected < kExpected) continue;
    fit.chi_squared += (seen - expected) * (seen - expected) / expected;
    ++fit.degrees;
    expected = seen = 0;
  }
  fit.degrees = std::max(0, fit.degrees - 3);
}

}  // namespace

double gap_resolution(std::span<const std::int64_t> gaps, const LightComb& comb) {
  if (comb.period.count <= 0) return 0;
  std::vector<double> off;
  for (const std::int64_t g : gaps)
    if (g > 3 * comb.period.count / 2 && in_tooth(static_cast<double>(g), comb))
      off.push_back(std::abs(std::remainder(static_cast<double>(g), static_cast<double>(comb.period.count))));
  double sigma = 0;
  for (int pass = 0; pass < kPasses; ++pass) {  // what lies flat between the teeth counts little in their cores
    if (pass > 0) std::erase_if(off, [&](double o) { return o > kCore * sigma; });
    if (off.size() < kEnoughGaps) return 0;
    const auto middle = off.begin() + static_cast<std::ptrdiff_t>(off.size() / 2);
    std::ranges::nth_element(off, middle);
    sigma = *middle / kMedian;
  }
  return sigma;
}

std::optional<DeadTimeFit> fit_dead_time(std::span<const std::int64_t> gaps, double resolution_ps,
                                         const LightComb& comb) {
  if (gaps.size() < kEnoughGaps) return std::nullopt;
  const double resolution = std::max(resolution_ps, 1.0);
  DeadTimeFit fit;
  fit.shortest_ps = gaps.front();
  const auto shortest = static_cast<double>(fit.shortest_ps);
  double end = shortest + std::max(kEdge, 12 * resolution);
  const auto steps = static_cast<int>(std::ceil((end - shortest) / (kBin / 4)));
  for (int i = steps - 1; i >= 0; --i)
    if (const double x = shortest + i * kBin / 4; in_tooth(x, comb)) end = x;
  if (end < shortest + 8 * resolution) {
    const auto period = static_cast<double>(comb.period.count), tooth = std::max(1.0, std::round(shortest / period));
    fit.at_a_pulse = true;
    fit.dead_ps = {tooth * period, std::max(std::abs(tooth * period - shortest), resolution)};
    return fit;
  }
  auto last = std::ranges::lower_bound(gaps, static_cast<std::int64_t>(end));
  if (last - gaps.begin() > static_cast<std::ptrdiff_t>(kMost)) {
    const auto cut = gaps.begin() + static_cast<std::ptrdiff_t>(kMost);
    if (static_cast<double>(*cut) > shortest + 8 * resolution) last = cut, end = static_cast<double>(*cut);
  }
  const auto near = gaps.first(static_cast<std::size_t>(last - gaps.begin()));
  if (near.size() < kEnoughGaps) return std::nullopt;
  fit.dead_ps = edge(near, end, resolution);
  return fit;
}

std::optional<AfterpulseFit> fit_afterpulses(std::span<const std::int64_t> gaps, double dead_ps, double resolution_ps,
                                             const LightComb& comb) {
  const std::vector<Bin> bins = bins_of(gaps, dead_ps, dead_ps + kClear * resolution_ps, comb);
  double clicks = 0, risk = 0;
  for (const Bin& b : bins) clicks += b.clicks, risk += b.risk;
  if (clicks < static_cast<double>(kEnoughGaps)) return std::nullopt;
  const double flat = clicks / risk;
  const double nothing = log_likelihood(bins, Vector(flat, 0, 1 / kDecays[0]));
  std::optional<Found> best;
  for (const double decay : kDecays) {
    const Found found = climbed(bins, Vector(flat / 2, flat, 1 / decay));
    if (!best || found.likelihood > best->likelihood) best = found;
  }
  const Vector& m = best->model;
  const Vector scale(1 / m[0], 1 / std::max(m[1], m[0] * 1e-6), 1 / m[2]);  // numbers of unlike sizes
  const Eigen::Matrix3d info =
      scale.cwiseInverse().asDiagonal() * score(bins, m).information * scale.cwiseInverse().asDiagonal();
  const Eigen::Matrix3d covariance = info.inverse();
  if (!covariance.allFinite() || !(covariance.diagonal().minCoeff() > 0)) return std::nullopt;
  const auto estimate = [&](double value, const Vector& gradient) {
    const Vector g = gradient.cwiseQuotient(scale);
    return Estimate{value, std::sqrt(g.dot(covariance * g))};
  };
  AfterpulseFit fit;
  const double stays = std::exp(-m[1] / m[2]);
  fit.probability = estimate(1 - stays, stays * Vector(0, 1 / m[2], -m[1] / (m[2] * m[2])));
  fit.decay_ps = estimate(1 / m[2], Vector(0, 0, 1 / (m[2] * m[2])));
  fit.background_hz = estimate(m[0] * 1e12, Vector(1e12, 0, 0));
  fit.significance = 2 * (best->likelihood - nothing);
  judge(bins, m, fit);
  return fit;
}

}  // namespace nicol::calibration
