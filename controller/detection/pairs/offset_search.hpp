// SPDX-License-Identifier: Apache-2.0
// Finds how two streams of single photons belong together when neither clock nor delay is known, and says how sure that
// is. README.md has the arithmetic behind each number here.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "controller/detection/pairs/coarse_search.hpp"
#include "controller/detection/pairs/patch.hpp"

namespace nicol::detection::pairs {

inline constexpr double kLeastSigma = 6;

struct SearchResult {
  std::optional<ClockLine> line;  // none below kLeastSigma
  /// One-sided normal equivalent of the peak's p-value times the cells searched; 0 where that is above a half.
  double sigma = 0;
  double cells = 0;
  double offset_error = 0, frequency_error = 0;  // of the line: half a cell
  double pairs_per_second = 0;
  std::int64_t begin = 0;  // of Alice's time: from here on the line was measured
};

class OffsetSearch {
 public:
  explicit OffsetSearch(SearchRange range = {}) : range_(range) {}
  /// Both ordered, picoseconds; offsets in the range about `centre`. `attempts`: how often these streams were searched,
  /// this time included.
  SearchResult operator()(std::span<const std::int64_t> alice, std::span<const std::int64_t> bob, int attempts = 1,
                          Picoseconds centre = {});
  /// Only within `offset_half` ps and `frequency_half` of a guess: what was locked a moment ago is found in less data.
  SearchResult near(std::span<const std::int64_t> alice, std::span<const std::int64_t> bob, const ClockLine& guess,
                    double offset_half, double frequency_half, int attempts = 1);

 private:
  struct Area {
    double offsets = 0, frequencies = 0;  // ps; full widths
    double trials = 1;
  };
  SearchResult follow(const Streams& streams, const Candidate& candidate, const Area& area);
  SearchResult confirm(const Streams& streams, const Patch& patch, const PatchPeak& peak, const Area& area);

  SearchRange range_;
  std::optional<CoarseSearch> coarse_;  // its tables cost more than a look near a line
  PatchSearch patch_search_;
};

}  // namespace nicol::detection::pairs
