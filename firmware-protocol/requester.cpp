// SPDX-License-Identifier: Apache-2.0
#include "firmware-protocol/requester.hpp"

#include <algorithm>

namespace nicol::fw {
namespace {

/// A HELLO that refuses is the board's word that it speaks another version: the detail says which.
Answer refusal_in(const Frame& frame) noexcept {
  if (frame.header.type == Type::hello) return {static_cast<std::uint16_t>(Nack::unsupported), frame.header.version};
  return decode<Answer>(frame.payload).value_or(Answer{static_cast<std::uint16_t>(Nack::internal), 0});
}

}  // namespace

void Requester::begin_session(std::uint64_t nonce) noexcept {
  nonce_ = nonce;
  next_seq_ = static_cast<std::uint16_t>(nonce);
  first_ = count_ = 0;
  repeats_ = 0;
  failed_ = false;
  // A pattern that is not on its way any more must not stay in memory.
  for (Slot& s : slots_) s = Slot{};
}

std::optional<std::uint16_t> Requester::send(Type type, std::span<const std::uint8_t> payload,
                                             std::uint64_t now_ms) noexcept {
  if (failed_ || window_full() || payload.size() > kControlPayload) return {};
  if (count_ == 0) {
    waiting_since_ms_ = now_ms;
    repeats_ = 0;
  }
  Slot& s = slot(count_++);
  s.type = type;
  s.seq = next_seq_++;
  s.answered = s.sent = s.again = false;
  s.size = payload.size();
  std::copy(payload.begin(), payload.end(), s.payload.begin());
  return s.seq;
}

std::optional<Reply> Requester::receive(const Frame& frame, std::uint64_t now_ms) noexcept {
  if ((frame.header.flags & (kIsAck | kIsNack)) == 0) return {};
  for (std::size_t k = 0; k < count_; ++k) {
    Slot& s = slot(k);
    if (s.seq != frame.header.ack || s.answered || !s.sent) continue;
    Reply reply{s.seq, frame.header.type, {}, frame.payload};
    if ((frame.header.flags & kIsNack) != 0) reply.refusal = refusal_in(frame);
    if (s.type == Type::hello && !reply.refusal) {
      const auto hello = decode_hello(frame.payload);
      if (frame.header.type != Type::hello || !hello || hello->nonce != nonce_) break;
    }
    s.answered = true;
    retire_answered(now_ms);
    return reply;
  }
  ++unmatched_;
  return {};
}

void Requester::retire_answered(std::uint64_t now_ms) noexcept {
  while (count_ > 0 && slots_[first_].answered) {
    std::fill_n(slots_[first_].payload.begin(), slots_[first_].size, std::uint8_t{0});
    first_ = (first_ + 1) % kWindow;
    --count_;
    waiting_since_ms_ = now_ms;
    repeats_ = 0;
  }
}

void Requester::repeat_all(std::uint64_t now_ms) noexcept {
  waiting_since_ms_ = now_ms;
  if (repeats_ == timing_.repeats) {
    failed_ = true;
    return;
  }
  ++repeats_;
  for (std::size_t k = 0; k < count_; ++k) slot(k).again = slot(k).sent && !slot(k).answered;
}

std::size_t Requester::transmit(std::span<std::uint8_t> out, std::uint64_t now_ms) noexcept {
  if (failed_ || count_ == 0) return 0;
  if (now_ms - waiting_since_ms_ >= timing_.wait_ms && slots_[first_].sent) repeat_all(now_ms);
  if (failed_) return 0;
  for (std::size_t k = 0; k < count_; ++k) {
    Slot& s = slot(k);
    if (s.answered || (s.sent && !s.again)) continue;
    if (k == 0 && !s.sent) waiting_since_ms_ = now_ms;
    const std::size_t size = encode_slot(s, out);
    if (size == 0) return 0;
    s.sent = true;
    s.again = false;
    return size;
  }
  return 0;
}

std::size_t Requester::encode_slot(const Slot& slot, std::span<std::uint8_t> out) const noexcept {
  Header header;
  header.type = slot.type;
  header.flags = static_cast<std::uint8_t>(kAckRequest | (slot.sent ? kRetransmit : 0));
  header.seq = slot.seq;
  const auto payload = std::span(slot.payload).first(slot.size);
  return framing_ == Framing::raw ? encode_frame(header, payload, out) : encode_serial_frame(header, payload, out);
}

std::size_t Requester::one_way(Type type, std::span<const std::uint8_t> payload,
                               std::span<std::uint8_t> out) const noexcept {
  Header header;
  header.type = type;
  header.seq = static_cast<std::uint16_t>(next_seq_ - 1);
  return framing_ == Framing::raw ? encode_frame(header, payload, out) : encode_serial_frame(header, payload, out);
}

std::optional<std::uint64_t> Requester::next_due_ms() const noexcept {
  if (failed_ || count_ == 0) return {};
  return waiting_since_ms_ + timing_.wait_ms;
}

}  // namespace nicol::fw
