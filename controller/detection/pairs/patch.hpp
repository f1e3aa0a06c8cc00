// SPDX-License-Identifier: Apache-2.0
// A small patch of the plane of offsets and frequencies, searched without a grid in memory: only differences of tags
// that the patch can reach are looked at. Each finer step of a search is one of these.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "controller/detection/pairs/clock_line.hpp"

namespace nicol::detection::pairs {

struct Patch {
  std::int64_t begin = 0, length = 0;  // of Alice's time, ps
  ClockLine centre;
  double offset_half = 0, frequency_half = 0;  // searched on both sides, at the middle of the stretch
  double cell = 0;  // ps: a cell is so wide, and its neighbours' slopes part by so much over the stretch

  double offset_step() const { return cell / 2; }
  double frequency_step() const { return cell / static_cast<double>(length); }
};

struct PatchPeak {
  ClockLine line;             // named by the middle of the stretch
  double count = 0;           // differences inside the cell
  double background = 0;      // expected there by chance
  double overdispersion = 1;  // variance of a chance count over its mean
  double log_p = 0;           // of this one cell
  double cells = 1;           // of this patch
};

/// Reused from patch to patch.
class PatchSearch {
 public:
  /// Both ordered. The cell of the largest count; count 0 where the streams do not meet.
  PatchPeak operator()(std::span<const std::int64_t> alice, std::span<const std::int64_t> bob, const Patch& patch);

 private:
  void collect(std::span<const std::int64_t> alice, std::span<const std::int64_t> bob, const Patch& patch);
  void fill(double frequency);
  double comb_level(std::size_t peak) const;

  std::vector<float> instants_, differences_;  // about the middle and the centre line
  std::vector<std::uint32_t> bins_;            // half a cell each
  float half_ = 0, per_bin_ = 0;
};

}  // namespace nicol::detection::pairs
