// SPDX-License-Identifier: Apache-2.0
#include "drivers/files/epoch.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "firmware-protocol/little_endian.hpp"

namespace nicol::files {
namespace {

constexpr std::uint32_t kExtendedTag = 0x100;
constexpr std::uint32_t kRawBits = 49, kRawBaseBits = 4;

/// The words of a header after its tag.
std::size_t header_words(EpochFileType type) {
  switch (type) {
    case EpochFileType::raw:
    case EpochFileType::reply:
      return 4;
    case EpochFileType::clicks:
      return 5;
    case EpochFileType::sift:
    case EpochFileType::key:
      return 3;
  }
  return 0;
}

Result<EpochHeader> tag_of(std::uint32_t tag, const ByteInput& input) {
  const std::uint32_t type = tag & ~kExtendedTag;
  const bool known = (type >= 1 && type <= 4) || type == 7;
  if (!known) return input.refuse(fmt::format("no epoch file: its first word is {:#x}", tag));
  EpochHeader header;
  header.type = static_cast<EpochFileType>(type);
  header.extended = (tag & kExtendedTag) != 0;
  return header;
}

Result<void> check_packing(const EpochHeader& header, const ByteInput& input) {
  const bool fits = header.time_order >= 2 && header.time_order < 32 && header.base_bits <= 8 &&
                    header.time_order + header.base_bits <= 32;
  if (fits) return {};
  return input.refuse(fmt::format("{} bits of time and {} of pattern an entry", header.time_order, header.base_bits));
}

Result<void> check(const EpochHeader& header, const ByteInput& input) {
  switch (header.type) {
    case EpochFileType::raw:
      if (header.entry_bits == kRawBits && header.base_bits <= kRawBaseBits) return {};
      return input.refuse(
          fmt::format("{} bits of time and {} of pattern an event", header.entry_bits, header.base_bits));
    case EpochFileType::clicks:
    case EpochFileType::reply:
      return check_packing(header, input);
    case EpochFileType::sift:
      if (header.entry_bits >= 1 && header.entry_bits <= 32) return {};
      return input.refuse(fmt::format("{} bits an entry", header.entry_bits));
    case EpochFileType::key:
      return {};
  }
  return {};
}

}  // namespace

std::uint32_t epoch_at(std::uint64_t unix_seconds) noexcept {
  return static_cast<std::uint32_t>(unix_seconds * 1'953'125 >> 20);
}

std::uint32_t extended_epoch(std::uint64_t unix_seconds, std::uint32_t time_epoch) noexcept {
  const std::uint32_t now = epoch_at(unix_seconds), low = time_epoch & kTimeEpochMask;
  // The top two bits of both 17-bit counts: where one has wrapped and the other has not yet (chopper.c).
  const std::uint32_t overlap = (now >> 15 & 3) | (low >> 13 & 0xc);
  const std::uint32_t whole = (now & ~kTimeEpochMask) + low;
  if (overlap == 3) return whole + kTimeEpochMask + 1;
  if (overlap == 8 || overlap == 12 || overlap == 13) return whole - kTimeEpochMask - 1;
  return whole;
}

std::string epoch_file_name(std::uint32_t epoch) { return fmt::format("{:08x}", epoch); }

std::optional<std::uint32_t> epoch_of_file_name(std::string_view name) noexcept {
  std::uint32_t epoch = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), epoch, 16);
  const bool upper = name.find_first_of("ABCDEF") != name.npos;
  if (name.size() != 8 || upper || error != std::errc{} || end != name.data() + name.size()) return std::nullopt;
  return epoch;
}

Result<EpochHeader> read_epoch_header(ByteInput& input) {
  const auto first = input.peek(4);
  if (!first) return first.error();
  if (first->size() < 4) return input.refuse("the file ends inside its header", first->size());
  auto header = tag_of(fw::get_le<std::uint32_t>(first->data()), input);
  if (!header) return header;
  const std::size_t bytes = 4 + 4 * header_words(header->type);
  const auto there = input.peek(bytes);
  if (!there) return there.error();
  if (there->size() < bytes) return input.refuse("the file ends inside its header", there->size());
  const auto word = [&](std::size_t i) { return fw::get_le<std::uint32_t>(there->data() + 4 * i); };
  header->epoch = word(1);
  if (header->type == EpochFileType::key) {
    header->epochs = word(2);
    header->length = word(3);
  } else {
    header->length = word(2);
  }
  if (header->type == EpochFileType::raw || header->type == EpochFileType::sift) header->entry_bits = word(3);
  if (header->type == EpochFileType::clicks || header->type == EpochFileType::reply) header->time_order = word(3);
  if (header_words(header->type) >= 4) header->base_bits = word(4);
  if (header->type == EpochFileType::clicks) header->protocol = word(5);
  if (auto ok = check(*header, input); !ok) return std::move(ok).error();
  input.take(bytes);
  return header;
}

Result<void> write_epoch_header(ByteOutput& out, const EpochHeader& h) {
  const std::uint32_t tag = static_cast<std::uint32_t>(h.type) | (h.extended ? kExtendedTag : 0);
  std::array<std::uint32_t, 6> words{tag, h.epoch, h.length, h.time_order, h.base_bits, h.protocol};
  if (h.type == EpochFileType::raw || h.type == EpochFileType::sift) words[3] = h.entry_bits;
  if (h.type == EpochFileType::key) words = {tag, h.epoch, h.epochs, h.length, 0, 0};
  for (std::size_t i = 0; i <= header_words(h.type); ++i)
    if (auto ok = out.put_le(words[i]); !ok) return ok;
  return {};
}

Result<std::uint32_t> PackedInput::get(unsigned bits) {
  while (bits_ < bits) {
    const auto bytes = input_->peek(4);
    if (!bytes) return bytes.error();
    if (bytes->size() < 4) return input_->refuse("the file ends before the last of its entries", bytes->size());
    held_ = held_ << 32 | fw::get_le<std::uint32_t>(bytes->data());
    bits_ += 32;
    input_->take(4);
  }
  bits_ -= bits;
  return static_cast<std::uint32_t>(held_ >> bits_ & ((std::uint64_t{1} << bits) - 1));
}

Result<void> PackedOutput::put(ByteOutput& out, std::uint32_t value, unsigned bits) {
  held_ = held_ << bits | value;
  bits_ += bits;
  if (bits_ < 32) return {};
  bits_ -= 32;
  return out.put_le(static_cast<std::uint32_t>(held_ >> bits_));
}

Result<void> PackedOutput::finish(ByteOutput& out) {
  if (bits_ == 0) return {};
  return put(out, 0, 32 - bits_);
}

Result<PackedEntry> get_entry(PackedInput& bits, const EpochHeader& header) {
  auto difference = bits.get(header.time_order);
  if (!difference) return difference.error();
  const bool end = *difference == 1, escape = *difference == 0;
  if (escape) {
    difference = bits.get(32);
    if (!difference) return difference.error();
  }
  const auto pattern = bits.get(header.base_bits);
  if (!pattern) return pattern.error();
  return PackedEntry{end ? 0 : *difference, *pattern, end};
}

Result<void> put_entry(PackedOutput& bits, ByteOutput& out, const EpochHeader& header, PackedEntry entry) {
  const bool fits = entry.end || entry.difference >> header.time_order == 0;
  const std::uint32_t first = entry.end ? 1 : fits ? entry.difference : 0;
  if (auto ok = bits.put(out, first, header.time_order); !ok) return ok;
  if (!fits)
    if (auto ok = bits.put(out, entry.difference, 32); !ok) return ok;
  return bits.put(out, entry.pattern, header.base_bits);
}

}  // namespace nicol::files
