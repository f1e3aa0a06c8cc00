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
/// The payload points into the memory that was decoded: the decoder's buffer, good until its next call, or the
/// caller's.
struct Frame {
  Header header;
  std::span<const std::uint8_t> payload;
};

/// Largest payload a type may carry: kStreamPayload for tag blocks, kControlPayload for all others.
constexpr std::size_t largest_payload(Type type) noexcept {
  return type == Type::tag_block ? kStreamPayload : kControlPayload;
}

/// Writes the whole frame and returns its length; 0 when it does not fit in `out` or the payload is too long. The
/// header's length is the payload's, whatever `header` says. The payload may already stand where it belongs, at
/// out + kHeaderBytes: then nothing is copied.
std::size_t encode_frame(const Header& header, std::span<const std::uint8_t> payload,
                         std::span<std::uint8_t> out) noexcept;
/// The same behind COBS and a 0x00: what goes over a serial line. `out` needs cobs_bound(frame size) + 1 and is not the
/// payload's memory.
std::size_t encode_serial_frame(const Header& header, std::span<const std::uint8_t> payload,
                                std::span<std::uint8_t> out) noexcept;

/// What stands at the beginning of some bytes.
enum class Verdict : std::uint8_t {
  frame,         // a whole good frame, of whatever major version
  unfinished,    // so far a good frame, but its end is missing
  noise,         // no magic byte
  bad_header,    // the header's CRC is wrong, or its length is more than its type may carry
  bad_payload,   // a good header, and a wrong CRC over the whole
  unknown_flags  // a whole good frame with a flag that this version does not know: refused
};
struct Decoded {
  Verdict verdict = Verdict::unfinished;
  /// Bytes to step over before the next try: the frame's size, or up to the next possible magic byte; 0 if unfinished.
  std::size_t bytes = 0;
  Frame frame;
};
/// Without copying: for whole frames in a buffer of the caller's own, such as a USB transfer. Total: any bytes. A wrong
/// header or CRC costs its first byte only, because bytes may be missing and the next frame stand inside what the
/// length claims.
Decoded decode_frame(std::span<const std::uint8_t> bytes) noexcept;

struct DecoderCounts {
  std::uint64_t frames = 0, bad_payload = 0, bad_stuffing = 0;
  std::uint64_t bad_header = 0;     // raw: where a frame was expected, not at each magic byte of the search behind it
  std::uint64_t skipped_bytes = 0;  // all that was in no frame handed out
  /// Frames handed out whose major version is not ours; counted in `frames` too.
  std::uint64_t other_version = 0;
  std::uint64_t unknown_flags = 0;
};

/// Raw is back to back (USB bulk), serial is COBS with 0x00 between.
enum class Framing : std::uint8_t { raw, cobs };

/// Frames out of a stream of bytes, total: any input, no allocation, resync within one frame. Feed what came; then
/// call next() until it says no. One thread.
class FrameDecoder {
 public:
  explicit FrameDecoder(Framing framing) noexcept : framing_(framing) {}
  /// Takes as many bytes as there is room for and returns how many; call next() to make room.
  std::size_t feed(std::span<const std::uint8_t> bytes) noexcept;
  /// True and `frame` set when a whole good frame is there. A frame of another major version is handed out too
  /// (header.version says so), because the answer to it is a HELLO.
  bool next(Frame& frame) noexcept;
  /// The sender is done: a frame that is not whole by now never will be. Call it when a raw frame has been unfinished
  /// for longer than the line needs for one (lost bytes would otherwise be waited for in the bytes of later frames);
  /// then next() looks for good frames in what is there.
  void end_of_input() noexcept { ended_ = true; }
  /// Forgets what came, and wipes it: tags are raw key material. The counts stay.
  void reset() noexcept;
  const DecoderCounts& counts() const noexcept { return counts_; }

 private:
  bool next_raw(Frame& frame) noexcept;
  bool next_cobs(Frame& frame) noexcept;
  bool take_block(std::size_t length, Frame& frame) noexcept;
  void skip(std::size_t bytes) noexcept;
  void count(Verdict refused) noexcept;
  void hand_out(const Frame& frame) noexcept;

  Framing framing_;
  bool ended_ = false;
  bool lost_ = false;  // raw: looking for the next frame
  // buffer_[first_, end_) is not looked at yet, but for its first searched_ bytes, which hold no 0x00 (cobs).
  std::size_t first_ = 0, end_ = 0, searched_ = 0;
  std::array<std::uint8_t, 2 * kLargestFrame> buffer_{};
  DecoderCounts counts_;
};

}  // namespace nicol::fw
