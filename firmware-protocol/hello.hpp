// SPDX-License-Identifier: Apache-2.0
// HELLO: how a session begins. Both sides say which versions they speak and how the payloads are laid out; the board
// says who it is and what it can do. New abilities are new TLVs, which an older side skips.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace nicol::fw {

/// At most 40 bytes of printable ASCII: a git hash fits.
class Text {
 public:
  static constexpr std::size_t kMost = 40;
  constexpr Text() noexcept = default;
  constexpr Text(std::string_view text) noexcept : size_(static_cast<std::uint8_t>(std::min(text.size(), kMost))) {
    for (std::size_t i = 0; i < size_; ++i) bytes_[i] = text[i];
  }
  constexpr std::string_view view() const noexcept { return {bytes_.data(), size_}; }

 private:
  std::array<char, kMost> bytes_{};
  std::uint8_t size_ = 0;
};

struct TaggerInfo {
  std::uint16_t channels = 0;                // 0: no tagger
  std::uint64_t tick_num = 1, tick_den = 1;  // picoseconds per tick
  std::uint32_t word_formats = 1;            // bit 0: word32
  std::uint32_t max_rate_hz = 0;             // what the link carries
  std::uint32_t fifo_depth = 0;              // tags
  std::uint32_t jitter_ps = 0, dead_time_ps = 0;
  bool operator==(const TaggerInfo&) const = default;
};
struct AxisInfo {
  std::uint32_t counts_num = 1, counts_den = 1;  // counts per degree
  std::uint32_t max_speed_mdeg = 0;              // thousandths of a degree per second
  std::uint32_t travel_mdeg = 0;                 // 0: turns without end
  bool operator==(const AxisInfo&) const = default;
};
struct SourceInfo {
  std::uint64_t min_slot_ps = 0, max_slot_ps = 0;  // 0: no source
  std::uint32_t buffer_slots = 0;                  // most slots that wait in the player
  std::uint8_t intensities = 1;                    // above 1: intensity bits in the pattern
  bool has_interlock = false, self_safing = false;
  bool operator==(const SourceInfo&) const = default;
};
struct DetectorInfo {
  std::uint8_t count = 0;
  std::uint32_t max_rate_limit_hz = 0;  // the limit after power-up, and the widest that can be set
  bool operator==(const DetectorInfo&) const = default;
};

/// Who a board is and what it can do: the TLVs of its HELLO.
struct Description {
  static constexpr std::size_t kMostAxes = 8, kMostShutters = 8;
  Text serial, model, firmware;
  TaggerInfo tagger;
  std::array<AxisInfo, kMostAxes> axes{};
  std::size_t axis_count = 0;
  SourceInfo source;
  std::uint8_t shutters = 0, self_closing_shutters = 0;  // count; bit k: shutter k closes by itself without power
  std::uint8_t attenuators = 0, digital_inputs = 0, digital_outputs = 0, analog_inputs = 0, thermistors = 0;
  DetectorInfo detectors;
  std::uint16_t watchdog_min_ms = 250, watchdog_max_ms = 5000;
};

struct Hello {
  std::uint8_t proto_min = 1, proto_max = 1;
  /// Drawn by the host, echoed by the board. A new one begins a session; its low 16 bits are the first sequence number.
  std::uint64_t nonce = 0;
  std::uint32_t schema_hash = 0;
  std::uint32_t incompat = 0, compat = 0;  // unknown compat bits are ignored, unknown incompat bits refused
  std::uint16_t mtu = 0;                   // largest frame this side takes, before COBS
  Description description;                 // a host sends it empty
};

/// The layouts of all fixed payloads in one line of text, as PROTOCOL.md has it.
std::string_view schema_text() noexcept;
/// Its CRC-32C: sides that differ must not talk.
std::uint32_t schema_hash() noexcept;

inline constexpr std::size_t kHelloFixedBytes = 24;
inline constexpr std::size_t kMostHelloBytes = 512;

/// Bytes written, never such that the frame is a multiple of 64 bytes; 0 when `out` is shorter than kMostHelloBytes.
std::size_t encode(const Hello& hello, std::span<std::uint8_t> out) noexcept;
/// Nothing for a payload that is no HELLO. Total; unknown TLVs are skipped.
std::optional<Hello> decode_hello(std::span<const std::uint8_t> payload) noexcept;

}  // namespace nicol::fw
