// SPDX-License-Identifier: Apache-2.0
// The reference firmware: bytes from the host in, bytes to the host out, a Board below. Portable, no allocation, no
// clock of its own. A port calls receive() with what came in, poll() at least every 5 ms, transmit() when the link can
// take bytes, and link_lost() on a USB reset or suspend, when DTR drops, and on a brown-out.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "firmware-protocol/board.hpp"
#include "firmware-protocol/outbox.hpp"
#include "firmware-protocol/responder.hpp"
#include "firmware-protocol/safety.hpp"
#include "firmware-protocol/source_control.hpp"
#include "firmware-protocol/tag_streamer.hpp"

namespace nicol::fw {

/// usb: raw frames, control on EP1, tag blocks on EP2. serial: all on one line, COBS with 0x00 between.
enum class Link : std::uint8_t { usb, serial };
enum class Channel : std::uint8_t { control, stream };

inline constexpr std::size_t kUsbMtu = kLargestFrame, kSerialMtu = kHeaderBytes + kControlPayload + kTrailerBytes;
inline constexpr std::size_t kSerialBlockFrame =
    1024;  // largest tag block on a serial line, so that answers get through

/// The large memory, apart from the state: about 90 KiB.
struct Buffers {
  explicit Buffers(Link link) noexcept
      : decoder(link == Link::usb ? Framing::raw : Framing::cobs),
        outbox(link == Link::usb ? Framing::raw : Framing::cobs) {}
  FrameDecoder decoder;
  Outbox outbox;
  StreamBuffers stream{};
};

struct FirmwareCounts {
  std::uint64_t executed = 0, repeated = 0, foreign = 0, too_early = 0, unknown = 0, other_version = 0;
};

class Firmware {
 public:
  /// Both must outlive it. Copies share them.
  Firmware(Board& board, Buffers& buffers, Link link) noexcept;

  /// What came from the host (EP1 OUT, or the serial line).
  void receive(std::span<const std::uint8_t> bytes, std::uint64_t now_ms) noexcept;
  void poll(std::uint64_t now_ms) noexcept;
  /// Bytes for the host; 0 when there is nothing. On USB at most one frame, or the next part of one, a call: the end of
  /// a frame ends the transfer. On a serial line Channel::control carries all and Channel::stream nothing.
  std::size_t transmit(Channel channel, std::span<std::uint8_t> out) noexcept;
  void link_lost(std::uint64_t now_ms) noexcept;

  Emission emission() const noexcept { return safety_.state(); }
  Faults faults() const noexcept { return safety_.faults(); }
  std::uint32_t watchdog_ms() const noexcept { return safety_.watchdog_ms(); }
  bool in_session() const noexcept { return responder_.in_session(); }
  const FirmwareCounts& counts() const noexcept { return counts_; }

 private:
  void handle(const Frame& frame) noexcept;
  void handle_hello(const Frame& frame) noexcept;
  void go_dark_at_once(Type type) noexcept;
  void one_way(const Frame& frame) noexcept;
  void execute(const Frame& frame) noexcept;
  void repeat(const Header& header) noexcept;

  Refused command(const Frame& frame) noexcept;
  Refused motion(const Frame& frame) noexcept;
  Refused source(const Frame& frame) noexcept;
  Refused stream(const Frame& frame) noexcept;
  /// Commands that are answered with more than an ACK; false for all others.
  bool query(const Frame& frame) noexcept;
  void get(const Frame& frame) noexcept;
  std::int64_t read(Property property, std::size_t k) noexcept;
  Refused set(const Value& value) noexcept;
  Refused set_attenuator(std::size_t k, std::int64_t millidecibels) noexcept;
  AxisStatus axis_status(std::size_t k) noexcept;

  void say(const Header& to, Type type, std::uint8_t flags, std::span<const std::uint8_t> payload) noexcept;
  void say_hello(const Header& to, std::uint64_t nonce, std::uint8_t flags) noexcept;
  void say_refusal(const Header& to, const Answer& refusal) noexcept;
  /// Says it, and remembers it for the case that the command comes again.
  void answer(const Header& to, Type type, std::uint8_t flags, std::span<const std::uint8_t> payload) noexcept;
  void acknowledge(const Header& to, const Refused& refused) noexcept;
  template <class Message>
  void answer(const Header& to, Type type, const Message& message) noexcept {
    std::array<std::uint8_t, kMostReplyBytes> payload{};
    answer(to, type, kIsAck, std::span(payload).first(encode(message, payload)));
  }
  /// Unasked; only within a session.
  template <class Message>
  void tell(Type type, const Message& message) noexcept {
    if (!responder_.in_session()) return;
    std::array<std::uint8_t, kMostReplyBytes> payload{};
    Header header;
    header.type = type;
    header.seq = seq_++;
    buffers_->outbox.push(header, std::span(payload).first(encode(message, payload)));
  }
  void tell_axes() noexcept;
  std::size_t fetch_control(std::span<std::uint8_t> out) noexcept;
  std::size_t fetch_stream(std::span<std::uint8_t> out) noexcept;

  Board* board_;
  Buffers* buffers_;
  Link link_;
  Responder responder_;
  Safety safety_;
  SourceControl source_;
  TagStreamer streamer_;
  FirmwareCounts counts_;
  std::uint64_t now_ms_ = 0, beat_ms_ = 0, received_ms_ = 0;
  std::uint16_t seq_ = 0;
  std::size_t host_mtu_ = kUsbMtu;
  std::uint32_t moving_axes_ = 0;  // bit k: axis k was moving at the last poll
};

}  // namespace nicol::fw
