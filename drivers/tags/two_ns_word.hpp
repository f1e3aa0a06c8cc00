// SPDX-License-Identifier: Apache-2.0
// The 32-bit word of the 2 ns taggers: the S-Fifteen TDC1, and the older card whose words readevents4 -a4 writes. Here
// because the driver hears it and the file reader reads it.
#pragma once

#include <cstdint>

#include "drivers/hal/units.hpp"

namespace nicol::tags {

inline constexpr TickLength kTwoNsTick{2000, 1};
inline constexpr unsigned kTwoNsTimeBits = 27;
inline constexpr std::int64_t kTwoNsWrap = std::int64_t{1} << kTwoNsTimeBits;  // 268.435456 ms
/// A word comes at least every 140 ms or so, if only a dummy: a longer step is no step of a healthy stream.
inline constexpr std::int64_t kTwoNsLongestStep = 100'000'000;  // 200 ms

/// [31:5] time, [4] dummy, [3:0] one bit an input.
struct TwoNsWord {
  std::uint32_t raw = 0;
  constexpr std::int64_t time() const { return raw >> 5; }
  constexpr bool dummy() const { return (raw & 0x10) != 0; }
  constexpr std::uint8_t inputs() const { return raw & 0xf; }
  /// Neither an input nor a dummy: no tagger says that, so the bytes have slipped.
  constexpr bool senseless() const { return (raw & 0x1f) == 0; }
};

/// Ticks from one word's time to the next one's where the counter may have wrapped between them. Beyond
/// kTwoNsLongestStep it is a step back instead.
constexpr std::int64_t two_ns_step(std::int64_t from, std::int64_t to) { return (to - from) & (kTwoNsWrap - 1); }

}  // namespace nicol::tags
