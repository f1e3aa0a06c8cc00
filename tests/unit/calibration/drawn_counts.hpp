// SPDX-License-Identifier: Apache-2.0
// Counts drawn from their mean.
#pragma once

#include "tests/unit/calibration/drawn_channel.hpp"

namespace nicol::calibration::test {

/// By inter-arrival times where few are expected, else by the normal law.
inline std::uint64_t draw_poisson(double mean, CounterStream& draws) {
  if (mean > 200)
    return static_cast<std::uint64_t>(std::max(0.0, std::round(mean + std::sqrt(mean) * draw_normal(draws))));
  std::uint64_t n = 0;
  for (double left = mean + std::log(draws.uniform_positive()); left > 0; ++n)
    left += std::log(draws.uniform_positive());
  return n;
}

}  // namespace nicol::calibration::test
