// SPDX-License-Identifier: Apache-2.0
// Walking through a payload number by number, never past its end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include "firmware-protocol/little_endian.hpp"

namespace nicol::fw {

/// Reads; past the end it gives zeros and remembers that.
class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> bytes) noexcept : bytes_(bytes) {}
  template <class Unsigned>
  Unsigned take() noexcept {
    const auto from = take_bytes(sizeof(Unsigned));
    return from.empty() ? Unsigned{0} : get_le<Unsigned>(from.data());
  }
  std::span<const std::uint8_t> take_bytes(std::size_t count) noexcept {
    if (count > bytes_.size()) {
      short_ = true;
      bytes_ = {};
      return {};
    }
    const auto taken = bytes_.first(count);
    bytes_ = bytes_.subspan(count);
    return taken;
  }
  std::size_t left() const noexcept { return bytes_.size(); }
  bool ran_out() const noexcept { return short_; }

 private:
  std::span<const std::uint8_t> bytes_;
  bool short_ = false;
};

/// Writes; the caller has made sure that all fits.
class Writer {
 public:
  explicit Writer(std::span<std::uint8_t> out) noexcept : out_(out) {}
  template <class Unsigned>
  Writer& put(Unsigned value) noexcept {
    static_assert(std::is_unsigned_v<Unsigned>);
    put_le(out_.data() + at_, value);
    at_ += sizeof(Unsigned);
    return *this;
  }
  Writer& put_bytes(std::span<const std::uint8_t> bytes) noexcept {
    for (const std::uint8_t byte : bytes) out_[at_++] = byte;
    return *this;
  }
  std::size_t written() const noexcept { return at_; }

 private:
  std::span<std::uint8_t> out_;
  std::size_t at_ = 0;
};

}  // namespace nicol::fw
