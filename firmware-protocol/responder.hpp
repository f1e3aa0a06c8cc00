// SPDX-License-Identifier: Apache-2.0
// The board's end of the control channel: which command is new, which was carried out already (its answer is said
// again), and which belongs to another session.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "firmware-protocol/frame.hpp"

namespace nicol::fw {

inline constexpr std::size_t kRemembered = 16;
inline constexpr std::size_t kMostReplyBytes = 44;  // of every answer but HELLO's: its frame stays below 64 bytes

enum class Judgement : std::uint8_t {
  execute,    // the next one: carry it out, then remember() its answer
  repeat,     // carried out before: say remembered() again
  too_early,  // one before it is missing: wait, the host will send both again
  foreign     // of no session, or of another
};

struct RememberedReply {
  bool used = false;
  std::uint16_t seq = 0;
  Type type = Type::ack;
  std::uint8_t flags = 0;
  std::size_t size = 0;
  std::array<std::uint8_t, kMostReplyBytes> payload{};
};

class Responder {
 public:
  /// A session whose HELLO carried this nonce; what was remembered is forgotten.
  void begin_session(std::uint64_t nonce) noexcept;
  void end_session() noexcept { in_session_ = false; }
  bool in_session() const noexcept { return in_session_; }
  bool is_session(std::uint64_t nonce) const noexcept { return in_session_ && nonce == nonce_; }

  /// For frames that ask for an answer.
  Judgement judge(std::uint16_t seq) const noexcept;
  /// For all frames: whether this number can be of the current session.
  bool current(std::uint16_t seq) const noexcept;
  /// The command `seq` has been carried out or refused, and this is the answer.
  void remember(std::uint16_t seq, Type type, std::uint8_t flags, std::span<const std::uint8_t> payload) noexcept;
  const RememberedReply& remembered(std::uint16_t seq) const noexcept { return replies_[seq % kRemembered]; }

 private:
  std::array<RememberedReply, kRemembered> replies_{};
  std::uint64_t nonce_ = 0;
  std::uint16_t next_ = 0;
  bool in_session_ = false;
};

}  // namespace nicol::fw
