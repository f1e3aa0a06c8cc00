// SPDX-License-Identifier: Apache-2.0
// Arrival histogram index of a tag from Locator's exact offset.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "controller/detection/stretch.hpp"

namespace nicol::detection {

/// `bins` bins of `width`, centred on the slot's start.
template <class Int>
class ArrivalBins {
 public:
  ArrivalBins(std::size_t bins, std::int64_t width, Int steps) noexcept
      : half_(static_cast<Int>(bins) * width * steps), per_bin_(2 * width * steps), last_(bins - 1) {
    if constexpr (sizeof(Int) == 8) inverse_ = ~std::uint64_t{0} / static_cast<std::uint64_t>(per_bin_) + 1;
  }
  bool holds(Int twice) const noexcept { return twice >= -half_ && twice < half_; }
  std::size_t operator()(Int twice) const noexcept {
    const auto from_left = static_cast<std::uint64_t>(twice + half_);
    if constexpr (sizeof(Int) == 8)
      return std::min(static_cast<std::size_t>((static_cast<UnsignedWide>(from_left) * inverse_) >> 64), last_);
    else
      return static_cast<std::size_t>((twice + half_) / per_bin_);
  }

 private:
  Int half_, per_bin_;
  std::size_t last_;
  std::uint64_t inverse_ = 0;
};

}  // namespace nicol::detection
