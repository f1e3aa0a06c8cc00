// SPDX-License-Identifier: Apache-2.0
// Drawn pair streams through the search and the tracker, as the tests here want them.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "controller/detection/pairs/pair_tracker.hpp"
#include "drivers/hal/random.hpp"
#include "tests/support/pair_stream.hpp"

namespace nicol::detection::pairs {

/// Offset and frequency anywhere in the range searched.
inline test::PairSpec anywhere(test::PairSpec spec, std::uint64_t seed) {
  CounterStream random({seed, NodeId::world, Purpose::test, 99});
  spec.seed = seed;
  spec.offset = (2 * random.uniform() - 1) * 1e12;
  spec.frequency = (2 * random.uniform() - 1) * 120e-6;
  spec.drift = (2 * random.uniform() - 1) * 1e-9;
  return spec;
}

/// Bright enough to be found in little data.
inline test::PairSpec bright(double seconds) {
  test::PairSpec spec;
  spec.seconds = seconds;
  spec.pairs = 5000;
  spec.background_alice = spec.background_bob = 20'000;
  return spec;
}

struct Tracked {
  std::vector<Coincidence> pairs;
  TrackReport report;
};

inline Tracked track(const test::PairStreams& s, TrackerOptions options = {}, std::size_t piece = 20'000) {
  PairTracker tracker(s.spec.tick_alice, s.spec.tick_bob, options);
  Tracked t;
  std::size_t a = 0, b = 0;
  const auto give = [&](Side side, const test::PairSide& from, std::size_t& at) {
    const std::size_t n = std::min(piece, from.ticks.size() - at);
    if (!tracker.feed(side, std::span(from.ticks).subspan(at, n), std::span(from.patterns).subspan(at, n)).ok())
      std::abort();
    at += n;
  };
  while (a < s.alice.ticks.size() || b < s.bob.ticks.size()) {
    const bool at_alice = b == s.bob.ticks.size() || (a < s.alice.ticks.size() && tracker.behind() == Side::alice);
    if (at_alice)
      give(Side::alice, s.alice, a);
    else
      give(Side::bob, s.bob, b);
    for (const Coincidence& c : tracker.advance()) t.pairs.push_back(c);
  }
  for (const Coincidence& c : tracker.finish()) t.pairs.push_back(c);
  t.report = tracker.report();
  return t;
}

/// How many of them are pairs that were drawn as such.
inline std::size_t true_pairs(const test::PairStreams& s, const std::vector<Coincidence>& found) {
  std::vector<std::pair<std::int64_t, std::int64_t>> drawn;
  for (const test::PairTruth& p : s.pairs) drawn.emplace_back(p.alice, p.bob);
  std::sort(drawn.begin(), drawn.end());
  return static_cast<std::size_t>(std::count_if(found.begin(), found.end(), [&](const Coincidence& c) {
    return std::binary_search(drawn.begin(), drawn.end(),
                              std::pair{s.alice.ticks[c.alice_index], s.bob.ticks[c.bob_index]});
  }));
}

}  // namespace nicol::detection::pairs
