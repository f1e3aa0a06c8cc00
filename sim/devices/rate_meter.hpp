// SPDX-License-Identifier: Apache-2.0
// Clicks a second of each detector over the last stretch of light.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "drivers/hal/units.hpp"

namespace nicol::sim {

/// measure() by one thread, rate() by any.
class RateMeter {
 public:
  explicit RateMeter(std::size_t detectors) : counts_(detectors, 0) {}
  /// `counts` of a tagger's stream up to now; they begin anew with each stream.
  void measure(const std::vector<std::uint64_t>& counts, Picoseconds now) {
    const std::int64_t span = now.count - since_;
    if (span >= 0 && span < kSpan) return;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      const std::uint64_t fresh = counts[i] >= counts_[i] ? counts[i] - counts_[i] : counts[i];
      rates_[i] = span > 0 ? static_cast<double>(fresh) / Picoseconds{span}.seconds() : 0;
      counts_[i] = counts[i];
    }
    since_ = now.count;
  }
  Hertz rate(std::size_t detector) const { return {rates_[detector].load()}; }

 private:
  static constexpr std::int64_t kSpan = 10'000'000'000;  // 10 ms
  std::array<std::atomic<double>, 4> rates_{};
  std::vector<std::uint64_t> counts_;
  std::int64_t since_ = 0;
};

}  // namespace nicol::sim
