// SPDX-License-Identifier: Apache-2.0
// Bytes of payloads, both ways: little-endian, varints, packed bits, slot lists as differences. The reader is total:
// any bytes give a value or "malformed", and nothing is allocated that the remaining bytes could not hold.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controller/secret/public_bits.hpp"
#include "drivers/hal/result.hpp"

namespace nicol::session {

using Bytes = std::vector<std::uint8_t>;

class ByteWriter {
 public:
  void u8(std::uint8_t v) { out_.push_back(v); }
  void u16(std::uint16_t v) { little(v, 2); }
  void u32(std::uint32_t v) { little(v, 4); }
  void u64(std::uint64_t v) { little(v, 8); }
  void f64(double v);
  /// LEB128, shortest form only.
  void varint(std::uint64_t v);
  /// Zigzag: small magnitudes of either sign are short.
  void signed_varint(std::int64_t v);
  void bytes(std::span<const std::uint8_t> v) { out_.insert(out_.end(), v.begin(), v.end()); }
  void text(std::string_view v);  // varint length, bytes
  void bits(const secret::PublicBits& v);
  /// Strictly increasing numbers: count, the first, then each difference less one.
  void increasing(std::span<const std::uint64_t> v);
  Bytes take() && { return std::move(out_); }

 private:
  void little(std::uint64_t v, int bytes);
  Bytes out_;
};

/// The first violation latches: later reads give zeros, and finish() reports it.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::uint8_t> in) : in_(in) {}
  std::uint8_t u8() { return static_cast<std::uint8_t>(little(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(little(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(little(4)); }
  std::uint64_t u64() { return little(8); }
  double f64();  // finite only
  std::uint64_t varint();
  std::int64_t signed_varint();
  /// 0..limit.
  std::uint64_t varint_up_to(std::uint64_t limit);
  std::uint8_t u8_up_to(std::uint8_t limit);
  template <std::size_t N>
  std::array<std::uint8_t, N> fixed() {
    std::array<std::uint8_t, N> out{};
    for (std::uint8_t& b : out) b = u8();
    return out;
  }
  std::string text(std::size_t limit);  // what is not printable ASCII becomes '?'
  secret::PublicBits bits_exactly(std::uint64_t count);
  secret::PublicBits bits_up_to(std::uint64_t limit);
  /// At most `count_limit` strictly increasing numbers below `bound`.
  std::vector<std::uint64_t> increasing(std::uint64_t count_limit, std::uint64_t bound);

  void fail() { failed_ = true; }
  bool failed() const { return failed_; }
  std::size_t left() const { return in_.size() - at_; }
  /// The message, unless something was wrong or bytes are left over.
  template <class T>
  Result<T> finish(T message, std::string_view name) {
    if (failed_ || left() != 0) return malformed(name);
    return message;
  }

 private:
  std::uint64_t little(int bytes);
  secret::PublicBits bits(std::uint64_t count);
  static Error malformed(std::string_view name);
  std::span<const std::uint8_t> in_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

}  // namespace nicol::session
