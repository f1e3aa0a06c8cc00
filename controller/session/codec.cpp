// SPDX-License-Identifier: Apache-2.0
// Little-endian, varints, packed bits, difference-coded lists; see codec.hpp.
#include "controller/session/codec.hpp"

#include <bit>
#include <cmath>

#include <fmt/core.h>

namespace nicol::session {

void ByteWriter::little(std::uint64_t v, int bytes) {
  for (int i = 0; i < bytes; ++i) out_.push_back(static_cast<std::uint8_t>(v >> (8 * i)));
}

void ByteWriter::f64(double v) { u64(std::bit_cast<std::uint64_t>(v)); }

void ByteWriter::varint(std::uint64_t v) {
  for (; v >= 0x80; v >>= 7) u8(static_cast<std::uint8_t>(v | 0x80));
  u8(static_cast<std::uint8_t>(v));
}

void ByteWriter::signed_varint(std::int64_t v) {
  varint((static_cast<std::uint64_t>(v) << 1) ^ static_cast<std::uint64_t>(v >> 63));
}

void ByteWriter::text(std::string_view v) {
  varint(v.size());
  for (const char c : v) u8(static_cast<std::uint8_t>(c));
}

void ByteWriter::bits(const secret::PublicBits& v) {
  varint(v.size());
  const std::size_t bytes = (v.size() + 7) / 8;
  for (std::size_t i = 0; i < bytes; ++i) u8(static_cast<std::uint8_t>(v.words()[i / 8] >> (8 * (i % 8))));
}

void ByteWriter::increasing(std::span<const std::uint64_t> v) {
  varint(v.size());
  std::uint64_t next = 0;
  for (const std::uint64_t value : v) {
    varint(value - next);
    next = value + 1;
  }
}

std::uint64_t ByteReader::little(int bytes) {
  if (failed_ || left() < static_cast<std::size_t>(bytes)) {
    failed_ = true;
    return 0;
  }
  std::uint64_t v = 0;
  for (int i = 0; i < bytes; ++i) v |= static_cast<std::uint64_t>(in_[at_++]) << (8 * i);
  return v;
}

double ByteReader::f64() {
  const auto v = std::bit_cast<double>(u64());
  if (!std::isfinite(v)) failed_ = true;
  return failed_ ? 0.0 : v;
}

std::uint64_t ByteReader::varint() {
  std::uint64_t v = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const std::uint8_t b = u8();
    if (failed_) return 0;
    v |= static_cast<std::uint64_t>(b & 0x7f) << shift;
    if ((b & 0x80) != 0) continue;
    // One value, one spelling: no trailing zero group, nothing beyond bit 63.
    if ((b == 0 && shift != 0) || (shift == 63 && b > 1)) failed_ = true;
    return failed_ ? 0 : v;
  }
  failed_ = true;
  return 0;
}

std::int64_t ByteReader::signed_varint() {
  const std::uint64_t v = varint();
  return static_cast<std::int64_t>((v >> 1) ^ (~(v & 1) + 1));
}

std::uint64_t ByteReader::varint_up_to(std::uint64_t limit) {
  const std::uint64_t v = varint();
  if (v > limit) failed_ = true;
  return failed_ ? 0 : v;
}

std::uint8_t ByteReader::u8_up_to(std::uint8_t limit) {
  const std::uint8_t v = u8();
  if (v > limit) failed_ = true;
  return failed_ ? std::uint8_t{0} : v;
}

std::string ByteReader::text(std::size_t limit) {
  const std::uint64_t size = varint_up_to(limit);
  if (size > left()) failed_ = true;
  std::string out;
  for (std::uint64_t i = 0; !failed_ && i < size; ++i) {
    const std::uint8_t c = u8();
    out.push_back(c >= 0x20 && c < 0x7f ? static_cast<char>(c) : '?');
  }
  return out;
}

secret::PublicBits ByteReader::bits(std::uint64_t count) {
  if (failed_ || count / 8 > left() || (count + 7) / 8 > left()) {
    failed_ = true;
    return {};
  }
  secret::PublicBits out(static_cast<std::size_t>(count));
  const std::size_t bytes = static_cast<std::size_t>((count + 7) / 8);
  for (std::size_t i = 0; i < bytes; ++i) out.words()[i / 8] |= static_cast<std::uint64_t>(u8()) << (8 * (i % 8));
  if (count % 64 != 0 && (out.words().back() >> (count % 64)) != 0) failed_ = true;
  return out;
}

secret::PublicBits ByteReader::bits_exactly(std::uint64_t count) {
  if (varint() != count) failed_ = true;
  return bits(count);
}

secret::PublicBits ByteReader::bits_up_to(std::uint64_t limit) { return bits(varint_up_to(limit)); }

std::vector<std::uint64_t> ByteReader::increasing(std::uint64_t count_limit, std::uint64_t bound) {
  const std::uint64_t count = varint_up_to(count_limit);
  if (count > left()) failed_ = true;  // every entry takes a byte at least
  std::vector<std::uint64_t> out;
  if (failed_) return out;
  out.reserve(static_cast<std::size_t>(count));
  std::uint64_t next = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t step = varint();
    if (failed_ || next >= bound || step >= bound - next) {
      failed_ = true;
      return {};
    }
    out.push_back(next + step);
    next += step + 1;
  }
  return out;
}

Error ByteReader::malformed(std::string_view name) {
  return {.code = Code::protocol, .message = fmt::format("malformed {}", name), .device = {}, .cause = {}};
}

}  // namespace nicol::session
