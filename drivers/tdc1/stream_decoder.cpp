// SPDX-License-Identifier: Apache-2.0
#include "drivers/tdc1/stream_decoder.hpp"

#include <algorithm>
#include <string_view>

#include "drivers/tdc1/commands.hpp"

namespace nicol::tdc1 {
namespace {

constexpr std::string_view kReplyEnd = " \r\n";

bool is_hex(std::uint8_t c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f'); }

/// Whether these first bytes could be those of "hhhh \r\n". The whole of it is never two words of a healthy stream:
/// the second would have neither an input nor the dummy bit.
bool begins_reply(std::span<const std::uint8_t> bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const bool fits = i < 4 ? is_hex(bytes[i]) : bytes[i] == static_cast<std::uint8_t>(kReplyEnd[i - 4]);
    if (!fits) return false;
  }
  return true;
}

std::uint16_t status_in(std::span<const std::uint8_t> reply) {
  std::array<char, 4> text{};
  std::transform(reply.begin(), reply.begin() + 4, text.begin(), [](std::uint8_t c) { return static_cast<char>(c); });
  return parse_status({text.data(), text.size()}).value_or(0);
}

std::uint32_t little_endian(std::span<const std::uint8_t> b) {
  return std::uint32_t{b[0]} | std::uint32_t{b[1]} << 8 | std::uint32_t{b[2]} << 16 | std::uint32_t{b[3]} << 24;
}

}  // namespace

bool StreamDecoder::may_be_reply() const { return expected_ > 0 && begins_reply(std::span(kept_).first(used_)); }

void StreamDecoder::drop(std::size_t n) {
  std::copy(kept_.begin() + static_cast<std::ptrdiff_t>(n), kept_.begin() + static_cast<std::ptrdiff_t>(used_),
            kept_.begin());
  used_ -= n;
}

std::optional<StreamItem> StreamDecoder::next(std::span<const std::uint8_t>& bytes) {
  while (!broken_) {
    const bool whole = used_ >= kWord && !(used_ < kReply && may_be_reply());
    if (whole) {
      if (used_ == kReply && may_be_reply()) return status_reply();
      const std::uint32_t w = little_endian(kept_);
      drop(kWord);
      return word({w});
    }
    if (bytes.empty()) return std::nullopt;
    kept_[used_++] = bytes.front();
    bytes = bytes.subspan(1);
  }
  bytes = {};
  return std::nullopt;
}

std::optional<StreamItem> StreamDecoder::status_reply() {
  const std::uint16_t status = status_in(kept_);
  drop(kReply);
  --expected_;
  return StreamItem{StreamItem::Kind::status, last_ticks(), 0, status, ""};
}

StreamItem StreamDecoder::corrupt(const char* why) {
  broken_ = true;
  return {StreamItem::Kind::corrupt, last_ticks(), 0, 0, why};
}

/// Bit 31 going 1 -> 0 is the wrap. Asking for the step modulo 2^27 says the same and also sees the wraps that a gap
/// of more than half a period hides; any step back that is none comes out too long.
StreamItem StreamDecoder::word(tags::TwoNsWord w) {
  if (w.senseless()) return corrupt("a word names neither an input nor a dummy");
  if (begun_) {
    if (tags::two_ns_step(last_, w.time()) > kLongestStep)
      return corrupt(w.time() < last_ ? "time went back without a wrap" : "no word for more than 200 ms");
    if (w.time() < last_) high_ += kWrapTicks;
  }
  begun_ = true;
  last_ = w.time();
  return {w.dummy() ? StreamItem::Kind::time_mark : StreamItem::Kind::hits, last_ticks(),
          w.dummy() ? std::uint8_t{0} : w.inputs(), 0, ""};
}

std::optional<std::uint16_t> StatusSearch::next(std::span<const std::uint8_t>& bytes) {
  while (!bytes.empty()) {
    window_[used_++] = bytes.front();
    bytes = bytes.subspan(1);
    while (used_ > 0 && !begins_reply(std::span(window_).first(used_))) {
      std::copy(window_.begin() + 1, window_.begin() + static_cast<std::ptrdiff_t>(used_), window_.begin());
      --used_;
    }
    if (used_ < window_.size()) continue;
    used_ = 0;
    return status_in(window_);
  }
  return std::nullopt;
}

}  // namespace nicol::tdc1
