// SPDX-License-Identifier: Apache-2.0
// Tag streams of the qcrypto timestamp cards as readevents writes them: one 64-bit word an event, in four spellings.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/hal/result.hpp"
#include "drivers/hal/units.hpp"

namespace nicol::files {

enum class ReadeventsForm : std::uint8_t {
  native,           // -a1: little-endian 64-bit words
  high_word_first,  // -a1 -X: two little-endian 32-bit words, the high one first
  hex,              // -a2: 16 hexadecimal digits a line
  hex32             // -a0: 8 hexadecimal digits a line, the low half of a word on the first
};
/// "readevents", "readevents-x", "readevents-hex", "readevents-hex32".
std::string_view to_string(ReadeventsForm form) noexcept;
std::optional<ReadeventsForm> readevents_form(std::string_view name) noexcept;

inline constexpr TickLength kReadeventsTick{1000, 256};  // 1/256 ns

/// One event as the card made it. Older cards leave the low five bits of the time at zero: they count in 1/8 ns.
struct EventWord {
  std::uint64_t raw = 0;
  /// Ticks of 1/256 ns since the acquisition began; 54 bits, wraps after 19.5 hours.
  constexpr std::int64_t ticks() const { return static_cast<std::int64_t>(raw >> 10); }
  /// Detectors that fired together: bit 0 V, 1 minus, 2 H, 3 plus.
  constexpr std::uint8_t pattern() const { return raw & 0xf; }
  /// No photon: an entry that only carries time.
  constexpr bool dummy() const { return (raw & 0x10) != 0; }
  bool operator==(const EventWord&) const = default;
};

/// Ticks from one word to the next where the 54-bit time may have wrapped between them, forward or, for a word that
/// came late, back. A wrap is believed only where the true step is under 1.2 hours: anything else is what the words
/// say.
constexpr std::int64_t readevents_step(EventWord from, EventWord to) {
  constexpr std::int64_t kWrap = std::int64_t{1} << 54, kLongest = std::int64_t{1} << 50;
  const std::int64_t step = to.ticks() - from.ticks();
  if (step < kLongest - kWrap) return step + kWrap;
  if (step > kWrap - kLongest) return step - kWrap;
  return step;
}

/// Bytes to events, in pieces of any size; memory is bounded by the largest piece.
class ReadeventsDecoder {
 public:
  explicit ReadeventsDecoder(ReadeventsForm form) : form_(form) {}
  /// Then pieces of up to so many bytes allocate nothing.
  void reserve(std::size_t piece) { events_.reserve(piece / 8 + 1); }
  /// The events completed by these bytes; valid until the next call. bad_input names the line (text).
  Result<std::span<const EventWord>> decode(std::span<const std::byte> bytes);
  /// The events completed by the end of the input, at most one. bad_input names the byte offset (binary) or the line.
  Result<std::span<const EventWord>> finish();

 private:
  void decode_words(std::span<const std::byte> bytes);
  Result<void> decode_text(std::span<const std::byte> bytes);
  Result<void> end_line();
  Error line_error(const std::string& what) const;
  bool is_text() const noexcept { return form_ == ReadeventsForm::hex || form_ == ReadeventsForm::hex32; }
  std::size_t line_digits() const noexcept { return form_ == ReadeventsForm::hex ? 16 : 8; }
  std::uint64_t word(const std::byte* at) const noexcept;

  ReadeventsForm form_;
  std::vector<EventWord> events_;
  std::array<std::byte, 8> partial_{};  // binary: first bytes of a word
  std::optional<std::uint64_t> low_;    // hex32: the first half of a word
  std::size_t held_ = 0;                // bytes in partial_, or digits of this line
  std::uint64_t offset_ = 0, line_ = 1;
  std::uint64_t digits_ = 0;
  bool carriage_return_ = false;
};

/// Events to bytes; every word is kept bit for bit, so any form can be turned into any other and back.
class ReadeventsEncoder {
 public:
  explicit ReadeventsEncoder(ReadeventsForm form) : form_(form) {}
  /// Valid until the next call.
  std::span<const std::byte> encode(std::span<const EventWord> events);

 private:
  std::byte* put(std::byte* at, std::uint64_t raw) const noexcept;
  ReadeventsForm form_;
  std::vector<std::byte> bytes_;
};

}  // namespace nicol::files
