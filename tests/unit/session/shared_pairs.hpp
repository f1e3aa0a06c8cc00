// SPDX-License-Identifier: Apache-2.0
// Two sessions that share drawn photon pairs: tags through the detection of both sides, her list over the line, pairs
// found at Bob's.
#pragma once

#include "controller/detection/pairs/block_matcher.hpp"
#include "tests/support/pair_stream.hpp"
#include "tests/unit/session/two_nodes.hpp"

namespace nicol::test {

class SharedPairs {
 public:
  /// Which side is through with its block first.
  enum class First : std::uint8_t { alice, bob };
  SharedPairs(TwoNodes& nodes, PairSpec spec, First first = First::alice);
  const std::vector<detection::pairs::TrackReport>& reports() const { return reports_; }
  PairSpec spec;

 private:
  void on_event(Side side, session::Event& event);
  void measure(std::uint64_t index);
  TwoNodes* nodes_;
  First first_;
  detection::pairs::BlockMatcher matcher_;
  std::optional<detection::pairs::MeasuredClicks> his_;
  std::vector<detection::pairs::TrackReport> reports_;
};

/// One side's tags of a block through its detection; `begin`: what its clock shows when the block begins.
detection::pairs::MeasuredClicks measured(const PairSide& side, double seconds, Picoseconds begin, Random& random,
                                          std::uint64_t block);

}  // namespace nicol::test
