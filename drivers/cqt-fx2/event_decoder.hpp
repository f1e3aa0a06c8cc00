// SPDX-License-Identifier: Apache-2.0
// The stream of endpoint 2: 64-bit words as the card's FIFO holds them, whose finest bits are a phase pattern that only
// the board's own table turns into a time. Values: bytes in, events out; no device, no clock.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "drivers/hal/result.hpp"

namespace nicol::cqt_fx2 {

inline constexpr std::size_t kInputs = 4;
/// Ticks of 125 ps, 49 bits: 19.5 hours.
inline constexpr unsigned kTimeBits = 49;
inline constexpr std::uint64_t kTimeMask = (std::uint64_t{1} << kTimeBits) - 1;

/// Sixteenths of 2 ns by phase pattern, measured on each board. Without one the card counts in 2 ns.
class PhaseTable {
 public:
  /// "6:5,7:4,497:13": pattern 0..511, sixteenths 0..15. bad_input names the entry.
  static Result<PhaseTable> parse(std::string_view text);
  bool empty() const { return known_ == 0; }
  /// nullopt where the board never shows this pattern: the fast counter was caught while it changed.
  std::optional<std::uint8_t> sixteenths(unsigned pattern) const;

 private:
  static constexpr std::uint8_t kUnknown = 0xff;
  std::array<std::uint8_t, 512> by_pattern_ = [] {
    std::array<std::uint8_t, 512> none{};
    none.fill(kUnknown);
    return none;
  }();
  std::size_t known_ = 0;
};

struct Event {
  std::uint64_t time = 0;  // 49 bits of 125 ps
  std::uint8_t inputs = 0;
  bool phase_known = true;
  bool operator==(const Event&) const = default;
};

Event decode(std::uint64_t word, const PhaseTable& phases);

/// Words may be cut anywhere by a flush. Words of zeros, which the card uses to fill, are passed over.
class EventDecoder {
 public:
  explicit EventDecoder(const PhaseTable& phases = {}) : phases_(phases) {}
  /// The next event, taking bytes off the front; nullopt when more are needed.
  std::optional<Event> next(std::span<const std::uint8_t>& bytes);
  void forget() { used_ = 0; }
  bool has_phases() const { return !phases_.empty(); }

 private:
  static constexpr std::size_t kWord = 8;
  std::optional<std::uint64_t> word(std::span<const std::uint8_t>& bytes);

  PhaseTable phases_;
  std::array<std::uint8_t, kWord> kept_{};
  std::size_t used_ = 0;
};

}  // namespace nicol::cqt_fx2
