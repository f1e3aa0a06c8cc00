// SPDX-License-Identifier: Apache-2.0
// One frame, written and read where it stands.
#include "firmware-protocol/frame.hpp"

#include <cstring>

#include "firmware-protocol/cobs.hpp"
#include "firmware-protocol/crc.hpp"
#include "firmware-protocol/little_endian.hpp"

namespace nicol::fw {
namespace {

constexpr std::size_t kHeaderCrcAt = 10;

void put_header(const Header& header, std::uint8_t* out) noexcept {
  out[0] = kMagic;
  out[1] = header.version;
  out[2] = static_cast<std::uint8_t>(header.type);
  out[3] = header.flags;
  put_le(out + 4, header.seq);
  put_le(out + 6, header.ack);
  put_le(out + 8, header.length);
  put_le(out + kHeaderCrcAt, crc16({out, kHeaderCrcAt}));
}

Header get_header(const std::uint8_t* in) noexcept {
  return {.type = static_cast<Type>(in[2]),
          .flags = in[3],
          .seq = get_le<std::uint16_t>(in + 4),
          .ack = get_le<std::uint16_t>(in + 6),
          .length = get_le<std::uint16_t>(in + 8),
          .version = in[1]};
}

/// Types mean what their own version says, so a stranger's frame is held to the largest length only.
std::size_t longest(const Header& header) noexcept {
  return header.version == kVersion ? largest_payload(header.type) : kStreamPayload;
}

std::size_t to_next_magic(std::span<const std::uint8_t> bytes) noexcept {
  std::size_t at = 1;
  while (at < bytes.size() && bytes[at] != kMagic) ++at;
  return at;
}

}  // namespace

std::size_t encode_frame(const Header& header, std::span<const std::uint8_t> payload,
                         std::span<std::uint8_t> out) noexcept {
  const std::size_t size = kHeaderBytes + payload.size() + kTrailerBytes;
  if (payload.size() > longest(header) || size > out.size()) return 0;
  if (!payload.empty()) std::memmove(out.data() + kHeaderBytes, payload.data(), payload.size());
  Header whole = header;
  whole.length = static_cast<std::uint16_t>(payload.size());
  put_header(whole, out.data());
  put_le(out.data() + size - kTrailerBytes, crc32c(out.first(size - kTrailerBytes)));
  return size;
}

std::size_t encode_serial_frame(const Header& header, std::span<const std::uint8_t> payload,
                                std::span<std::uint8_t> out) noexcept {
  const std::size_t size = kHeaderBytes + payload.size() + kTrailerBytes, needed = cobs_bound(size) + 1;
  if (payload.size() > kStreamPayload || needed > out.size()) return 0;
  const auto frame = out.subspan(needed - size, size);  // stuffed towards the front, it never catches up with itself
  if (encode_frame(header, payload, frame) == 0) return 0;
  const std::size_t stuffed = cobs_encode(frame, out.first(needed - 1));
  out[stuffed] = 0;
  return stuffed + 1;
}

Decoded decode_frame(std::span<const std::uint8_t> bytes) noexcept {
  if (bytes.empty()) return {};
  const auto refuse = [&](Verdict why) { return Decoded{.verdict = why, .bytes = to_next_magic(bytes), .frame = {}}; };
  if (bytes[0] != kMagic) return refuse(Verdict::noise);
  if (bytes.size() < kHeaderBytes) return {};
  if (crc16(bytes.first(kHeaderCrcAt)) != get_le<std::uint16_t>(bytes.data() + kHeaderCrcAt))
    return refuse(Verdict::bad_header);
  const Header header = get_header(bytes.data());
  if (header.length > longest(header)) return refuse(Verdict::bad_header);
  const std::size_t body = kHeaderBytes + header.length;
  if (bytes.size() < body + kTrailerBytes) return {};
  if (crc32c(bytes.first(body)) != get_le<std::uint32_t>(bytes.data() + body)) return refuse(Verdict::bad_payload);
  const bool ours = header.version == kVersion;
  const auto verdict = ours && (header.flags & ~kKnownFlags) != 0 ? Verdict::unknown_flags : Verdict::frame;
  return {.verdict = verdict,
          .bytes = body + kTrailerBytes,
          .frame = {.header = header, .payload = bytes.subspan(kHeaderBytes, header.length)}};
}

}  // namespace nicol::fw
