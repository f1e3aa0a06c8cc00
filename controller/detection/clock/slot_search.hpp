// SPDX-License-Identifier: Apache-2.0
// Stage 2 of the lock: which slot is which, by correlating clicks with the public pattern. Codes are short, so the
// search is (clicks) x (period) additions whatever the range of offsets; a lost photon costs nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "controller/detection/clock/public_pattern.hpp"

namespace nicol::detection {

/// A lock is tried where noise alone would give one with at most this probability (all hypotheses together). Nothing is
/// kept of it that PublicCheck does not confirm.
inline constexpr double kFalseLock = 1e-8;

/// Clicks in the pattern's basis whose slots are counted from an unknown one: slot of the block = local + shift.
/// values: +1 (bit 1) or -1. Derived from clicks: in locked memory, like the scratch rows.
struct LocalClicks {
  std::span<const std::int64_t> local;
  std::span<const std::int8_t> values;
};
/// Places of the comb that are tried: half of them before the expected one.
inline constexpr std::int64_t kCombReach = 8192;
struct SearchRows {
  std::span<std::int16_t, kCombReach> correlation, second;
};

/// shift: slot = local + shift. log_false: upper bound of the natural logarithm of the probability that clicks which
/// know nothing of the pattern reach this in any of the places searched. contrast: of the clicks used, agreeing less
/// disagreeing over all.
struct SlotLock {
  std::int64_t shift = 0;
  double log_false = 0, contrast = 0;
  std::size_t used = 0;
};

/// Where the clicks lie in a preamble: the shift of the newest click into 0..slots. At most 16384 clicks.
std::optional<SlotLock> find_in_preamble(const PublicPattern& pattern, const LocalClicks& clicks, SearchRows rows);
/// Where they lie in the comb, within 4096 x spacing slots of the `expected` shift. Clicks in the order of their slots.
std::optional<SlotLock> find_in_comb(const PublicPattern& pattern, const LocalClicks& clicks, std::int64_t expected,
                                     SearchRows rows);

}  // namespace nicol::detection
