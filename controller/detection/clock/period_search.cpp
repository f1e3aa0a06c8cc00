// SPDX-License-Identifier: Apache-2.0
// Each time becomes an angle on the nominal period; the error of the period is then a slow rotation of those angles,
// and a Fourier transform over coarse time bins finds it. (As Calderaro et al., Phys. Rev. Applied 13, 054041, section
// II.A, but mixed down to the band of interest first, so that the transform has 8 x band x duration points and not
// 2 x pulse rate x duration.)
#include "controller/detection/clock/period_search.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>

#include "controller/detection/clock/fft.hpp"

namespace nicol::detection {
namespace {

constexpr std::size_t kLargestGrid = std::size_t{1} << 22;

/// The expected period, unbent around the epoch.
struct Dial {
  std::int64_t epoch = 0;
  double period = 1, bend = 0;
  /// Angle of a time in turns; slots from the epoch stay below 2^53.
  double turns(std::int64_t t) const noexcept {
    const auto since = static_cast<double>(t - epoch);
    const double slots = (since - bend * since * since) / period;
    return slots - std::nearbyint(slots);
  }
};

struct Line {
  double per_unit = 0;  // turns a unit of time, against the expected period
  double power = 0;     // |sum|^2 / n
};

/// Phase and rotation at the maximum of sum cos(residual), off the grid, by Newton's method; then at the centre of the
/// light (weights cos), where the two are independent. Sigmas by the scatter of the residuals themselves, so that dark
/// counts and light that fills a part of the window only are allowed for.
struct Fit {
  double centre = 0;  // units after the epoch
  double phase = 0, per_unit = 0, phase_sigma = 0, per_unit_sigma = 0;
  ArrivalPhase about;
};
struct Sums {
  double w = 0, wx = 0, wxx = 0, g = 0, gx = 0, gg = 0, ggx = 0, ggxx = 0;
  void add(double x, double radians) noexcept {
    const double c = std::cos(radians), s = std::sin(radians);
    w += c, wx += c * x, wxx += c * x * x;
    g += s, gx += s * x;
    gg += s * s, ggx += s * s * x, ggxx += s * s * x * x;
  }
};
Fit refine(std::span<const std::int64_t> times, const Dial& dial, double per_unit) {
  constexpr double two_pi = 2 * std::numbers::pi;
  constexpr int kRounds = 8;
  const double scale = static_cast<double>(times.back() - times.front()) + 1;
  Fit f;
  f.per_unit = per_unit;
  for (int round = 0;; ++round) {
    Sums sums;
    f.about = {};
    for (const std::int64_t t : times) {
      const double x = static_cast<double>(t - dial.epoch);
      const double angle = dial.turns(t) - f.per_unit * x - f.phase;
      f.about.add(angle);
      sums.add(x / scale, two_pi * angle);
    }
    const double centre = sums.wx / sums.w, spread = sums.wxx - centre * sums.wx;
    if (round == kRounds) {
      f.centre = centre * scale;
      f.phase += f.per_unit * f.centre;
      f.phase_sigma = std::sqrt(sums.gg) / sums.w / two_pi;
      const double scatter = sums.ggxx - 2 * centre * sums.ggx + centre * centre * sums.gg;
      f.per_unit_sigma = std::sqrt(scatter) / spread / two_pi / scale;
      return f;
    }
    // The line of the grid is right to a quarter of a turn; its phase is not known at all.
    if (round == 0) {
      f.phase += f.about.mean_turns();
      continue;
    }
    const double slope = (sums.gx - centre * sums.g) / spread;
    f.per_unit += slope / two_pi / scale;
    f.phase += (sums.g / sums.w - slope * centre) / two_pi;
  }
}

}  // namespace

double PeriodSearch::longest(const PeriodBand& band) noexcept {
  return static_cast<double>(kLargestGrid) / 16 * static_cast<double>(band.nominal) / band.reach;
}

std::optional<PulseTrain> PeriodSearch::operator()(std::span<const std::int64_t> times, const PeriodBand& band) {
  const double period = static_cast<double>(band.nominal) * (1 + band.centre);
  const std::int64_t first = times.front(), epoch = first + (times.back() - first) / 2;
  const Dial dial{epoch, period, band.bend};
  const double span = static_cast<double>(times.back() - first) + period;
  const double reach = band.reach / period;  // turns a unit
  const double bins = std::max(4 * reach * span, 32.0);
  const std::size_t size = std::bit_ceil(static_cast<std::size_t>(2 * bins));
  if (size > kLargestGrid) return {};
  grid_.assign(size, {});
  const double per_bin = span / bins;
  for (const std::int64_t t : times) {
    const auto a = static_cast<float>(2 * std::numbers::pi * dial.turns(t));
    grid_[static_cast<std::size_t>(static_cast<double>(t - first) / per_bin)] += std::polar(1.0F, a);
  }
  fourier(grid_);
  const double step = 1 / (per_bin * static_cast<double>(size));  // turns a unit between two lines
  const auto lines = std::min<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(reach / step) + 1,
                                              static_cast<std::ptrdiff_t>(size) / 2 - 1);
  Line best;
  for (std::ptrdiff_t k = -lines; k <= lines; ++k) {
    const auto at = static_cast<std::size_t>(k < 0 ? k + static_cast<std::ptrdiff_t>(size) : k);
    const double power = std::norm(grid_[at]) / static_cast<double>(times.size());
    if (power > best.power) best = {static_cast<double>(k) * step, power};
  }
  const double log_false = std::log(static_cast<double>(2 * lines + 1)) - best.power;
  if (log_false > std::log(kFalseLine)) return {};

  const Fit f = refine(times, dial, best.per_unit);
  // A slot lasts P' = P / (1 - P w): the angle of k P' turns by w P' a slot and by k P' / P - k of a turn alike.
  const double offset = 1 / (1 - period * f.per_unit);
  PulseTrain train;
  const double true_period = period * offset;
  train.epoch = epoch + std::llround(f.centre);
  // The slot whose start is nearest to the centre of the light.
  const double angle = dial.turns(train.epoch) - f.phase;
  train.phase = -(angle - std::nearbyint(angle)) * true_period;
  train.period = true_period;
  train.phase_sigma = f.phase_sigma * true_period;
  train.offset = true_period / static_cast<double>(band.nominal) - 1;
  train.offset_sigma = f.per_unit_sigma * true_period;
  train.bend = band.bend;
  train.log_false = log_false;
  train.arrivals = f.about;
  return train;
}

}  // namespace nicol::detection
