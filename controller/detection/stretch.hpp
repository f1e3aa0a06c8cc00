// SPDX-License-Identifier: Apache-2.0
// A straight piece of the slot clock between two sync tags, and the exact place of a tag on it. Stream time counts
// units of 1/den picosecond (TickLength num/den) since the stream's first tick: ticks become time by one
// multiplication.
#pragma once

#include <cstdint>
#include <type_traits>

namespace nicol::detection {

__extension__ using Wide = __int128;
__extension__ using UnsignedWide = unsigned __int128;
template <class Int>
using UnsignedOf = std::conditional_t<sizeof(Int) == 8, std::uint64_t, UnsignedWide>;
/// -half <= x < half, for half >= 0, in one comparison.
template <class Int>
constexpr bool within(Int x, Int half) noexcept {
  return static_cast<UnsignedOf<Int>>(x) + static_cast<UnsignedOf<Int>>(half) < 2 * static_cast<UnsignedOf<Int>>(half);
}

/// Slot first + i starts at begin + i * length / steps, an exact rational; valid on both sides of begin.
struct Stretch {
  std::int64_t begin = 0, first = 0, length = 0, steps = 1;
};

/// The first slot whose gate (centred on its start, `gate` wide, half-open) ends after t: all slots before it are over.
std::int64_t first_gate_ending_after(const Stretch& s, std::int64_t t, std::int64_t gate) noexcept;
/// The first slot whose gate begins at t or later.
std::int64_t first_gate_beginning_from(const Stretch& s, std::int64_t t, std::int64_t gate) noexcept;

/// Nearest slot of a time by one multiplication, then exact. Int holds 2 * time * steps: 64 bits where fits() says so.
template <class Int>
class Locator {
 public:
  struct Place {
    std::int64_t slot;
    Int twice;  // 2 * steps * (time - start of the slot), in [-length, length)
  };

  Locator(const Stretch& s, std::int64_t gate) noexcept
      : begin_(s.begin),
        first_(s.first),
        half_(s.length / (2 * s.steps)),
        length_(s.length),
        twice_length_(2 * static_cast<Int>(s.length)),
        twice_steps_(2 * static_cast<Int>(s.steps)),
        reach_(static_cast<Int>(gate) * s.steps),
        inverse_(static_cast<std::uint64_t>((static_cast<UnsignedWide>(static_cast<std::uint64_t>(s.steps)) << 64) /
                                            static_cast<std::uint64_t>(s.length))) {}

  /// The earliest time this stretch can place.
  std::int64_t earliest() const noexcept { return begin_ - half_; }
  Place operator()(std::int64_t t) const noexcept {
    const std::int64_t x = t - begin_;
    // inverse_ and half_ are rounded down, so the guess is the nearest slot or the one before it.
    auto r =
        static_cast<std::int64_t>((static_cast<UnsignedWide>(static_cast<std::uint64_t>(x + half_)) * inverse_) >> 64);
    Int twice = static_cast<Int>(x) * twice_steps_ - static_cast<Int>(r) * twice_length_;
    if (twice >= length_) [[unlikely]] {
      ++r;
      twice -= twice_length_;
    }
    return {first_ + r, twice};
  }
  bool in_gate(Int twice) const noexcept { return within(twice, reach_); }
  Int reach() const noexcept { return reach_; }
  Int twice_steps() const noexcept { return twice_steps_; }

 private:
  std::int64_t begin_, first_, half_;
  Int length_, twice_length_, twice_steps_, reach_;
  std::uint64_t inverse_;
};

/// True when Locator<int64_t> cannot overflow for times up to `latest`, windows up to `widest`.
bool fits(const Stretch& s, std::int64_t latest, std::int64_t widest) noexcept;

}  // namespace nicol::detection
