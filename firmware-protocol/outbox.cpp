// SPDX-License-Identifier: Apache-2.0
#include "firmware-protocol/outbox.hpp"

#include <algorithm>

#include "firmware-protocol/little_endian.hpp"

namespace nicol::fw {
namespace {
constexpr std::size_t kLength = sizeof(std::uint16_t);
}

bool Outbox::push(const Header& header, std::span<const std::uint8_t> payload) noexcept {
  compact();
  const std::size_t room = bytes_.size() - size_;
  std::size_t written = 0;
  if (room > kLength) {
    const auto out = std::span(bytes_).subspan(size_ + kLength);
    written = framing_ == Framing::raw ? encode_frame(header, payload, out) : encode_serial_frame(header, payload, out);
  }
  if (written == 0) {
    ++dropped_;
    return false;
  }
  put_le(bytes_.data() + size_, static_cast<std::uint16_t>(written));
  size_ += kLength + written;
  return true;
}

std::span<const std::uint8_t> Outbox::pending() const noexcept {
  if (begin_ == size_) return {};
  if (left_ != 0) return std::span(bytes_).subspan(begin_, left_);
  return std::span(bytes_).subspan(begin_ + kLength, get_le<std::uint16_t>(bytes_.data() + begin_));
}

void Outbox::fetched(std::size_t bytes) noexcept {
  if (bytes == 0) return;
  const std::size_t had = pending().size();
  if (left_ == 0) begin_ += kLength;
  begin_ += bytes;
  left_ = had - bytes;
  if (begin_ == size_) clear();
}

void Outbox::compact() noexcept {
  if (begin_ == 0) return;
  std::copy(bytes_.begin() + static_cast<std::ptrdiff_t>(begin_), bytes_.begin() + static_cast<std::ptrdiff_t>(size_),
            bytes_.begin());
  size_ -= begin_;
  begin_ = 0;
}

}  // namespace nicol::fw
