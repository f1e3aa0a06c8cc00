// SPDX-License-Identifier: Apache-2.0
// The rounding rules of slots and gates, in 128-bit integers.
#include "controller/detection/stretch.hpp"

namespace nicol::detection {
namespace {

Wide floor_div(Wide a, Wide b) noexcept { return a / b - (a % b < 0 ? 1 : 0); }

}  // namespace

std::int64_t first_gate_ending_after(const Stretch& s, std::int64_t t, std::int64_t gate) noexcept {
  const Wide twice = 2 * (static_cast<Wide>(t) - s.begin) - gate;
  return s.first + static_cast<std::int64_t>(floor_div(twice * s.steps, 2 * static_cast<Wide>(s.length))) + 1;
}

std::int64_t first_gate_beginning_from(const Stretch& s, std::int64_t t, std::int64_t gate) noexcept {
  const Wide twice = 2 * (static_cast<Wide>(t) - s.begin) + gate;
  return s.first - static_cast<std::int64_t>(floor_div(-twice * s.steps, 2 * static_cast<Wide>(s.length)));
}

bool fits(const Stretch& s, std::int64_t latest, std::int64_t widest) noexcept {
  constexpr Wide kLimit = static_cast<Wide>(1) << 60;
  const Wide span = static_cast<Wide>(latest) - s.begin + s.length / s.steps + widest;
  return span * s.steps < kLimit && static_cast<Wide>(s.length) < kLimit;
}

}  // namespace nicol::detection
