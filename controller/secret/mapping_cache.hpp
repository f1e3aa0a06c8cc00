// SPDX-License-Identifier: Apache-2.0
// Regions of ended keys kept for the next ones: erased, closed, still locked. Making a memfd_secret page costs the
// kernel some ten microseconds, and a block makes many strings of much the same size.
#pragma once

#include <array>
#include <optional>

#include "controller/secret/mapping.hpp"

namespace nicol::secret::detail {

/// Not thread-safe. Allocates nothing.
class MappingCache {
 public:
  /// The smallest region of this backing that fits and is at most a quarter too large, open for writing and zero.
  std::optional<Mapping> take(std::size_t inner_size, Backing backing) noexcept;
  /// Takes an erased region, closes it; the oldest ones make room.
  void keep(const Mapping& mapping) noexcept;
  void unmap_all() noexcept;
  /// In a forked child, where the regions do not exist.
  void forget() noexcept { count_ = bytes_ = 0; }

 private:
  static constexpr std::size_t most_regions = 64, most_bytes = std::size_t{2} << 20;
  Mapping remove(std::size_t index) noexcept;

  std::array<Mapping, most_regions> regions_{};  // oldest first
  std::size_t count_ = 0, bytes_ = 0;
};

}  // namespace nicol::secret::detail
