// SPDX-License-Identifier: Apache-2.0
// A link nobody knows: states that are not quite square, plates and analysers as they are sold, and its drawn counts.
#pragma once

#include "controller/calibration/optics_fit.hpp"
#include "tests/unit/calibration/drawn_channel.hpp"

namespace nicol::calibration::test {

struct OpticsSpread {
  double state = 0.03, length = 0.01;      // radians on the sphere; of length
  double retardance = 0.05, offset = 0.3;  // radians
  double play = 0, skew = 0.02, ellipticity = 0.02;
};

inline Optics draw_optics(CounterStream& draws, const OpticsSpread& by = {}) {
  Optics o;
  const Rotation fibre = draw_fibre(draws);
  for (std::size_t i = 0; i < 4; ++i) {
    const Eigen::Vector3d aside(draw_normal(draws), draw_normal(draws), draw_normal(draws));
    const double length = 1 - by.length * draws.uniform();
    o.sent[i] = length * (fibre * turn(by.state * aside) * Stokes(kStates[i][0], kStates[i][1], 0));
  }
  for (std::size_t i = 0; i < 3; ++i) {
    o.stack.retardance[i] += by.retardance * draw_normal(draws);
    o.offset[i] = by.offset * draw_normal(draws);
    o.play[i] = by.play * draws.uniform();
  }
  o.skew = by.skew * draw_normal(draws);
  for (std::size_t b = 0; b < 2; ++b) {
    o.ellipticity[b] = by.ellipticity * draw_normal(draws);
    o.contrast[b] = {0.985 + 0.01 * draws.uniform(), 0.98 + 0.01 * draws.uniform()};
    o.log_gain[b] = 0.1 * draw_normal(draws);
  }
  return o;
}

/// `each` clicks a point, half of them in each basis, as many of each state.
inline void draw_clicks(const Optics& truth, std::vector<ScanPoint>& points, int each, CounterStream& draws) {
  for (ScanPoint& point : points) {
    const auto p = chances(truth, point);
    point.seen = {};
    for (std::size_t s = 0; s < 4; ++s)
      for (std::size_t b = 0; b < 2; ++b)
        for (int i = 0; i < each / 8; ++i) ++point.seen[s][2 * b + (draws.uniform() < p[s][b] ? 1U : 0U)];
  }
}

}  // namespace nicol::calibration::test
