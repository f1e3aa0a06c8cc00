// SPDX-License-Identifier: Apache-2.0
// The payloads of all other frames. Every payload but those of the pattern, HELLO, FW_INFO and VENDOR has one fixed
// length; `decode<T>` gives nothing for any other length or for a value outside its range. Total, no allocation.
// ENABLE_EMISSION, DISABLE_EMISSION, SAFE_STATE, CLEAR_FAULT, SOURCE_END, STREAM_STOP, and the requests for
// SOURCE_STATUS, TIME_MARK and FW_INFO carry nothing. FW_INFO answers with the ASCII of the firmware's git hash, VENDOR
// is free.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "firmware-protocol/codes.hpp"
#include "firmware-protocol/frame.hpp"
#include "firmware-protocol/hello.hpp"
#include "firmware-protocol/property.hpp"

namespace nicol::fw {

/// From the host all three are 0.
struct Heartbeat {
  static constexpr std::size_t kBytes = 8;
  std::uint32_t uptime_ms = 0;
  Emission state = Emission::off;
  Faults faults = 0;
  bool operator==(const Heartbeat&) const = default;
};
/// ACK: code 0. NACK: a Nack. The flags of the frame say which of the two.
struct Answer {
  static constexpr std::size_t kBytes = 4;
  std::uint16_t code = 0, detail = 0;
  bool operator==(const Answer&) const = default;
};
/// Sent once when a fault latches: the new bits, and what belongs to them (over-rate: the detector).
struct ErrorEvent {
  static constexpr std::size_t kBytes = 8;
  Faults faults = 0;
  std::uint16_t detail = 0;
  std::uint32_t uptime_ms = 0;
  bool operator==(const ErrorEvent&) const = default;
};

enum class MoveKind : std::uint8_t { absolute = 0, relative = 1 };
struct Move {
  static constexpr std::size_t kBytes = 12;
  std::uint8_t axis = 0;
  MoveKind kind = MoveKind::absolute;
  std::int64_t counts = 0;
  bool operator==(const Move&) const = default;
};
/// STOP, HOME and the request for AXIS_STATUS.
struct Axis {
  static constexpr std::size_t kBytes = 4;
  std::uint8_t axis = 0;
  bool operator==(const Axis&) const = default;
};
inline constexpr std::uint8_t kAxisMoving = 1, kAxisHomed = 2, kAxisFault = 4;
/// Answer to a request, and unasked when a motion ends.
struct AxisStatus {
  static constexpr std::size_t kBytes = 12;
  std::uint8_t axis = 0, flags = 0;
  std::int64_t position = 0;
  bool operator==(const AxisStatus&) const = default;
};

struct Arm {
  static constexpr std::size_t kBytes = 8;
  std::uint64_t nonce = 0;
  bool operator==(const Arm&) const = default;
};

/// Takes back these faults and no others: what latched meanwhile, and the host has not seen, stays.
struct ClearFault {
  static constexpr std::size_t kBytes = 4;
  Faults faults = 0;
  bool operator==(const ClearFault&) const = default;
};

inline constexpr std::uint16_t kSourceIntensities = 1;  // the pattern has two intensity bits a slot as well
struct SourceConfig {
  static constexpr std::size_t kBytes = 20;
  std::uint64_t slot_ps = 0;
  std::uint32_t sync_divider = 1;  // one sync pulse every so many slots, with slot 0 the first
  std::uint32_t width_ps = 0;
  std::uint16_t flags = 0;
  bool operator==(const SourceConfig&) const = default;
};

/// Fixed part {first_slot u64, slots u32, flags u32}, then two bits a slot, slot k in bits 2(k%4) of byte k/4: bit 0
/// the bit, bit 1 the basis (1 = diagonal). With kSourceIntensities a second such field follows. Unused bits are zero.
/// Key material.
struct PatternChunk {
  static constexpr std::size_t kFixedBytes = 16;
  std::uint64_t first_slot = 0;
  std::uint32_t slots = 0;
  std::uint32_t flags = 0;
  std::span<const std::uint8_t> states, intensities;  // packed_bytes(slots) each; intensities may be empty
};
constexpr std::size_t packed_bytes(std::size_t slots) noexcept { return (slots + 3) / 4; }
/// Most slots in one chunk.
constexpr std::size_t most_chunk_slots(std::uint32_t flags) noexcept {
  return (kControlPayload - PatternChunk::kFixedBytes) / ((flags & kSourceIntensities) != 0 ? 2 : 1) * 4;
}
/// State of slot k: bit 0 the bit, bit 1 the basis.
constexpr std::uint8_t packed_pair(std::span<const std::uint8_t> field, std::size_t k) noexcept {
  return static_cast<std::uint8_t>((std::uint32_t{field[k / 4]} >> (2 * (k % 4))) & 3U);
}

/// first_slot 0 begins a block; another goes on with it after a pause: the frame marker goes out with that slot again.
struct SourceRun {
  static constexpr std::size_t kBytes = 16;
  std::uint64_t first_slot = 0, block_slots = 0;
  bool operator==(const SourceRun&) const = default;
};
/// Sent when chunks were consumed (credits) or the player changed its state, and on request.
struct SourceStatus {
  static constexpr std::size_t kBytes = 20;
  Player state = Player::idle;
  std::uint64_t next_slot = 0;  // the next to emit
  std::uint32_t free_slots = 0;
  std::uint32_t underruns = 0;  // since power-up
  bool operator==(const SourceStatus&) const = default;
};

inline constexpr std::uint32_t kUnlimitedBlocks = 0xFFFFFFFF;
/// STREAM_START and STREAM_CREDIT: how many tag blocks may be sent in total since STREAM_START. A total and not an
/// increment, so that one that is lost or comes twice does no harm.
struct Credit {
  static constexpr std::size_t kBytes = 4;
  std::uint32_t blocks = kUnlimitedBlocks;
  bool operator==(const Credit&) const = default;
};
/// The board's clock at one moment: ticks since STREAM_START (0 when no stream runs).
struct TimeMark {
  static constexpr std::size_t kBytes = 16;
  std::uint64_t tick = 0;
  std::uint32_t uptime_ms = 0;
  bool operator==(const TimeMark&) const = default;
};

/// Bytes written; 0 when `out` is too short.
std::size_t encode(const Heartbeat& m, std::span<std::uint8_t> out) noexcept;
std::size_t encode(const Answer& m, std::span<std::uint8_t> out) noexcept;
std::size_t encode(const ErrorEvent& m, std::span<std::uint8_t> out) noexcept;
std::size_t encode(const Move& m, std::span<std::uint8_t> out) noexcept;
std::size_t encode(const Axis& m, std::span<std::uint8_t> out) noexcept;
std::size_t encode(const AxisStatus& m, std::span<std::uint8_t> out) noexcept;
std::size_t encode(const Arm& m, std::span<std::uint8_t> out) noexcept;
std::size_t encode(const ClearFault& m, std::span<std::uint8_t> out) noexcept;
std::size_t encode(const SourceConfig& m, std::span<std::uint8_t> out) noexcept;
std::size_t encode(const PatternChunk& m, std::span<std::uint8_t> out) noexcept;
std::size_t encode(const SourceRun& m, std::span<std::uint8_t> out) noexcept;
std::size_t encode(const SourceStatus& m, std::span<std::uint8_t> out) noexcept;
std::size_t encode(const Credit& m, std::span<std::uint8_t> out) noexcept;
std::size_t encode(const TimeMark& m, std::span<std::uint8_t> out) noexcept;

/// Defined for every payload above, e.g. `decode<Heartbeat>(frame.payload)`. Spans point into `payload`.
template <class Message>
std::optional<Message> decode(std::span<const std::uint8_t> payload) noexcept = delete;
template <>
std::optional<Heartbeat> decode<Heartbeat>(std::span<const std::uint8_t> payload) noexcept;
template <>
std::optional<Answer> decode<Answer>(std::span<const std::uint8_t> payload) noexcept;
template <>
std::optional<ErrorEvent> decode<ErrorEvent>(std::span<const std::uint8_t> payload) noexcept;
template <>
std::optional<Move> decode<Move>(std::span<const std::uint8_t> payload) noexcept;
template <>
std::optional<Axis> decode<Axis>(std::span<const std::uint8_t> payload) noexcept;
template <>
std::optional<AxisStatus> decode<AxisStatus>(std::span<const std::uint8_t> payload) noexcept;
template <>
std::optional<Arm> decode<Arm>(std::span<const std::uint8_t> payload) noexcept;
template <>
std::optional<ClearFault> decode<ClearFault>(std::span<const std::uint8_t> payload) noexcept;
template <>
std::optional<SourceConfig> decode<SourceConfig>(std::span<const std::uint8_t> payload) noexcept;
template <>
std::optional<PatternChunk> decode<PatternChunk>(std::span<const std::uint8_t> payload) noexcept;
template <>
std::optional<SourceRun> decode<SourceRun>(std::span<const std::uint8_t> payload) noexcept;
template <>
std::optional<SourceStatus> decode<SourceStatus>(std::span<const std::uint8_t> payload) noexcept;
template <>
std::optional<Credit> decode<Credit>(std::span<const std::uint8_t> payload) noexcept;
template <>
std::optional<TimeMark> decode<TimeMark>(std::span<const std::uint8_t> payload) noexcept;

}  // namespace nicol::fw
