// SPDX-License-Identifier: Apache-2.0
// Random fibres, and the counts that a two-basis receiver behind a compensator has of them.
#pragma once

#include <Eigen/Geometry>
#include <cmath>
#include <vector>

#include "controller/calibration/channel_fit.hpp"
#include "drivers/hal/random.hpp"

namespace nicol::calibration::test {

inline double draw_normal(CounterStream& draws) {
  return std::sqrt(-2 * std::log(draws.uniform_positive())) * std::cos(2 * std::numbers::pi * draws.uniform());
}

/// Uniform over all rotations.
inline Rotation draw_fibre(CounterStream& draws) {
  Eigen::Quaterniond q(draw_normal(draws), draw_normal(draws), draw_normal(draws), draw_normal(draws));
  return q.normalized().toRotationMatrix();
}

/// Four states and two bases for each setting: 16 observations without counts.
inline std::vector<Observation> plan(const std::vector<Rotation>& settings) {
  std::vector<Observation> all;
  for (const Rotation& r : settings)
    for (const Stokes& sent : {Stokes(1, 0, 0), Stokes(-1, 0, 0), Stokes(0, 1, 0), Stokes(0, -1, 0)})
      for (const Stokes& analysed : {Stokes(1, 0, 0), Stokes(0, 1, 0)}) all.push_back({r, sent, analysed, 0, 0});
  return all;
}

/// (s1, s2, s3) -> (s2, s3, s1): what one setting cannot see, the next one can.
inline Rotation cyclic() {
  Rotation r;
  r << 0, 0, 1, 1, 0, 0, 0, 1, 0;
  return r;
}

inline void draw_counts(std::vector<Observation>& seen, const Rotation& fibre, double visibility, std::uint64_t each,
                        CounterStream& draws) {
  for (Observation& o : seen) {
    const double p = (1 + visibility * o.analysed.dot(o.compensator * (fibre * o.sent))) / 2;
    o.plus = 0;
    for (std::uint64_t i = 0; i < each; ++i) o.plus += draws.uniform() < p ? 1U : 0U;
    o.minus = each - o.plus;
  }
}

}  // namespace nicol::calibration::test
