// SPDX-License-Identifier: Apache-2.0
// Arrival histogram index of a tag from Locator's exact offset.
#pragma once

#include <cstddef>
#include <cstdint>

#include "controller/detection/stretch.hpp"

namespace nicol::detection {

/// `bins` bins of `width`, centred on the slot's start. The reciprocal is rounded up: the last tags of all may be given
/// the bin beyond the last, so a row has room for it (kBeyond).
template <class Int>
class ArrivalBins {
 public:
  static constexpr std::size_t kBeyond = 1;
  ArrivalBins(std::size_t bins, std::int64_t width, Int twice_steps) noexcept
      : half_(static_cast<Int>(bins) * width * (twice_steps / 2)), per_bin_(width * twice_steps) {
    if constexpr (sizeof(Int) == 8) inverse_ = ~std::uint64_t{0} / static_cast<std::uint64_t>(per_bin_) + 1;
  }
  bool holds(Int twice) const noexcept { return within(twice, half_); }
  std::size_t operator()(Int twice) const noexcept {
    const auto from_left = static_cast<std::uint64_t>(twice + half_);
    if constexpr (sizeof(Int) == 8)
      return static_cast<std::size_t>((static_cast<UnsignedWide>(from_left) * inverse_) >> 64);
    else
      return static_cast<std::size_t>((twice + half_) / per_bin_);
  }

 private:
  Int half_, per_bin_;
  std::uint64_t inverse_ = 0;
};

}  // namespace nicol::detection
