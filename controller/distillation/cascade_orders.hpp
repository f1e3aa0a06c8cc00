// SPDX-License-Identifier: Apache-2.0
// In which order each pass of Cascade sees the bits. Public: both sides derive it from the plan's seed.
#pragma once

#include <cstdint>
#include <memory>
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

/// An inside-out Fisher-Yates shuffle keyed by (seed, pass): entry i = position in the block of the pass's bit i. (Its
/// 2^-32 bias per draw touches efficiency only.)
class Shuffle {
 public:
  Shuffle(std::uint32_t bits, std::uint64_t seed, std::uint32_t pass);
  std::span<const std::uint32_t> positions() const { return {positions_.get(), bits_}; }
  std::uint32_t position(std::uint32_t place) const { return positions_[place]; }
  /// The inverse is made when it is first wanted: only Bob does.
  std::uint32_t place(std::uint32_t position);

 private:
  std::uint32_t bits_;
  std::unique_ptr<std::uint32_t[]> positions_, places_;
};

/// All passes of one block; each is made when it is first used. A "place" counts within a pass. Pass p <
/// kShuffledPasses is one shuffle applied p times: neighbours of any pass are strangers in the others, as with a
/// shuffle each, at half the memory and time (f and rounds were measured equal).
class PassOrders {
 public:
  PassOrders(std::uint32_t bits, std::uint64_t seed) : bits_(bits), seed_(seed) {}
  std::uint32_t bits() const { return bits_; }
  /// All bits, or a subset's members.
  std::uint32_t size(std::uint32_t pass);
  std::uint32_t position(std::uint32_t pass, std::uint32_t place);
  /// Empty where a subset leaves the position out.
  std::optional<std::uint32_t> place(std::uint32_t pass, std::uint32_t position);
  Shuffle& shuffle();
  /// Gives its memory back; it is made again when wanted.
  void forget_shuffle() { shuffle_.reset(); }
  /// pass >= kShuffledPasses.
  const Subset& subset(std::uint32_t pass);

 private:
  std::uint32_t bits_;
  std::uint64_t seed_;
  std::optional<Shuffle> shuffle_;
  std::vector<std::optional<Subset>> subsets_;
};

}  // namespace nicol::distillation::detail
