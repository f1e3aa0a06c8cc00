// SPDX-License-Identifier: Apache-2.0
// What Alice says of a block of pairs before anybody names a basis: when her detectors clicked.
#pragma once

#include <cstdint>
#include <vector>

#include "drivers/hal/units.hpp"

namespace nicol::detection::pairs {

/// Half open, in ticks after the origin.
struct TickRange {
  std::uint64_t begin = 0, end = 0;
  bool operator==(const TickRange&) const = default;
};

/// Times on her clock, her detectors' delays taken out, rounded to ticks that are too coarse to tell one detector from
/// another. Her i-th click is slot i of what follows.
struct ClosedList {
  std::int64_t origin = 0;           // ticks of her clock at which the block began
  std::vector<std::uint64_t> times;  // after the origin, strictly increasing, within the block
  std::vector<TickRange> dropped;    // sorted, disjoint; no click in here
  bool operator==(const ClosedList&) const = default;
};

}  // namespace nicol::detection::pairs
