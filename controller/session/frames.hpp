// SPDX-License-Identifier: Apache-2.0
// The wire of the classical channel: bounded frames, little-endian, canonical (what is hashed is what is sent).
//   "QKDA" | version u8 | session id 16 B | direction u8 | sequence u64 | type u16 | length u64 | payload
// The payload of every frame begins with send_time_us u64 | highest sequence received u64 (DESIGN.md 6.9).
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "drivers/hal/result.hpp"

namespace nicol::session {

inline constexpr std::uint8_t kWireVersion = 1;
inline constexpr std::size_t kHeaderBytes = 4 + 1 + 16 + 1 + 8 + 2 + 8;
inline constexpr std::uint64_t kMaxPayload = 64u << 20;
inline constexpr std::uint64_t kMaxPayloadBeforeMarks = 1u << 10;  // of a peer whose MARKS have not verified
inline constexpr std::uint64_t kNothingReceived = ~std::uint64_t{0};

using SessionId =
    std::array<std::uint8_t, 16>;  // 8 OS-random bytes of each side, Alice's first; own half only in HELLO
enum class Direction : std::uint8_t { a_to_b = 0, b_to_a = 1 };

enum class FrameType : std::uint16_t {
  hello = 1,
  marks,
  settle_query,
  settle_answer,
  settle_done,
  block_open,
  block_ready,
  hint,
  detections,
  bases,
  samples,
  parity_ask,
  parity_answer,
  reconciled,
  verify,
  verified,
  amplify,
  transcript_tag,
  accept_tag,
  verdict,
  abort_block,
  goodbye,
  pause,
  resume,
  resume_ready,
  ask_ready,
  rig_ready,
  closed,
  rig_call,
  rig_answer
};
std::string_view to_string(FrameType t) noexcept;

struct FrameHeader {
  std::uint8_t version = kWireVersion;
  SessionId session{};
  Direction direction = Direction::a_to_b;
  std::uint64_t sequence = 0;
  FrameType type = FrameType::hello;
  std::uint64_t length = 0;
};

/// Splits a byte stream into frames; never buffers more than one bounded frame. feed() returns protocol errors for a
/// bad magic, version, type or length at once, before any payload is waited for.
class FrameReader {
 public:
  explicit FrameReader(std::uint64_t max_payload = kMaxPayload) : max_payload_(max_payload) {}
  Result<void> feed(std::span<const std::uint8_t> bytes);
  std::optional<std::vector<std::uint8_t>> next();
  /// From the next header on.
  void allow(std::uint64_t max_payload) { max_payload_ = max_payload; }

 private:
  Result<void> check_header();
  std::uint64_t max_payload_;
  std::vector<std::uint8_t> buffer_;
  std::size_t need_ = kHeaderBytes;  // header only, then the whole frame
  bool broken_ = false;              // after an error the stream has no frame boundaries any more
  std::deque<std::vector<std::uint8_t>> ready_;
};
/// The header of a frame: at least kHeaderBytes; protocol error on a bad magic, version, direction, type or length.
Result<FrameHeader> parse_header(std::span<const std::uint8_t> frame);
std::array<std::uint8_t, kHeaderBytes> encode_header(const FrameHeader& header);

}  // namespace nicol::session
