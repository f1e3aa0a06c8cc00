// SPDX-License-Identifier: Apache-2.0
// Drawn arrival times of one detector: a Gaussian of which a share comes late, and a flat background.
#pragma once

#include <vector>

#include "tests/unit/calibration/drawn_clicks.hpp"

namespace nicol::calibration::test {

struct DrawnPeak {
  double centre_ps = 0, width_ps = 150, tail_share = 0.2, tail_ps = 300, background_share = 0.02, period_ps = 50e3;
};

inline std::vector<std::int32_t> draw_arrivals(const DrawnPeak& p, int clicks, CounterStream& draws) {
  std::vector<std::int32_t> all;
  for (int i = 0; i < clicks; ++i) {
    double off = p.centre_ps + p.width_ps * draw_normal(draws);
    if (draws.uniform() < p.tail_share) off += p.tail_ps * draw_exponential(draws);
    if (draws.uniform() < p.background_share) off = p.period_ps * draws.uniform();
    all.push_back(static_cast<std::int32_t>(std::lround(std::remainder(off, p.period_ps))));
  }
  return all;
}

}  // namespace nicol::calibration::test
