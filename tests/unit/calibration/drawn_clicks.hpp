// SPDX-License-Identifier: Apache-2.0
// A detector's gaps between clicks, drawn: dead time, afterpulses, a flat background, and pulses of light.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "drivers/hal/random.hpp"
#include "tests/unit/calibration/drawn_channel.hpp"

namespace nicol::calibration::test {

struct DrawnDetector {
  double dead_ps = 37e3, jitter_ps = 150, probability = 0.02, decay_ps = 60e3, background_hz = 20e3;
  double period_ps = 50e3, per_pulse = 1e-3;  // clicks of light
};

inline double draw_exponential(CounterStream& draws) { return -std::log(draws.uniform_positive()); }

/// Sorted. Jitter is one click's; a gap has that of two.
inline std::vector<std::int64_t> draw_gaps(const DrawnDetector& d, int gaps, CounterStream& draws) {
  std::vector<std::int64_t> all;
  for (int i = 0; i < gaps; ++i) {
    double gap = d.dead_ps + draw_exponential(draws) * 1e12 / d.background_hz;
    if (draws.uniform() < d.probability) gap = std::min(gap, d.dead_ps + draw_exponential(draws) * d.decay_ps);
    if (d.per_pulse > 0) {
      const double skipped = std::floor(draw_exponential(draws) / d.per_pulse);
      gap = std::min(gap, (std::ceil(d.dead_ps / d.period_ps) + skipped) * d.period_ps);
    }
    all.push_back(std::llround(gap + d.jitter_ps * std::numbers::sqrt2 * draw_normal(draws)));
  }
  std::ranges::sort(all);
  return all;
}

}  // namespace nicol::calibration::test
