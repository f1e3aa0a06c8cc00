// SPDX-License-Identifier: Apache-2.0
// A byte stream becomes frames: the header is judged as soon as it is there, before a byte of payload is waited for.
#include "controller/session/frames.hpp"

#include <algorithm>

#include <fmt/core.h>

#include "controller/session/codec.hpp"
#include "controller/session/protocol.hpp"

namespace nicol::session {
namespace {

constexpr std::array<std::uint8_t, 4> kMagic{'Q', 'K', 'D', 'A'};

Error protocol_error(std::string message) {
  return {.code = Code::protocol, .message = std::move(message), .device = {}, .cause = {}};
}

}  // namespace

std::array<std::uint8_t, kHeaderBytes> encode_header(const FrameHeader& header) {
  ByteWriter w;
  w.bytes(kMagic);
  w.u8(header.version);
  w.bytes(header.session);
  w.u8(static_cast<std::uint8_t>(header.direction));
  w.u64(header.sequence);
  w.u16(static_cast<std::uint16_t>(header.type));
  w.u64(header.length);
  const Bytes bytes = std::move(w).take();
  std::array<std::uint8_t, kHeaderBytes> out{};
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return out;
}

Result<FrameHeader> parse_header(std::span<const std::uint8_t> frame) {
  if (frame.size() < kHeaderBytes) return protocol_error("a frame shorter than its header");
  ByteReader r(frame.first(kHeaderBytes));
  if (r.fixed<4>() != kMagic) return protocol_error("a frame that does not begin with QKDA");
  FrameHeader h;
  h.version = r.u8();
  if (h.version != kWireVersion)
    return protocol_error(fmt::format("wire version {} (this side speaks {})", h.version, kWireVersion));
  h.session = r.fixed<16>();
  const std::uint8_t direction = r.u8();
  if (direction > 1) return protocol_error(fmt::format("direction {} (0 or 1 expected)", direction));
  h.direction = static_cast<Direction>(direction);
  h.sequence = r.u64();
  const std::uint16_t type = r.u16();
  h.type = static_cast<FrameType>(type);
  h.length = r.u64();
  const FrameRule* rule = find_rule(h.type);
  if (rule == nullptr) return protocol_error(fmt::format("frame type {} does not exist", type));
  if (h.length > rule->max_payload)
    return protocol_error(fmt::format("{} of {} bytes (at most {} expected)", rule->name, h.length, rule->max_payload));
  return h;
}

Result<void> FrameReader::check_header() {
  const Result<FrameHeader> header = parse_header(buffer_);
  if (!header) return header.error();
  if (header->length > max_payload_)
    return protocol_error(
        fmt::format("{} of {} bytes (at most {} expected)", to_string(header->type), header->length, max_payload_));
  need_ = kHeaderBytes + static_cast<std::size_t>(header->length);
  return {};
}

Result<void> FrameReader::feed(std::span<const std::uint8_t> bytes) {
  if (broken_) return protocol_error("bytes after a broken frame");
  while (!bytes.empty()) {
    const std::size_t take = std::min(bytes.size(), need_ - buffer_.size());
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(take));
    bytes = bytes.subspan(take);
    if (buffer_.size() < need_) break;
    if (need_ == kHeaderBytes) {
      if (Result<void> checked = check_header(); !checked) {
        broken_ = true;
        buffer_.clear();
        return checked;
      }
    }
    if (buffer_.size() < need_) continue;
    ready_.push_back(std::move(buffer_));
    buffer_ = {};
    need_ = kHeaderBytes;
  }
  return {};
}

std::optional<std::vector<std::uint8_t>> FrameReader::next() {
  if (ready_.empty()) return std::nullopt;
  std::vector<std::uint8_t> frame = std::move(ready_.front());
  ready_.pop_front();
  return frame;
}

}  // namespace nicol::session
