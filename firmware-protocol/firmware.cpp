// SPDX-License-Identifier: Apache-2.0
// Frames in, frames out: sessions, delivery, heartbeats. What commands do is in firmware_commands.cpp.
#include "firmware-protocol/firmware.hpp"

#include <algorithm>

namespace nicol::fw {
namespace {

/// A frame is whole long before that. On a serial line a busy host may pause within one, but sends it again later than
/// this.
constexpr std::uint32_t unfinished_ms(Link link) noexcept { return link == Link::usb ? 50 : 200; }
constexpr std::uint16_t kSmallestMtu = 256;

Framing framing_of(Link link) noexcept { return link == Link::usb ? Framing::raw : Framing::cobs; }

bool is_answer(const Header& header) noexcept { return (header.flags & (kIsAck | kIsNack)) != 0; }
bool asks(const Header& header) noexcept { return (header.flags & kAckRequest) != 0; }

}  // namespace

Firmware::Firmware(Board& board, Buffers& buffers, Link link) noexcept
    : board_(&board),
      buffers_(&buffers),
      link_(link),
      safety_(board),
      source_(board),
      streamer_(board, buffers.stream, framing_of(link)) {}

void Firmware::receive(std::span<const std::uint8_t> bytes, std::uint64_t now_ms) noexcept {
  now_ms_ = now_ms;
  safety_.poll(now_ms);  // a frame that comes too late must not save a link that was silent too long
  Frame frame;
  if (now_ms - received_ms_ > unfinished_ms(link_)) {
    buffers_->decoder.end_of_input();
    while (buffers_->decoder.next(frame)) handle(frame);
  }
  received_ms_ = now_ms;
  while (!bytes.empty()) {
    const std::size_t taken = buffers_->decoder.feed(bytes);
    bytes = bytes.subspan(taken);
    while (buffers_->decoder.next(frame)) handle(frame);
    if (taken == 0) return;
  }
}

void Firmware::poll(std::uint64_t now_ms) noexcept {
  now_ms_ = now_ms;
  safety_.poll(now_ms);
  if (const auto event = safety_.take_event()) tell(Type::error_event, *event);
  if (const auto status = source_.poll(now_ms)) tell(Type::source_status, *status);
  tell_axes();
  if (now_ms - beat_ms_ >= kHeartbeatMs) {
    beat_ms_ = now_ms;
    tell(Type::heartbeat, Heartbeat{static_cast<std::uint32_t>(now_ms), safety_.state(), safety_.faults()});
  }
  streamer_.poll(now_ms);
}

void Firmware::link_lost(std::uint64_t now_ms) noexcept {
  now_ms_ = now_ms;
  safety_.link_lost(now_ms);
  streamer_.abandon();
  source_.end();
  responder_.end_session();
  buffers_->decoder.reset();
  buffers_->outbox.clear();
}

std::size_t Firmware::transmit(Channel channel, std::span<std::uint8_t> out) noexcept {
  if (link_ == Link::usb) return channel == Channel::control ? fetch_control(out) : fetch_stream(out);
  if (channel == Channel::stream) return 0;
  std::size_t written = 0;
  for (;;) {
    const auto rest = out.subspan(written);
    const std::size_t more = streamer_.midway() ? fetch_stream(rest) : fetch_control(rest);
    const std::size_t bytes = more != 0 ? more : fetch_stream(rest);
    if (bytes == 0) return written;
    written += bytes;
  }
}

std::size_t Firmware::fetch_control(std::span<std::uint8_t> out) noexcept {
  const auto pending = buffers_->outbox.pending();
  const std::size_t bytes = std::min(pending.size(), out.size());
  std::copy_n(pending.begin(), bytes, out.begin());
  buffers_->outbox.fetched(bytes);
  return bytes;
}

std::size_t Firmware::fetch_stream(std::span<std::uint8_t> out) noexcept {
  const auto pending = streamer_.pending();
  const std::size_t bytes = std::min(pending.size(), out.size());
  std::copy_n(pending.begin(), bytes, out.begin());
  if (bytes != 0) streamer_.fetched(bytes);
  return bytes;
}

void Firmware::handle(const Frame& frame) noexcept {
  const Header& header = frame.header;
  if (header.version != kVersion) {
    ++counts_.other_version;
    return say_hello(header, 0, kIsNack);
  }
  if (is_answer(header)) return static_cast<void>(++counts_.unknown);
  if (header.type == Type::hello) return handle_hello(frame);
  const Judgement judgement = asks(header) ? responder_.judge(header.seq) : Judgement::execute;
  if (judgement != Judgement::repeat) go_dark_at_once(header.type);
  if (!responder_.current(header.seq)) {
    ++counts_.foreign;
    if (asks(header)) say_refusal(header, refuse(Nack::wrong_session));
    return;
  }
  safety_.alive(now_ms_);
  if (!asks(header)) return one_way(frame);
  switch (judgement) {
    case Judgement::execute:
      return execute(frame);
    case Judgement::repeat:
      return repeat(header);
    case Judgement::too_early:
      return static_cast<void>(++counts_.too_early);
    case Judgement::foreign:
      return say_refusal(header, refuse(Nack::wrong_session));
  }
}

void Firmware::go_dark_at_once(Type type) noexcept {
  if (type == Type::safe_state) safety_.trip(kFaultCommanded, 0, now_ms_);
  if (type == Type::disable_emission) safety_.disable();
}

void Firmware::handle_hello(const Frame& frame) noexcept {
  if (!asks(frame.header)) return static_cast<void>(++counts_.unknown);
  const auto hello = decode_hello(frame.payload);
  if (!hello) return say_refusal(frame.header, refuse(Nack::bad_length));
  if (responder_.is_session(hello->nonce)) {
    ++counts_.repeated;
    safety_.alive(now_ms_);
    return say_hello(frame.header, hello->nonce, kIsAck);
  }
  if (hello->proto_min > kVersion || hello->proto_max < kVersion || hello->schema_hash != schema_hash())
    return say_hello(frame.header, hello->nonce, kIsNack);
  if (hello->incompat != 0) return say_refusal(frame.header, refuse(Nack::unsupported, hello->incompat));
  if (frame.header.seq != static_cast<std::uint16_t>(hello->nonce) || hello->mtu < kSmallestMtu)
    return say_refusal(frame.header, refuse(Nack::bad_value));
  safety_.begin_session(now_ms_);
  streamer_.abandon();
  source_.end();
  responder_.begin_session(hello->nonce);
  host_mtu_ = hello->mtu;
  beat_ms_ = now_ms_;
  say_hello(frame.header, hello->nonce, kIsAck);
}

void Firmware::one_way(const Frame& frame) noexcept {
  if (frame.header.type == Type::heartbeat || frame.header.type == Type::safe_state ||
      frame.header.type == Type::disable_emission)
    return;
  const auto credit = decode<Credit>(frame.payload);
  if (frame.header.type == Type::stream_credit && credit) return streamer_.credit(credit->blocks);
  ++counts_.unknown;
}

void Firmware::execute(const Frame& frame) noexcept {
  ++counts_.executed;
  if (!query(frame)) acknowledge(frame.header, command(frame));
}

void Firmware::repeat(const Header& header) noexcept {
  ++counts_.repeated;
  const RememberedReply& reply = responder_.remembered(header.seq);
  say(header, reply.type, reply.flags, std::span(reply.payload).first(reply.size));
}

void Firmware::say(const Header& to, Type type, std::uint8_t flags, std::span<const std::uint8_t> payload) noexcept {
  Header header;
  header.type = type;
  header.flags = flags;
  header.seq = seq_++;
  header.ack = to.seq;
  buffers_->outbox.push(header, payload);
}

void Firmware::say_hello(const Header& to, std::uint64_t nonce, std::uint8_t flags) noexcept {
  Hello hello;
  hello.nonce = nonce;
  hello.schema_hash = schema_hash();
  hello.mtu = static_cast<std::uint16_t>(link_ == Link::usb ? kUsbMtu : kSerialMtu);
  hello.description = board_->description();
  std::array<std::uint8_t, kMostHelloBytes> payload{};
  say(to, Type::hello, flags, std::span(payload).first(encode(hello, payload)));
}

void Firmware::say_refusal(const Header& to, const Answer& refusal) noexcept {
  std::array<std::uint8_t, Answer::kBytes> payload{};
  encode(refusal, payload);
  say(to, Type::ack, kIsNack, payload);
}

void Firmware::answer(const Header& to, Type type, std::uint8_t flags, std::span<const std::uint8_t> payload) noexcept {
  responder_.remember(to.seq, type, flags, payload);
  say(to, type, flags, payload);
}

void Firmware::acknowledge(const Header& to, const Refused& refused) noexcept {
  std::array<std::uint8_t, Answer::kBytes> payload{};
  encode(refused.value_or(Answer{}), payload);
  answer(to, Type::ack, refused ? kIsNack : kIsAck, payload);
}

void Firmware::tell_axes() noexcept {
  for (std::size_t k = 0; k < board_->description().axis_count; ++k) {
    const std::uint32_t bit = std::uint32_t{1} << k;
    const AxisState axis = board_->axis(k);
    const bool ended = (moving_axes_ & bit) != 0 && !axis.moving;
    moving_axes_ = axis.moving ? moving_axes_ | bit : moving_axes_ & ~bit;
    if (ended) tell(Type::axis_status, axis_status(k));
  }
}

}  // namespace nicol::fw
