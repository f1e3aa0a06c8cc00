// SPDX-License-Identifier: Apache-2.0
// Numbering and stamps of one connection; see link.hpp.
#include "controller/session/link.hpp"

#include <algorithm>

#include <fmt/core.h>

namespace nicol::session {
namespace {

Error not_honest(std::string message) {
  return {.code = Code::authentication, .message = std::move(message), .device = {}, .cause = {}};
}

std::size_t half_offset(Side side) { return side == Side::alice ? 0 : 8; }

}  // namespace

Link::Link(Side side, const Deadlines& deadlines, unsigned tag_bits)
    : side_(side), deadlines_(&deadlines), tag_bits_(tag_bits) {}

void Link::set_own_half(const std::array<std::uint8_t, 8>& half) {
  std::copy(half.begin(), half.end(), own_id_.begin() + static_cast<std::ptrdiff_t>(half_offset(side_)));
}

void Link::set_peer_half(const std::array<std::uint8_t, 8>& half) {
  std::copy(half.begin(), half.end(), own_id_.begin() + static_cast<std::ptrdiff_t>(half_offset(peer_of(side_))));
  peer_id_ = own_id_;
  peer_known_ = true;
}

std::size_t Link::trailer_bytes(FrameType type) const {
  switch (find_rule(type)->trailer) {
    case Trailer::one_time_tag:
      return tag_bits_ / 8;
    case Trailer::service_mac:
      return kServiceMacBytes;
    case Trailer::none:
      break;
  }
  return 0;
}

Bytes Link::make(FrameType type, ByteSpan body) {
  FrameHeader header;
  header.session = own_id_;
  header.direction = direction_from(side_);
  header.sequence = next_out_++;
  header.type = type;
  header.length = kStampBytes + body.size() + trailer_bytes(type);
  ByteWriter w;
  w.bytes(encode_header(header));
  const auto since_epoch = deadlines_->now().time_since_epoch();
  w.u64(static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(since_epoch).count()));
  w.u64(next_in_ == 0 ? kNothingReceived : next_in_ - 1);
  w.bytes(body);
  return std::move(w).take();
}

Result<void> Link::check(const FrameHeader& header) const {
  // HELLO is judged by what it says: a peer configured for the same side must hear so.
  if (peer_known_ && header.direction == direction_from(side_))
    return not_honest("a frame of this side's own direction (reflection)");
  if (peer_known_ ? header.session != peer_id_ : header.type != FrameType::hello)
    return not_honest("a frame of another session");
  if (header.sequence != next_in_)
    return not_honest(
        fmt::format("{} number {} (number {} expected)", to_string(header.type), header.sequence, next_in_));
  return {};
}

Result<void> Link::check_stamp(ByteSpan stamp) {
  ByteReader r(stamp);
  const std::uint64_t time = r.u64(), received = r.u64();
  if (time < peer_time_) return not_honest("a send time that goes back");
  const bool nothing = received == kNothingReceived;
  const bool goes_back = nothing && peer_received_ != kNothingReceived;
  const bool less = !nothing && peer_received_ != kNothingReceived && received < peer_received_;
  if (goes_back || less || (!nothing && received >= next_out_))
    return not_honest("an acknowledged number that cannot be");
  peer_time_ = time;
  peer_received_ = received;
  return {};
}

Result<Link::Incoming> Link::accept(std::span<const std::uint8_t> frame) {
  const Result<FrameHeader> header = parse_header(frame);
  if (!header) return header.error();
  if (Result<void> ok = check(*header); !ok) return ok.error();
  const std::size_t trailer = trailer_bytes(header->type);
  if (frame.size() - kHeaderBytes != header->length || header->length < kStampBytes + trailer)
    return not_honest(fmt::format("{} of a length that cannot be", to_string(header->type)));
  if (Result<void> ok = check_stamp(frame.subspan(kHeaderBytes, kStampBytes)); !ok) return ok.error();
  ++next_in_;
  const ByteSpan canonical = frame.first(frame.size() - trailer);
  return Incoming{header->type, canonical, canonical.subspan(kHeaderBytes + kStampBytes), frame.last(trailer)};
}

}  // namespace nicol::session
