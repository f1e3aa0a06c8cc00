// SPDX-License-Identifier: Apache-2.0
// A host and a board on a virtual clock, joined by a cable that tests can cut or shorten.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "firmware-protocol/firmware.hpp"
#include "firmware-protocol/requester.hpp"
#include "tests/unit/firmware/bytes.hpp"
#include "tests/unit/firmware/fake_board.hpp"

namespace nicol::fw::test {

inline constexpr ClearFault kEveryFault{0xFFFF};

/// What the board said, copied.
struct Said {
  Message message;
  bool refused() const { return (message.header.flags & kIsNack) != 0; }
  template <class T>
  T as() const {
    return decode<T>(message.payload).value();
  }
};

struct Bench {
  explicit Bench(Link kind = Link::usb) : link(kind), buffers(std::make_unique<Buffers>(kind)) {
    board.packet = kind == Link::usb ? 512 : 0;
    firmware.emplace(board, *buffers, kind);
  }

  Framing framing() const { return link == Link::usb ? Framing::raw : Framing::cobs; }

  /// One frame as it stands, whatever the session.
  void put(Type type, std::uint8_t flags, std::uint16_t sequence, std::span<const std::uint8_t> payload) {
    Message m;
    m.header.type = type;
    m.header.flags = flags;
    m.header.seq = sequence;
    m.payload.assign(payload.begin(), payload.end());
    firmware->receive(encoded(m, framing()), now);
  }

  /// All frames of a channel that wait.
  std::vector<Said> hear(Channel channel = Channel::control) {
    std::vector<Said> out;
    Bytes piece(kLargestFrame);
    Frame frame;
    FrameDecoder& decoder = channel == Channel::control ? *control_in : *stream_in;
    while (const std::size_t n = firmware->transmit(channel, piece)) {
      for (auto rest = std::span(piece).first(n); !rest.empty();) {
        rest = rest.subspan(decoder.feed(rest));
        while (decoder.next(frame)) out.push_back({message_of(frame)});
      }
    }
    return out;
  }

  /// The answer to one command of the session; what else was said goes to `events`.
  Said ask(Type type, std::span<const std::uint8_t> payload = {}) {
    put(type, kAckRequest, ++seq, payload);
    std::optional<Said> answer;
    for (const Said& said : hear())
      if ((said.message.header.flags & (kIsAck | kIsNack)) != 0 && said.message.header.ack == seq)
        answer = said;
      else
        events.push_back(said);
    return answer.value();
  }
  template <class T>
  Said ask(Type type, const T& message) {
    Bytes payload(kControlPayload);
    payload.resize(encode(message, payload));
    return ask(type, std::span<const std::uint8_t>(payload));
  }
  /// 0 when it was done, else the NACK.
  Nack outcome(const Said& said) const { return static_cast<Nack>(said.refused() ? said.as<Answer>().code : 0); }
  template <class... T>
  Nack order(Type type, const T&... message) {
    return outcome(ask(type, message...));
  }
  Nack set(Property property, std::int64_t number, std::uint16_t index = 0) {
    return order(Type::set, Value{property, index, number, {}, {}});
  }
  std::int64_t get(Property property, std::uint16_t index = 0) {
    return decode_value(ask(Type::get, Get{property, index}).message.payload).value().number;
  }

  Said hello(std::uint64_t with_nonce) {
    Hello h;
    h.nonce = with_nonce;
    h.schema_hash = schema_hash();
    h.mtu = kUsbMtu;
    seq = static_cast<std::uint16_t>(with_nonce - 1);
    return ask(Type::hello, h);
  }
  void beat() {
    Bytes payload(Heartbeat::kBytes);
    encode(Heartbeat{}, payload);
    put(Type::heartbeat, 0, seq, payload);
  }
  /// Time passes with heartbeats every 250 ms and a poll every 5 ms.
  void live(std::uint64_t ms) {
    for (const std::uint64_t end = now + ms; now < end; pass(5))
      if (now % 250 == 0) beat();
  }
  /// Time passes in silence.
  void pass(std::uint64_t ms) {
    for (const std::uint64_t end = now + ms; now < end;) {
      now += std::min<std::uint64_t>(5, end - now);
      firmware->poll(now);
    }
  }
  std::uint64_t nonce() { return static_cast<std::uint64_t>(get(Property::arm_nonce)); }
  Nack arm() { return order(Type::arm, Arm{nonce()}); }
  /// A session in which light is on.
  void light_up() {
    hello(0x1234);
    live(2500);
    order(Type::clear_fault, kEveryFault);
    set(Property::light_level, 2);
    arm();
    order(Type::enable_emission);
  }

  Link link;
  FakeBoard board;
  std::unique_ptr<Buffers> buffers;
  std::optional<Firmware> firmware;
  std::unique_ptr<FrameDecoder> control_in = std::make_unique<FrameDecoder>(framing());
  std::unique_ptr<FrameDecoder> stream_in = std::make_unique<FrameDecoder>(Framing::raw);
  std::uint64_t now = 1000;
  std::uint16_t seq = 0;
  std::vector<Said> events;
};

inline constexpr Nack kDone = static_cast<Nack>(0);

}  // namespace nicol::fw::test
