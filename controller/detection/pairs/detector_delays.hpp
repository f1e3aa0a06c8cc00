// SPDX-License-Identifier: Apache-2.0
// Bob's alone: how much later each of his detectors reports than their mean, learned from the pairs of every block and
// taken off in the next. Which pairs there are is decided before, by times alone.
#pragma once

#include <array>
#include <cstdint>

namespace nicol::detection::pairs {

struct MeasuredClicks;
struct MatchedPairs;

struct DetectorDelay {
  double ps = 0, error_ps = 0;  // later than the mean of the four; one standard deviation
  std::uint64_t pairs = 0;      // that said so, of all blocks; 0: nothing is known
};
/// By basis | bit << 1.
using DetectorDelayTable = std::array<DetectorDelay, 4>;

/// Not Alice's: her list must not say which detector fired, so Bob cannot see hers. What is fitted is a mean of at
/// least 64 bits' times a detector and says nothing of one of them.
class DetectorDelays {
 public:
  /// A correction is never larger: cables and electronics are calibrated before, and light that an eavesdropper times
  /// cannot drag a detector's pairs out of the window by more.
  static constexpr double kMost = 1'000;  // ps

  /// Of a block, whatever corrections its times had.
  void learn(const MeasuredClicks& his, const MatchedPairs& pairs);
  /// For the next block's ClickStreamOptions.
  std::array<std::int64_t, 4> corrections() const;
  const DetectorDelayTable& fitted() const { return delays_; }

 private:
  DetectorDelayTable delays_{};
};

}  // namespace nicol::detection::pairs
