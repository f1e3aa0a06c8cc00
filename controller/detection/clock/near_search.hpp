// SPDX-License-Identifier: Apache-2.0
// The lock after a darkness that the clocks bridge: frequency and drift are known, the coasting line is off by a few
// slots at most. All photons tell its phase, and a few public ones which of those slots it is.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "controller/detection/clock/arrival_phase.hpp"
#include "controller/detection/clock/public_pattern.hpp"
#include "controller/detection/clock/tracked_line.hpp"

namespace nicol::detection {

/// A lock near the coasting line is tried where clicks that know nothing of the pattern would give one with at most
/// this probability. A wrong one costs the time until PublicCheck fails it, never a slot.
inline constexpr double kFalseNearLock = 1e-5;

/// Counted tags since the lock was lost. value_of: by detector, +1 (bit 1), -1, or 0 (not the pattern's basis).
struct NearClicks {
  std::span<const std::int64_t> times;
  std::span<const std::uint8_t> who;
  std::span<const std::int8_t> value_of;
  std::int64_t gate = 0;
};
/// Room for as many clicks; values are key material.
struct NearRows {
  std::span<std::int64_t> local;
  std::span<std::int8_t> values;
};

/// line: the coasting one, at the centre of the light and corrected there. log_false: as SlotLock's.
struct NearLock {
  TrackedLine line;
  ArrivalPhase arrivals;
  double log_false = 0;
};

/// Nothing where there is no light at the end of the clicks, the public ones do not decide, or the line has coasted too
/// long to count on.
std::optional<NearLock> find_near(const PublicPattern& pattern, const TrackedLine& coasting, const NearClicks& clicks,
                                  NearRows rows);

}  // namespace nicol::detection
