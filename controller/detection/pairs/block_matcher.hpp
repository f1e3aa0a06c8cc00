// SPDX-License-Identifier: Apache-2.0
// Bob's, one block after the other: her list and his clicks to the pairs they share. What one block told of the clocks
// is where the next one is looked for first, so a lock outlives its block.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "controller/detection/pairs/click_stream.hpp"
#include "controller/detection/pairs/detector_delays.hpp"
#include "controller/detection/pairs/pair_state.hpp"
#include "controller/detection/pairs/pair_tracker.hpp"

namespace nicol::detection::pairs {

struct MatchedPairs {
  std::vector<std::uint64_t> hers;      // numbers in her list, strictly increasing
  std::vector<std::uint32_t> his;       // of the same pair, among his clicks
  std::vector<std::int32_t> residuals;  // ps that his click is off the line
  TrackReport report;
  std::string why_none;  // for people; empty where there was a lock
};

class BlockMatcher {
 public:
  /// `range` of the first search. Patterns are no part of this: which detector fired is key material, so delays must be
  /// out of the times already
  /// (detector_delays).
  explicit BlockMatcher(Picoseconds closed_tick, SearchRange range = {}) : closed_tick_(closed_tick), range_(range) {}
  MatchedPairs operator()(const ClosedList& hers, const MeasuredClicks& his);
  /// Of Bob's detectors, of all blocks so far.
  const DetectorDelays& delays() const { return delays_; }

 private:
  Picoseconds closed_tick_;
  SearchRange range_;
  std::optional<ClockLine> line_;  // of the last block with a lock
  DetectorDelays delays_;
};

/// His clicks that have a partner, numbered by hers; bits turned over where the state says that they differ.
Clicks paired_clicks(MeasuredClicks&& his, const MatchedPairs& pairs, PairState state);

}  // namespace nicol::detection::pairs
