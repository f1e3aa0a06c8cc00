// SPDX-License-Identifier: Apache-2.0
// One connection's numbering: frames out get session id, direction, next sequence number and stamp; frames in must show
// exactly the next number, the peer's direction and a stamp that never goes back (replay, reorder, reflection, drop).
#pragma once

#include <cstdint>
#include <span>

#include "controller/session/messages.hpp"
#include "controller/session/protocol.hpp"
#include "drivers/hal/clocks.hpp"

namespace nicol::session {

inline constexpr std::size_t kStampBytes = 16;  // send_time_us u64 | highest sequence received u64
inline constexpr std::size_t kServiceMacBytes = 32;

constexpr Direction direction_from(Side side) { return side == Side::alice ? Direction::a_to_b : Direction::b_to_a; }
constexpr Side peer_of(Side side) { return side == Side::alice ? Side::bob : Side::alice; }

class Link {
 public:
  Link(Side side, const Deadlines& deadlines, unsigned tag_bits);

  /// The canonical frame: all but the trailer, whose room its header's length already counts.
  Bytes make(FrameType type, ByteSpan body);
  struct Incoming {
    FrameType type = FrameType::hello;
    ByteSpan canonical, body, trailer;  // views of the frame given to accept()
  };
  /// authentication when an honest peer cannot have sent this frame now.
  Result<Incoming> accept(std::span<const std::uint8_t> frame);

  /// HELLO carries this side's half only; everything later the whole id.
  void set_own_half(const std::array<std::uint8_t, 8>& half);
  void set_peer_half(const std::array<std::uint8_t, 8>& half);
  const SessionId& session() const { return own_id_; }
  bool peer_known() const { return peer_known_; }

 private:
  std::size_t trailer_bytes(FrameType type) const;
  Result<void> check(const FrameHeader& header) const;
  Result<void> check_stamp(ByteSpan stamp);

  Side side_;
  const Deadlines* deadlines_;
  unsigned tag_bits_;
  SessionId own_id_{}, peer_id_{};
  bool peer_known_ = false;
  std::uint64_t next_out_ = 0, next_in_ = 0;
  std::uint64_t peer_time_ = 0, peer_received_ = kNothingReceived;
};

}  // namespace nicol::session
