// SPDX-License-Identifier: Apache-2.0
// One frame, the same bytes on every transport: a header with its own CRC, so that the length can be believed before
// the payload is waited for, then the payload, then a CRC over both. PROTOCOL.md is the specification.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace nicol::fw {

inline constexpr std::uint8_t kMagic = 0xD7, kVersion = 0x01;
inline constexpr std::size_t kHeaderBytes = 12, kTrailerBytes = 4;
inline constexpr std::size_t kControlPayload = 4096, kStreamPayload = 16384;
inline constexpr std::size_t kLargestFrame = kHeaderBytes + kStreamPayload + kTrailerBytes;

enum class Type : std::uint8_t {
  hello = 0x01,
  heartbeat = 0x02,
  ack = 0x03,  // ACK or NACK, by flag
  error_event = 0x04,
  get = 0x10,
  set = 0x11,
  value = 0x12,
  move = 0x20,
  stop = 0x21,
  home = 0x22,
  axis_status = 0x23,
  arm = 0x30,
  enable_emission = 0x31,
  disable_emission = 0x32,
  source_config = 0x33,
  pattern_chunk = 0x34,
  safe_state = 0x35,
  clear_fault = 0x36,
  source_run = 0x37,
  source_end = 0x38,
  source_status = 0x39,
  tag_block = 0x40,
  stream_start = 0x41,
  stream_stop = 0x42,
  stream_credit = 0x43,
  time_mark = 0x44,
  firmware_info = 0x50,
  vendor = 0x7F
};

inline constexpr std::uint8_t kAckRequest = 1, kIsAck = 2, kIsNack = 4, kRetransmit = 8, kFragment = 16;
inline constexpr std::uint8_t kKnownFlags = 31;

struct Header {
  Type type = Type::heartbeat;
  std::uint8_t flags = 0;
  std::uint16_t seq = 0, ack = 0, length = 0;
  std::uint8_t version = kVersion;
};
/// The payload points into the decoder's buffer and lives until its next call.
struct Frame {
  Header header;
  std::span<const std::uint8_t> payload;
};

/// Largest payload a type may carry: kStreamPayload for tag blocks, kControlPayload for all others.
constexpr std::size_t largest_payload(Type type) noexcept {
  return type == Type::tag_block ? kStreamPayload : kControlPayload;
}

/// Writes the whole frame and returns its length; 0 when it does not fit in `out` or the payload is too long.
std::size_t encode_frame(const Header& header, std::span<const std::uint8_t> payload,
                         std::span<std::uint8_t> out) noexcept;
/// The same behind COBS and a 0x00: what goes over a serial line. `out` needs cobs_bound(frame size) + 1.
std::size_t encode_serial_frame(const Header& header, std::span<const std::uint8_t> payload,
                                std::span<std::uint8_t> out) noexcept;

struct DecoderCounts {
  std::uint64_t frames = 0, bad_header = 0, bad_payload = 0, bad_stuffing = 0, skipped_bytes = 0;
  /// A frame whose header CRC holds but whose major version is not ours.
  std::uint64_t other_version = 0;
};

/// Frames out of a stream of bytes, total: any input, no allocation, resync within one frame. Feed what came; then
/// call next() until it says no. Raw is back to back (USB bulk), serial is COBS with 0x00 between.
enum class Framing : std::uint8_t { raw, cobs };

class FrameDecoder {
 public:
  explicit FrameDecoder(Framing framing) noexcept : framing_(framing) {}
  /// Takes as many bytes as there is room for and returns how many; call next() to make room.
  std::size_t feed(std::span<const std::uint8_t> bytes) noexcept;
  /// True and `frame` set when a whole good frame is there. A frame of another major version is handed out too
  /// (header.version says so), because the answer to it is a HELLO.
  bool next(Frame& frame) noexcept;
  void reset() noexcept;
  const DecoderCounts& counts() const noexcept { return counts_; }

 private:
  bool next_raw(Frame& frame) noexcept;
  bool next_cobs(Frame& frame) noexcept;
  void drop(std::size_t bytes) noexcept;

  Framing framing_;
  std::size_t used_ = 0, taken_ = 0;  // bytes in buffer_; bytes of the last frame handed out, dropped at the next call
  std::array<std::uint8_t, 2 * kLargestFrame> buffer_{};
  std::array<std::uint8_t, kLargestFrame> plain_{};  // cobs: the unstuffed frame
  DecoderCounts counts_;
};

}  // namespace nicol::fw
