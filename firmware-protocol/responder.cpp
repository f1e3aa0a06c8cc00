// SPDX-License-Identifier: Apache-2.0
#include "firmware-protocol/responder.hpp"

#include <algorithm>

namespace nicol::fw {
namespace {

constexpr int kAhead = 8;  // the host's window

int distance(std::uint16_t from, std::uint16_t to) noexcept {
  return static_cast<std::int16_t>(static_cast<std::uint16_t>(to - from));
}

}  // namespace

void Responder::begin_session(std::uint64_t nonce) noexcept {
  nonce_ = nonce;
  next_ = static_cast<std::uint16_t>(nonce + 1);  // the HELLO itself had the number before
  in_session_ = true;
  for (RememberedReply& reply : replies_) reply.used = false;
}

Judgement Responder::judge(std::uint16_t seq) const noexcept {
  if (!current(seq)) return Judgement::foreign;
  const int ahead = distance(next_, seq);
  if (ahead == 0) return Judgement::execute;
  if (ahead > 0) return Judgement::too_early;
  const RememberedReply& reply = remembered(seq);
  return reply.used && reply.seq == seq ? Judgement::repeat : Judgement::foreign;
}

bool Responder::current(std::uint16_t seq) const noexcept {
  const int ahead = distance(next_, seq);
  return in_session_ && ahead < kAhead && ahead >= -static_cast<int>(kRemembered);
}

void Responder::remember(std::uint16_t seq, Type type, std::uint8_t flags,
                         std::span<const std::uint8_t> payload) noexcept {
  RememberedReply& reply = replies_[seq % kRemembered];
  reply.used = true;
  reply.seq = seq;
  reply.type = type;
  reply.flags = flags;
  reply.size = std::min(payload.size(), reply.payload.size());
  std::copy_n(payload.begin(), reply.size, reply.payload.begin());
  next_ = static_cast<std::uint16_t>(seq + 1);
}

}  // namespace nicol::fw
