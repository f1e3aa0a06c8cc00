// SPDX-License-Identifier: Apache-2.0
// The whole plane of offsets and frequencies at once, coarsely: the places worth a closer look, best first.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "controller/detection/pairs/clock_line.hpp"
#include "controller/detection/pairs/correlation.hpp"
#include "drivers/hal/units.hpp"

namespace nicol::detection::pairs {

/// Of the offset at Alice's first tag.
struct SearchRange {
  Picoseconds offset{1'000'000'000'000};  // at most 1 s, on both sides
  double frequency = 120e-6;              // on both sides
};

/// Two ordered streams and the stretch of Alice's time in which they can hold pairs.
struct Streams {
  /// Offsets within `range` of `centre`.
  Streams(std::span<const std::int64_t> alice_times, std::span<const std::int64_t> bob_times, Picoseconds range,
          Picoseconds centre);
  std::span<const std::int64_t> alice, bob;
  std::int64_t centre = 0;
  std::int64_t begin = 0, end = 0;
  /// Chance pairs per ps of difference and ps of time.
  double chance_rate() const;
  /// Were they to belong together by this line: the part of the stretch that both sides recorded. What lies outside
  /// holds no pair, and a look that took it in would be blunter than it says.
  struct Overlap {
    std::int64_t begin = 0, end = 0;
  };
  Overlap overlap(const ClockLine& line) const;
};

struct Candidate {
  float score = 0;  // standard deviations
  std::int32_t lag = 0, slope = 0;
  std::int64_t at = 0;  // offset and frequency are those of this instant of Alice's
  double offset = 0, frequency = 0;
  double offset_half = 0, frequency_half = 0;  // where a closer look has to look
};

class CoarseSearch {
 public:
  explicit CoarseSearch(SearchRange range);
  const SearchRange& range() const { return range_; }
  /// At most `most`, no two of one peak. Looks at the first eleven seconds.
  std::vector<Candidate> operator()(const Streams& streams, std::size_t most);

 private:
  struct Section {
    std::int64_t middle = 0;
    std::span<const std::int64_t> alice, bob;
  };
  void cut(const Streams& streams);
  void correlate(std::array<double, 2> frequencies);
  void scan(std::size_t coarse, std::span<const float> lags, std::vector<Candidate>& found);
  void scan_tile(std::int64_t tile, std::size_t length, const Candidate& slope, std::span<const float> lags,
                 std::vector<Candidate>& found);
  void pick(const Candidate& at, std::size_t length, std::vector<Candidate>& found) const;

  /// Not a power of two: sections a megabyte apart would fight for the same cache lines.
  std::size_t stride() const { return correlation_.grid().bins() + 2 * kSumBlock + 1040; }

  SearchRange range_;
  Correlation correlation_;
  std::vector<Section> sections_;
  std::int64_t centre_ = 0;
  std::int64_t reach_ = 0;             // offsets on both sides of the centre: the range, and what the clocks drift
  std::vector<Grid> spectra_;          // Bob's, one a section
  std::vector<float> first_, second_;  // [section][lag], two guesses
  std::vector<const float*> rows_;
  AlignedFloats sums_, maxima_;
  double deviation_ = 1;  // of one cell's sum
  float threshold_ = 0;
};

}  // namespace nicol::detection::pairs
