// SPDX-License-Identifier: Apache-2.0
// A PTU header: of the many tags only four matter here, but each is walked over by its own length.
#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <numeric>
#include <optional>

#include "drivers/files/ptu.hpp"
#include "firmware-protocol/little_endian.hpp"

namespace nicol::files::ptu {
namespace {

constexpr std::size_t kVersionBytes = 8, kMostTags = 10'000;
constexpr std::uint64_t kMostData = 64 << 20;

struct Tag {
  std::string ident;
  TagType type = TagType::empty;
  std::uint64_t value = 0;
};

/// What the header said so far.
struct Found {
  std::optional<std::uint32_t> record_type;
  std::optional<std::uint64_t> count;
  std::optional<double> resolution;
};

bool known(TagType type) {
  switch (type) {
    case TagType::empty:
    case TagType::boolean:
    case TagType::integer:
    case TagType::bit_set:
    case TagType::colour:
    case TagType::real:
    case TagType::date:
    case TagType::reals:
    case TagType::text:
    case TagType::wide_text:
    case TagType::blob:
      return true;
  }
  return false;
}

bool has_data(TagType type) {
  return type == TagType::reals || type == TagType::text || type == TagType::wide_text || type == TagType::blob;
}

Result<void> need(ByteInput& input, std::size_t bytes, std::string_view what) {
  const auto there = input.peek(bytes);
  if (!there) return there.error();
  if (there->size() >= bytes) return {};
  return input.refuse(fmt::format("the file ends inside {}", what), there->size());
}

Result<void> skip(ByteInput& input, std::uint64_t bytes) {
  while (bytes > 0) {
    const auto there = input.peek(1);
    if (!there) return there.error();
    if (there->empty()) return input.refuse("the file ends inside the data of a header tag");
    const auto now = std::min<std::uint64_t>(bytes, there->size());
    input.take(static_cast<std::size_t>(now));
    bytes -= now;
  }
  return {};
}

Result<Tag> read_tag(ByteInput& input) {
  if (auto ok = need(input, kTagBytes, "the header"); !ok) return std::move(ok).error();
  const auto bytes = input.peek(kTagBytes);
  if (!bytes) return bytes.error();
  const auto* text = reinterpret_cast<const char*>(bytes->data());
  Tag tag{std::string(text, strnlen(text, kIdentBytes)),
          static_cast<TagType>(fw::get_le<std::uint32_t>(bytes->data() + 36)),
          fw::get_le<std::uint64_t>(bytes->data() + 40)};
  if (!known(tag.type))
    return input.refuse(fmt::format("a header tag of unknown type {:08x}", static_cast<std::uint32_t>(tag.type)));
  if (has_data(tag.type) && tag.value > kMostData)
    return input.refuse(fmt::format("a header tag with {} bytes of data", tag.value));
  return tag;
}

Result<void> note(const ByteInput& input, const Tag& tag, Found& found) {
  const auto wrong = [&] { return input.refuse(fmt::format("the header tag {} is of the wrong type", tag.ident)); };
  if (tag.ident == kRecordType) {
    if (tag.type != TagType::integer) return wrong();
    found.record_type = static_cast<std::uint32_t>(tag.value);
  } else if (tag.ident == kRecordCount) {
    if (tag.type != TagType::integer) return wrong();
    found.count = tag.value;
  } else if (tag.ident == kGlobalResolution) {
    if (tag.type != TagType::real) return wrong();
    found.resolution = std::bit_cast<double>(tag.value);
  }
  return {};
}

Result<Records> records_of(std::uint32_t type, const ByteInput& input) {
  switch (type) {
    case 0x00010203:
      return Records::picoharp;
    case 0x00010204:
      return Records::hydra_v1;
    case 0x01010204:
    case 0x00010205:
    case 0x00010206:
    case kGenericT2:
      return Records::hydra_v2;
    case 0x00010303:
    case 0x00010304:
    case 0x01010304:
    case 0x00010305:
    case 0x00010306:
    case 0x00010307:
      return input.refuse(
          fmt::format("T3 records (type {:08x}): their times are relative to a sync, only T2 is read", type));
    default:
      return input.refuse(fmt::format("records of unknown type {:08x}", type));
  }
}

Result<Header> understood(const ByteInput& input, const Found& found) {
  const auto missing = [&](std::string_view tag) {
    return input.refuse(fmt::format("the header ends here and has no tag {}", tag));
  };
  if (!found.record_type) return missing(kRecordType);
  if (!found.count) return missing(kRecordCount);
  if (!found.resolution) return missing(kGlobalResolution);
  const auto records = records_of(*found.record_type, input);
  if (!records) return records.error();
  const auto tick = tick_of(*found.resolution);
  if (!tick) return input.refuse(tick.error().message);
  return Header{*records, *found.count, *tick};
}

}  // namespace

Result<TickLength> tick_of(double seconds) {
  constexpr std::uint64_t kMillionths = 1'000'000;
  if (!(seconds >= 1e-15 && seconds <= 1e-3))
    return Error{Code::bad_input, fmt::format("a resolution of {} s", seconds), {}, 0, {}};
  const auto num = static_cast<std::uint64_t>(std::llround(seconds * 1e18));
  const std::uint64_t common = std::gcd(num, kMillionths);
  return TickLength{num / common, kMillionths / common};
}

Result<Header> read_header(ByteInput& input) {
  if (auto ok = need(input, kMagic.size() + kVersionBytes, "the header"); !ok) return std::move(ok).error();
  const auto bytes = input.peek(kMagic.size());
  if (!bytes) return bytes.error();
  if (std::string_view(reinterpret_cast<const char*>(bytes->data()), kMagic.size()) != kMagic)
    return input.refuse("no PTU: it does not begin with PQTTTR");
  input.take(kMagic.size() + kVersionBytes);
  Found found;
  for (std::size_t i = 0; i < kMostTags; ++i) {
    const auto tag = read_tag(input);
    if (!tag) return tag.error();
    if (auto ok = note(input, *tag, found); !ok) return std::move(ok).error();
    input.take(kTagBytes);
    if (tag->ident == kHeaderEnd) return understood(input, found);
    if (!has_data(tag->type)) continue;
    if (auto ok = skip(input, tag->value); !ok) return std::move(ok).error();
  }
  return input.refuse(fmt::format("a header of more than {} tags", kMostTags));
}

}  // namespace nicol::files::ptu
