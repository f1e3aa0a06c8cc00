// SPDX-License-Identifier: Apache-2.0
// Random bytes to the reference firmware: it neither crashes nor reads past a frame, and there is no light unless the
// input holds a nonce that the board drew (a fuzzer that watches comparisons finds one, and may then arm by the rules).
// First byte: link; then records {kind, size, bytes}.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <vector>

#include "firmware-protocol/firmware.hpp"
#include "firmware-protocol/little_endian.hpp"
#include "tests/unit/firmware/fake_board.hpp"

namespace {

using namespace nicol::fw;

struct SecretBoard {
  nicol::fw::test::FakeBoard board;
  static constexpr std::uint64_t kSeed = 0x5EC2E7;
  SecretBoard() {
    board.is.random = kSeed;
    for (std::uint64_t i = 0; i < 500; ++i) board.fifo.push_back({i * 1000, static_cast<std::uint32_t>(i % 14)});
    board.lose(7);
  }
  bool drew_a_nonce_of(std::span<const std::uint8_t> input) const {
    nicol::fw::test::FakeBoard again;
    again.is.random = kSeed;
    for (std::uint64_t i = kSeed; i < board.is.random; ++i) {
      std::array<std::uint8_t, 8> nonce{};
      put_le(nonce.data(), again.random());
      if (std::search(input.begin(), input.end(), nonce.begin(), nonce.end()) != input.end()) return true;
    }
    return false;
  }
};

struct Machine {
  Machine(Link kind, std::span<const std::uint8_t> bytes)
      : input(bytes), buffers(std::make_unique<Buffers>(kind)), firmware(it.board, *buffers, kind), link(kind) {}

  void check() {
    for (const Channel channel : {Channel::control, Channel::stream})
      for (int i = 0; i < 64 && firmware.transmit(channel, out) != 0; ++i) {
      }
    if (it.board.is.emissions_on != 0 && !it.drew_a_nonce_of(input)) std::abort();
    bool detecting = false;
    for (const Switch s : it.board.is.detectors) detecting = detecting || s == Switch::on;
    if (detecting && it.board.is.light == Light::alignment) std::abort();
  }

  std::span<const std::uint8_t> input;
  SecretBoard it;
  std::unique_ptr<Buffers> buffers;
  Firmware firmware;
  Link link;
  std::array<std::uint8_t, 1000> out{};
};

/// A frame that passes the CRCs, so that the payloads' decoders and the machine behind them are reached.
void send_framed(Machine& m, std::span<const std::uint8_t> bytes, std::uint64_t now, std::uint16_t seq) {
  std::array<std::uint8_t, 1024> frame{};
  Header header;
  header.type = static_cast<Type>(bytes[0]);
  header.flags = static_cast<std::uint8_t>(bytes[1] & kKnownFlags);
  header.seq = seq;
  const auto payload = bytes.subspan(2);
  const std::size_t size =
      m.link == Link::usb ? encode_frame(header, payload, frame) : encode_serial_frame(header, payload, frame);
  m.firmware.receive(std::span(frame).first(size), now);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::span<const std::uint8_t> in(data, size);
  if (in.empty()) return 0;
  Machine m((in[0] & 1U) != 0 ? Link::serial : Link::usb, in);
  in = in.subspan(1);
  std::uint64_t now = 0;
  std::uint16_t seq = 0;
  while (in.size() >= 2) {
    const std::uint8_t kind = in[0];
    const auto bytes = in.subspan(2, std::min<std::size_t>(in[1], in.size() - 2));
    in = in.subspan(2 + bytes.size());
    now += kind;
    switch (kind % 8) {
      case 0:
        m.firmware.receive(bytes, now);
        break;
      case 1:
        m.firmware.link_lost(now);
        break;
      case 2: {  // a HELLO that is accepted: only its nonce is the fuzzer's
        Hello hello;
        hello.nonce = kind;
        hello.schema_hash = schema_hash();
        hello.mtu = 1024;
        std::array<std::uint8_t, kMostHelloBytes + 2> payload{static_cast<std::uint8_t>(Type::hello), kAckRequest};
        const std::size_t written = encode(hello, std::span(payload).subspan(2));
        send_framed(m, std::span(payload).first(2 + written), now, seq = kind);
        break;
      }
      default:
        if (bytes.size() >= 2) send_framed(m, bytes, now, (bytes[1] & kAckRequest) != 0 ? ++seq : seq);
    }
    m.firmware.poll(now);
    m.check();
  }
  return 0;
}
