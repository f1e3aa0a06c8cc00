// SPDX-License-Identifier: Apache-2.0
// Coincidences to sifted bits: both detectors name a basis and a bit, and the pair's state says whether Bob's is turned
// over.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "controller/detection/pairs/event_queue.hpp"
#include "controller/detection/pairs/pair_state.hpp"
#include "controller/detection/pairs/pair_tracker.hpp"
#include "drivers/hal/random.hpp"

namespace nicol::detection::pairs {

/// What becomes of a side on which several detectors fired. random is the rule that a key needs: of one basis a random
/// bit, of both a random basis and bit; dropping them lets Eve choose what counts.
enum class MultiClicks : std::uint8_t { drop, random };

struct SiftedPair {
  std::uint8_t basis = 0;           // 0 rectilinear (V, H), 1 diagonal (minus, plus)
  bool alice = false, bob = false;  // H and plus are 1; Bob's so that equal means agreement
};

struct BasisCounts {
  std::uint64_t bits = 0, errors = 0;
};

class PairSifter {
 public:
  /// `seed` shapes the random rule alone.
  PairSifter(PairState state, MultiClicks rule, std::uint64_t seed);
  /// None: bases differ, a multi-click was dropped, or a side names no detector.
  std::optional<SiftedPair> operator()(const Coincidence& pair);
  /// Coincidences with several detectors on a side, whatever the rule.
  std::uint64_t multi_clicks() const { return multi_clicks_; }
  const std::array<BasisCounts, 2>& counts() const { return counts_; }

 private:
  struct Reading {
    std::uint8_t basis = 0;
    bool bit = false;
  };
  static Reading read(Pattern pattern, CounterStream& coins);

  PairState state_;
  MultiClicks rule_;
  CounterStream alice_coins_, bob_coins_;
  std::uint64_t multi_clicks_ = 0;
  std::array<BasisCounts, 2> counts_{};
};

}  // namespace nicol::detection::pairs
