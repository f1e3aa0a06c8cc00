// SPDX-License-Identifier: Apache-2.0
// In which order each pass of Cascade sees the bits. Public: both sides derive it from the plan's seed.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "controller/distillation/cascade_schedule.hpp"

namespace nicol::distillation::detail {

/// A random subset in its natural order. Member number i <-> position in the block.
class Subset {
 public:
  Subset(std::uint32_t bits, std::uint64_t seed, std::uint32_t pass);
  std::uint32_t size() const { return ranks_.back(); }
  std::uint32_t position(std::uint32_t member) const;
  std::optional<std::uint32_t> member(std::uint32_t position) const;
  std::span<const std::uint64_t> mask() const { return mask_; }

 private:
  std::vector<std::uint64_t> mask_;
  std::vector<std::uint32_t> ranks_;  // members before each word, and their number at the end
};

/// A Fisher-Yates shuffle keyed by (seed, pass): entry i = position in the block of the pass's bit i. (Its 2^-32 bias
/// per draw touches efficiency only.)
std::vector<std::uint32_t> shuffle(std::uint32_t bits, std::uint64_t seed, std::uint32_t pass);

/// All passes of one block; each is made when it is first used. A "place" counts within a pass.
class PassOrders {
 public:
  PassOrders(std::uint32_t bits, std::uint64_t seed) : bits_(bits), seed_(seed) {}
  std::uint32_t bits() const { return bits_; }
  /// All bits, or a subset's members.
  std::uint32_t size(std::uint32_t pass);
  std::uint32_t position(std::uint32_t pass, std::uint32_t place);
  /// Empty where a subset leaves the position out.
  std::optional<std::uint32_t> place(std::uint32_t pass, std::uint32_t position);
  /// 1 <= pass < kShuffledPasses.
  std::span<const std::uint32_t> shuffled(std::uint32_t pass);
  /// pass >= kShuffledPasses.
  const Subset& subset(std::uint32_t pass);

 private:
  struct Shuffled {
    std::vector<std::uint32_t> positions, places;  // places is filled when first asked for
  };
  std::uint32_t bits_;
  std::uint64_t seed_;
  std::array<Shuffled, kShuffledPasses> shuffled_;
  std::vector<std::optional<Subset>> subsets_;
};

}  // namespace nicol::distillation::detail
