// SPDX-License-Identifier: Apache-2.0
// Byte strings, seeded random frames and whole-stream decoding for the tests of the codec.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "firmware-protocol/cobs.hpp"
#include "firmware-protocol/frame.hpp"

namespace nicol::fw::test {

using Bytes = std::vector<std::uint8_t>;
using Rng = std::mt19937_64;

inline Bytes from_hex(const std::string& hex) {
  Bytes out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    out.push_back(static_cast<std::uint8_t>(std::stoul(hex.substr(i, 2), nullptr, 16)));
  return out;
}

inline std::size_t below(Rng& rng, std::size_t n) { return static_cast<std::size_t>(rng() % n); }

/// Zeros and magic bytes are frequent in it, because they are what framing trips over.
inline Bytes random_bytes(Rng& rng, std::size_t n) {
  Bytes out(n);
  for (auto& byte : out) {
    const std::size_t kind = below(rng, 8);
    byte = kind == 0 ? 0 : kind == 1 ? kMagic : static_cast<std::uint8_t>(rng());
  }
  return out;
}

struct Message {
  Header header;
  Bytes payload;
  friend bool operator==(const Message& a, const Message& b) {
    return a.header.type == b.header.type && a.header.flags == b.header.flags && a.header.seq == b.header.seq &&
           a.header.ack == b.header.ack && a.header.version == b.header.version && a.payload == b.payload;
  }
};
inline Message message_of(const Frame& frame) { return {frame.header, {frame.payload.begin(), frame.payload.end()}}; }

inline Message random_message(Rng& rng, std::size_t longest) {
  constexpr Type kTypes[] = {Type::heartbeat, Type::value, Type::move, Type::pattern_chunk, Type::vendor};
  Message message;
  message.header.type = kTypes[below(rng, std::size(kTypes))];
  message.header.flags = static_cast<std::uint8_t>(rng() & kKnownFlags);
  message.header.seq = static_cast<std::uint16_t>(rng());
  message.header.ack = static_cast<std::uint16_t>(rng());
  message.payload = random_bytes(rng, below(rng, longest + 1));
  message.header.length = static_cast<std::uint16_t>(message.payload.size());
  return message;
}

inline Bytes encoded(const Message& message, Framing framing) {
  Bytes out(cobs_bound(kHeaderBytes + message.payload.size() + kTrailerBytes) + 1);
  out.resize(framing == Framing::raw ? encode_frame(message.header, message.payload, out)
                                     : encode_serial_frame(message.header, message.payload, out));
  return out;
}

inline void append(Bytes& stream, const Bytes& more) { stream.insert(stream.end(), more.begin(), more.end()); }
inline void append_all(std::vector<Message>& to, const std::vector<Message>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

/// Everything the decoder hands out when the stream comes in pieces of 1 to `largest_piece` bytes.
inline std::vector<Message> decode_all(FrameDecoder& decoder, std::span<const std::uint8_t> stream, Rng& rng,
                                       std::size_t largest_piece = 4096) {
  std::vector<Message> out;
  Frame frame;
  while (!stream.empty()) {
    const std::size_t piece = std::min(stream.size(), 1 + below(rng, largest_piece));
    stream = stream.subspan(decoder.feed(stream.first(piece)));
    while (decoder.next(frame)) out.push_back(message_of(frame));
  }
  return out;
}

}  // namespace nicol::fw::test
