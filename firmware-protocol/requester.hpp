// SPDX-License-Identifier: Apache-2.0
// The host's end of the control channel: commands go out numbered, at most eight unanswered, are sent again when no
// answer comes, and fail with the link. With Responder on the board each is carried out once at most, and in order.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "firmware-protocol/frame.hpp"
#include "firmware-protocol/message.hpp"

namespace nicol::fw {

inline constexpr std::size_t kWindow = 8;

struct RetryTiming {
  std::uint32_t wait_ms = 50;
  std::uint32_t repeats = 3;
};
inline constexpr RetryTiming kUsbRetry{50, 3}, kSerialRetry{250, 3};

/// What the board said to command `seq`. The payload (of VALUE, HELLO, AXIS_STATUS, …) lives as long as the frame.
struct Reply {
  std::uint16_t seq = 0;
  Type type = Type::ack;
  std::optional<Answer> refusal;  // of a NACK
  std::span<const std::uint8_t> payload;
};

/// Sans I/O: time comes in, bytes are fetched. One thread.
class Requester {
 public:
  Requester(Framing framing, RetryTiming timing) noexcept : framing_(framing), timing_(timing) {}

  /// Forgets everything in flight, and a failed link with it. The next send() must be the HELLO with this nonce.
  void begin_session(std::uint64_t nonce) noexcept;
  /// Its sequence number, or nothing when the window is full, the link has failed or the payload is too long.
  std::optional<std::uint16_t> send(Type type, std::span<const std::uint8_t> payload, std::uint64_t now_ms) noexcept;
  /// The answer that a frame is; nothing for frames that answer no open command (events, the past, another session).
  std::optional<Reply> receive(const Frame& frame, std::uint64_t now_ms) noexcept;
  /// One whole frame that is due, first time or again, in this requester's framing; 0 when none is. `out` needs
  /// kMostFrameBytes.
  std::size_t transmit(std::span<std::uint8_t> out, std::uint64_t now_ms) noexcept;
  /// A frame of this session that no answer is owed to: HEARTBEAT, STREAM_CREDIT. Bytes written.
  std::size_t one_way(Type type, std::span<const std::uint8_t> payload, std::span<std::uint8_t> out) const noexcept;

  bool failed() const noexcept { return failed_; }  // the oldest command was sent `repeats` + 1 times in vain
  std::size_t in_flight() const noexcept { return count_; }
  bool window_full() const noexcept { return count_ == kWindow; }
  std::uint64_t unmatched() const noexcept { return unmatched_; }
  /// When transmit() may have something that it has not now; nothing when nothing is in flight.
  std::optional<std::uint64_t> next_due_ms() const noexcept;

  static constexpr std::size_t kMostFrameBytes = 4096 + 12 + 4 + 32;  // a control frame behind COBS and its 0x00

 private:
  struct Slot {
    Type type = Type::hello;
    std::uint16_t seq = 0;
    bool answered = false, sent = false, again = false;
    std::size_t size = 0;
    std::array<std::uint8_t, kControlPayload> payload{};
  };
  Slot& slot(std::size_t k) noexcept { return slots_[(first_ + k) % kWindow]; }
  const Slot& slot(std::size_t k) const noexcept { return slots_[(first_ + k) % kWindow]; }
  void retire_answered(std::uint64_t now_ms) noexcept;
  void repeat_all(std::uint64_t now_ms) noexcept;
  std::size_t encode_slot(const Slot& slot, std::span<std::uint8_t> out) const noexcept;

  Framing framing_;
  RetryTiming timing_;
  std::array<Slot, kWindow> slots_{};  // ring in order of seq
  std::size_t first_ = 0, count_ = 0;  // oldest unanswered; how many from there
  std::uint16_t next_seq_ = 0;
  std::uint64_t nonce_ = 0;
  std::uint64_t waiting_since_ms_ = 0;  // of the oldest
  std::uint32_t repeats_ = 0;           // of the oldest
  std::uint64_t unmatched_ = 0;
  bool failed_ = false;
};

}  // namespace nicol::fw
