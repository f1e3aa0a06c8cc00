// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>

#include "drivers/files/nicol_stream.hpp"
#include "firmware-protocol/crc.hpp"
#include "firmware-protocol/little_endian.hpp"

namespace nicol::files {
namespace {

constexpr std::uint64_t kMostTick = std::uint64_t{1} << 32;
constexpr std::size_t kMostHeader = kNicolFixedBytes + fw::kWordChannels + kNicolCrcBytes;

std::size_t header_bytes(std::size_t channels) { return kNicolFixedBytes + (channels + 3) / 4 * 4 + kNicolCrcBytes; }

Result<std::span<const std::uint8_t>> whole(ByteInput& input, std::size_t bytes) {
  auto there = input.peek(bytes);
  if (!there) return there;
  if (there->size() < bytes) return input.refuse("the file ends inside its header", there->size());
  return there->first(bytes);
}

bool sound(TickLength tick) { return tick.num >= 1 && tick.num <= kMostTick && tick.den >= 1 && tick.den <= kMostTick; }

/// The fixed part, before anything of it is believed but the magic.
Result<std::span<const std::uint8_t>> fixed_part(ByteInput& input) {
  auto bytes = whole(input, kNicolFixedBytes);
  if (!bytes) return bytes;
  if (std::string_view(reinterpret_cast<const char*>(bytes->data()), kNicolMagic.size()) != kNicolMagic)
    return input.refuse("no tag file of ours: it does not begin with NICOLTAG");
  const auto version = fw::get_le<std::uint16_t>(bytes->data() + 8);
  if (version == 0 || version > kNicolVersion)
    return input.refuse(fmt::format("format version {}: this program reads up to {}", version, kNicolVersion), 8);
  return bytes;
}

Result<TickLength> tick_of(std::span<const std::uint8_t> bytes, const ByteInput& input) {
  const TickLength tick{fw::get_le<std::uint64_t>(bytes.data() + 12), fw::get_le<std::uint64_t>(bytes.data() + 20)};
  if (sound(tick)) return tick;
  return input.refuse(fmt::format("a tick of {}/{} ps", tick.num, tick.den), 12);
}

}  // namespace

Result<NicolHeader> read_nicol_header(ByteInput& input) {
  const auto fixed = fixed_part(input);
  if (!fixed) return fixed.error();
  const std::size_t channels = (*fixed)[28], bytes = header_bytes(channels);
  if (channels == 0 || channels > fw::kWordChannels)
    return input.refuse(fmt::format("{} channels: expected 1 to {}", channels, fw::kWordChannels), 28);
  if (fw::get_le<std::uint16_t>(fixed->data() + 10) != bytes)
    return input.refuse(fmt::format("a header of {} channels has {} bytes", channels, bytes), 10);
  const auto all = whole(input, bytes);
  if (!all) return all.error();
  const auto covered = all->first(bytes - kNicolCrcBytes);
  if (fw::crc32c(covered) != fw::get_le<std::uint32_t>(all->data() + covered.size()))
    return input.refuse("the header is damaged: its CRC does not fit", covered.size());
  const auto tick = tick_of(*all, input);
  if (!tick) return tick.error();
  NicolHeader header{*tick, {}};
  for (std::size_t c = 0; c < channels; ++c) {
    const std::uint8_t role = (*all)[kNicolFixedBytes + c];
    if (role > static_cast<std::uint8_t>(hal::ChannelRole::monitor))
      return input.refuse(fmt::format("role {} of channel {}", role, c), kNicolFixedBytes + c);
    header.roles.push_back(static_cast<hal::ChannelRole>(role));
  }
  input.take(bytes);
  return header;
}

Result<void> write_nicol_header(ByteOutput& out, const NicolHeader& header) {
  const std::size_t channels = header.roles.size();
  if (channels == 0 || channels > fw::kWordChannels)
    return Error{Code::bad_input,
                 fmt::format("{} channels: the format nicol holds 1 to {}", channels, fw::kWordChannels),
                 {},
                 0,
                 {}};
  if (!sound(header.tick))
    return Error{
        Code::bad_input,
        fmt::format("a tick of {}/{} ps: the format nicol holds numbers up to 2^32", header.tick.num, header.tick.den),
        {},
        0,
        {}};
  std::array<std::uint8_t, kMostHeader> bytes{};
  const std::size_t size = header_bytes(channels), covered = size - kNicolCrcBytes;
  std::copy(kNicolMagic.begin(), kNicolMagic.end(), bytes.begin());
  fw::put_le(bytes.data() + 8, kNicolVersion);
  fw::put_le(bytes.data() + 10, static_cast<std::uint16_t>(size));
  fw::put_le(bytes.data() + 12, header.tick.num);
  fw::put_le(bytes.data() + 20, header.tick.den);
  bytes[28] = static_cast<std::uint8_t>(channels);
  for (std::size_t c = 0; c < channels; ++c) bytes[kNicolFixedBytes + c] = static_cast<std::uint8_t>(header.roles[c]);
  fw::put_le(bytes.data() + covered, fw::crc32c(std::span(bytes).first(covered)));
  return out.put(std::span<const std::uint8_t>(bytes).first(size));
}

Result<void> write_nicol_block(ByteOutput& out, std::span<const std::uint8_t> payload) {
  std::array<std::uint8_t, 4> length{};
  fw::put_le(length.data(), static_cast<std::uint32_t>(payload.size()));
  if (auto ok = out.put(length); !ok) return ok;
  if (auto ok = out.put(payload); !ok) return ok;
  return out.put_le(fw::crc32c(payload, fw::crc32c(length)));
}

}  // namespace nicol::files
