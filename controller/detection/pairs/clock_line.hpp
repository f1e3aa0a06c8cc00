// SPDX-License-Identifier: Apache-2.0
// How far Bob's clock is ahead of Alice's, as a straight line in her time.
#pragma once

#include <cmath>
#include <cstdint>

namespace nicol::detection::pairs {

/// t_bob - t_alice of a pair = offset + frequency * (t_alice - at); picoseconds, frequency without unit.
struct ClockLine {
  std::int64_t at = 0;
  double offset = 0, frequency = 0;

  double offset_at(std::int64_t alice) const { return offset + frequency * static_cast<double>(alice - at); }
  /// Alice's time as Bob's clock would have shown it.
  std::int64_t to_bob(std::int64_t alice) const {
    return alice + static_cast<std::int64_t>(std::floor(offset_at(alice) + 0.5));
  }
  /// The same line, named by another instant.
  ClockLine moved_to(std::int64_t instant) const { return {instant, offset_at(instant), frequency}; }
};

}  // namespace nicol::detection::pairs
