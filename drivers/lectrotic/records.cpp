// SPDX-License-Identifier: Apache-2.0
#include "drivers/lectrotic/records.hpp"

#include <algorithm>
#include <string_view>

namespace nicol::lectrotic {
namespace {

using Kind = StreamItem::Kind;

/// No record begins so: it would have more ticks than a second has.
constexpr std::string_view kIdentityBegins = "Lectrobo";
constexpr std::size_t kLongestLine = 128;

std::uint32_t little_endian(std::span<const std::uint8_t> bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i-- > 0;) value = value << 8 | bytes[i];
  return value;
}

StreamItem of(Kind kind) {
  StreamItem item;
  item.kind = kind;
  return item;
}

StreamItem corrupt(const char* why) {
  StreamItem item = of(Kind::corrupt);
  item.why = why;
  return item;
}

StreamItem parse_special(std::uint32_t payload, std::uint32_t word) {
  if ((word & 0x0fffffff) > 2) return corrupt("a special record of an unknown kind");
  if ((word & 0x3) == 0) return of(Kind::cleared);
  if ((word & 0x3) == 2) return of(Kind::oscillator_failed);
  StreamItem item = of(Kind::lost);
  item.channel = static_cast<std::uint8_t>(word >> 30);
  item.too_close = static_cast<std::uint16_t>(payload);
  item.overflowed = static_cast<std::uint16_t>(payload >> 16);
  return item;
}

}  // namespace

StreamItem parse_record(std::span<const std::uint8_t, kRecord> bytes) {
  const std::uint32_t seconds = little_endian(bytes.first<4>()), word = little_endian(bytes.last<4>());
  if ((word >> 28 & 1U) != 0) return parse_special(seconds, word);
  StreamItem item;
  const std::int64_t ticks = word & 0x0fffffff;
  if (ticks >= kTicksPerSecond) return corrupt("a record with more ticks than a second has");
  item.channel = static_cast<std::uint8_t>(word >> 30);
  item.edge = (word >> 29 & 1U) != 0 ? hal::Edge::rising : hal::Edge::falling;
  item.ticks = seconds * kTicksPerSecond + ticks;
  return item;
}

std::optional<StreamItem> StreamDecoder::next(std::span<const std::uint8_t>& bytes) {
  if (broken_) return std::nullopt;
  if (line_ > 0) return rest_of_line(bytes);
  const std::size_t n = std::min(kRecord - used_, bytes.size());
  std::copy_n(bytes.begin(), n, kept_.begin() + static_cast<std::ptrdiff_t>(used_));
  bytes = bytes.subspan(n);
  used_ += n;
  if (used_ < kRecord) return std::nullopt;
  used_ = 0;
  if (std::equal(kept_.begin(), kept_.end(), kIdentityBegins.begin())) {
    line_ = kRecord;
    return rest_of_line(bytes);
  }
  const StreamItem item = parse_record(kept_);
  broken_ = item.kind == Kind::corrupt;
  return item;
}

std::optional<StreamItem> StreamDecoder::rest_of_line(std::span<const std::uint8_t>& bytes) {
  while (!bytes.empty()) {
    const std::uint8_t byte = bytes.front();
    bytes = bytes.subspan(1);
    if (byte == '\n') {
      line_ = 0;
      return of(Kind::identity);
    }
    if (++line_ <= kLongestLine) continue;
    broken_ = true;
    return corrupt("a line of text without an end");
  }
  return std::nullopt;
}

bool ClearedSearch::next(std::span<const std::uint8_t>& bytes) {
  while (!bytes.empty()) {
    std::rotate(last_.begin(), last_.begin() + 1, last_.end());
    last_.back() = bytes.front();
    bytes = bytes.subspan(1);
    if (++seen_ >= kRecord && last_ == kCleared) return true;
  }
  return false;
}

}  // namespace nicol::lectrotic
