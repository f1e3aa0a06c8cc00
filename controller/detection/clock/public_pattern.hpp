// SPDX-License-Identifier: Apache-2.0
// The slots whose state everybody knows, so that Bob can find his slot numbers from his clicks alone: a preamble, in
// which every slot is public, and a comb of single slots through the rest of the block as witnesses of the count.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "controller/detection/clicks.hpp"
#include "drivers/hal/result.hpp"

namespace nicol::detection {

/// What BLOCK_OPEN says of it; equal at Alice and Bob.
struct PatternLayout {
  std::uint64_t seed = 0;      // of the codes; public
  std::uint64_t slots = 0;     // of the block
  std::uint64_t preamble = 0;  // public from slot 0 on, and again after every pause of the light
  std::uint64_t repeat = 0;    // the preamble stands again at every multiple of this; 0: it does not
  std::uint64_t tail = 0;      // public at the end of the block: confirms the slots before it
  std::uint32_t spacing = 32;  // every so many slots one is public
  Basis basis = Basis::rectilinear;
};

/// The states are a function of (seed, slot). In the preamble three codes of coprime periods take turns, so that each
/// is found by itself and the three places give the slot number (Chinese remainders). Comb and tail never repeat: a
/// check against them fails for every wrong number, however far off.
class PublicPattern {
 public:
  static constexpr std::array<std::int64_t, 3> kPeriods{2039, 2047, 2048};
  /// Slot numbers repeat in the preamble's codes after this many slots; a block is shorter.
  static constexpr std::int64_t kRange = 3 * kPeriods[0] * kPeriods[1] * kPeriods[2];

  /// out_of_range: a block longer than kRange, a preamble of no slots, spacing below 2 or above 4096.
  static Result<PublicPattern> make(const PatternLayout& layout);

  const PatternLayout& layout() const { return layout_; }
  bool is_public(std::uint64_t slot) const noexcept {
    return is_dense(slot) || in_tail(slot) || slot % layout_.spacing == 0;
  }
  /// The bit that Alice sends in a public slot, in layout().basis; nothing elsewhere.
  std::optional<bool> bit(std::uint64_t slot) const noexcept;
  /// Alice: writes the public slots of a chunk over her random settings (bit k % 64 of word k / 64; 1 = diagonal).
  void write(std::uint64_t first_slot, std::size_t slots, std::span<std::uint64_t> bases,
             std::span<std::uint64_t> bits) const;
  /// Light went on at this slot after a pause: a preamble stands there too. Both sides, before the first slot of it.
  void resume_at(std::uint64_t first_slot);
  /// Public slots of the block, or of a part of it: what the pattern costs.
  std::uint64_t public_slots() const { return public_slots({0, layout_.slots}); }
  std::uint64_t public_slots(SlotRange range) const;

  /// A code of the preamble as +1 (bit 1) and -1, twice in a row, so that every rotation is a contiguous piece.
  std::span<const std::int16_t> dense_code(std::size_t i) const { return codes_[i]; }
  /// The comb's bits from its place `first` on (slot = place * spacing), as +1 and -1; before slot 0 as if it went on.
  void comb_code(std::int64_t first, std::span<std::int16_t> out) const noexcept;

 private:
  explicit PublicPattern(const PatternLayout& layout);
  bool is_dense(std::uint64_t slot) const noexcept;
  bool in_tail(std::uint64_t slot) const noexcept { return slot + layout_.tail >= layout_.slots; }
  template <class F>
  void for_each_dense(SlotRange range, F&& f) const;

  PatternLayout layout_;
  std::vector<std::uint64_t> resumed_;
  std::array<std::vector<std::int16_t>, 3> codes_;
};

/// Slots of preamble after which Bob has locked in all but one of 1e4 tries: `per_slot` clicks a slot (darks included),
/// `contrast` = (1 - 2 QBER) x the part of the clicks that is light, `matching` = the part that Bob measures in the
/// pattern's basis. TIMING.md derives it.
std::uint64_t preamble_needed(double per_slot, double contrast, double matching) noexcept;

/// Slots of tail in which four windows of the check pass, as a rule: the last slots of the block are then confirmed.
std::uint64_t tail_needed(double per_slot, double contrast, double matching) noexcept;

/// Takes the clicks of public slots out: they are no key. Both sides' lists then agree.
void remove_public(Clicks& clicks, const PublicPattern& pattern);

}  // namespace nicol::detection
