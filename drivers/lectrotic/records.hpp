// SPDX-License-Identifier: Apache-2.0
// The LectroTIC-4's stream: eight bytes a record, without framing or checksum, in which the answer to *IDN? may stand.
// Values: bytes in, items out; no port, no clock.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "drivers/hal/time_tagger.hpp"

namespace nicol::lectrotic {

inline constexpr std::int64_t kTicksPerSecond = 250'000'000;  // of 4 ns
inline constexpr std::size_t kRecord = 8;
/// "Output cleared": the same eight bytes every time.
inline constexpr std::array<std::uint8_t, kRecord> kCleared{0, 0, 0, 0, 0, 0, 0, 0x10};

struct StreamItem {
  enum class Kind : std::uint8_t {
    tag,                // `edge` on `channel` at `ticks`
    cleared,            // the output was emptied
    lost,               // pulses of `channel`, at some time since it said so last
    oscillator_failed,  // the device has halted
    identity,           // the answer to *IDN?, where a record begins
    corrupt             // what follows means nothing until the output is cleared
  };
  Kind kind = Kind::tag;
  std::uint8_t channel = 0;
  hal::Edge edge = hal::Edge::rising;
  std::int64_t ticks = 0;  // since the device was switched on
  /// Pulses too close to the one before, and pulses that found the buffer full; 65535 means that or more.
  std::uint16_t too_close = 0, overflowed = 0;
  const char* why = "";  // corrupt
};

/// Seconds u32, word u32, little-endian; word [31:30] channel, [29] polarity, [28] special, [27:0] ticks.
StreamItem parse_record(std::span<const std::uint8_t, kRecord> bytes);

class StreamDecoder {
 public:
  /// The next item, taking bytes off the front; nullopt when more are needed. After `corrupt` always nullopt.
  std::optional<StreamItem> next(std::span<const std::uint8_t>& bytes);

 private:
  std::optional<StreamItem> rest_of_line(std::span<const std::uint8_t>& bytes);

  std::array<std::uint8_t, kRecord> kept_{};
  std::size_t used_ = 0, line_ = 0;  // line_: characters of a text line, 0 outside of one
  bool broken_ = false;
};

/// Finds "output cleared" at any place.
class ClearedSearch {
 public:
  /// Taking bytes off the front, up to and with the record.
  bool next(std::span<const std::uint8_t>& bytes);

 private:
  std::array<std::uint8_t, kRecord> last_{};
  std::size_t seen_ = 0;
};

}  // namespace nicol::lectrotic
