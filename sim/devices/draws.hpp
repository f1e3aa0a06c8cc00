// SPDX-License-Identifier: Apache-2.0
// Random numbers as the optics needs them, all from counter-based streams and all bounded.
#pragma once

#include <cmath>

#include "drivers/hal/random.hpp"
#include "sim/optics/arrival.hpp"

namespace nicol::sim {

/// Strictly between 0 and 1, 52 bits.
inline double draw_open(CounterStream& stream) noexcept {
  return (static_cast<double>(stream() >> 12) + 0.5) * 0x1.0p-52;
}
/// |.| < kLargestNormal.
inline double draw_normal(CounterStream& stream) noexcept { return normal_quantile(draw_open(stream)); }
/// < kLargestExponential.
inline double draw_exponential(CounterStream& stream) noexcept { return -std::log(draw_open(stream)); }

/// Failures before the first success of probability p = 1 - exp(-rate): one draw, whatever p. Capped far beyond any
/// block.
inline std::uint64_t draw_failures(CounterStream& stream, double rate) noexcept {
  constexpr double kNever = 4e18;
  const double failures = draw_exponential(stream) / rate;
  return failures < kNever ? static_cast<std::uint64_t>(failures) : static_cast<std::uint64_t>(kNever);
}

}  // namespace nicol::sim
