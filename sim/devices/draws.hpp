// SPDX-License-Identifier: Apache-2.0
// Random numbers as the optics needs them, all from counter-based streams and all bounded (kLargestNormal,
// kLargestExponential), and rounding to whole picoseconds.
#pragma once

#include <cstdint>

#include "drivers/hal/random.hpp"
#include "sim/devices/ziggurat.hpp"

namespace nicol::sim {

/// Failures before the first success, `mean_gap` = -1/log(1 - p): one draw, whatever p. Capped far beyond any block.
inline std::uint64_t draw_failures(CounterStream& stream, double mean_gap) noexcept {
  constexpr double kNever = 4e18;
  const double failures = draw_exponential(stream) * mean_gap;
  return failures < kNever ? static_cast<std::uint64_t>(failures) : static_cast<std::uint64_t>(kNever);
}

/// To the nearest, halves away from zero. Inline, unlike std::llround on plain x86-64.
inline std::int64_t round_ps(double ps) noexcept { return static_cast<std::int64_t>(ps < 0 ? ps - 0.5 : ps + 0.5); }

}  // namespace nicol::sim
