// SPDX-License-Identifier: Apache-2.0
#include "drivers/files/epoch_store.hpp"

#include <fmt/format.h>

namespace nicol::files {

Result<EpochStore> EpochStore::open(const std::filesystem::path& path) {
  auto input = ByteInput::open(path);
  if (!input) return std::move(input).error();
  return open(*std::move(input));
}

Result<EpochStore> EpochStore::open(ByteInput input) {
  const auto header = read_epoch_header(input);
  if (!header) return header.error();
  if (header->type == EpochFileType::raw || header->type == EpochFileType::clicks)
    return input.refuse("events with times, no store: read it as a tag file");
  return EpochStore(std::make_unique<ByteInput>(std::move(input)), *header);
}

Result<std::optional<std::uint64_t>> EpochStore::next() {
  if (ended_) return std::optional<std::uint64_t>{};
  if (header_.type == EpochFileType::reply) return next_index();
  if (given_ == header_.length) return end();
  const auto value = bits_.get(header_.type == EpochFileType::key ? 1 : header_.entry_bits);
  if (!value) return value.error();
  ++given_;
  return std::optional<std::uint64_t>(*value);
}

/// Differences of indices, sent as 2 more than they are; the first counts from 0 (costream.c).
Result<std::optional<std::uint64_t>> EpochStore::next_index() {
  const auto entry = get_entry(bits_, header_);
  if (!entry) return entry.error();
  if (entry->end) {
    if (given_ == header_.length) return end();
    return input_->refuse(fmt::format("the entries end after {} of the {} of the header", given_, header_.length));
  }
  if (given_ == header_.length)
    return input_->refuse(fmt::format("more entries than the {} of the header", header_.length));
  if (entry->difference < 2) return input_->refuse("a difference below 2: no index is sent so");
  index_ += entry->difference - 2;
  ++given_;
  return std::optional<std::uint64_t>(index_);
}

Result<std::optional<std::uint64_t>> EpochStore::end() {
  const auto more = input_->peek(1);
  if (!more) return more.error();
  if (!more->empty()) return input_->refuse("more follows after the last entry");
  ended_ = true;
  return std::optional<std::uint64_t>{};
}

Result<void> write_epoch_key(const std::filesystem::path& path, const EpochHeader& header,
                             std::span<const std::uint8_t> key) {
  if (header.type != EpochFileType::key || header.length > 8 * key.size())
    return Error{
        Code::bad_input, fmt::format("{} bits of key asked of {} bytes", header.length, key.size()), {}, 0, {}};
  auto out = ByteOutput::create(path, ByteOutput::Readers::owner);
  if (!out) return std::move(out).error();
  if (auto ok = write_epoch_header(*out, header); !ok) return ok;
  PackedOutput bits;
  for (std::uint64_t k = 0; k < header.length; ++k)
    if (auto ok = bits.put(*out, std::uint32_t{key[k / 8]} >> (k % 8) & 1u, 1); !ok) return ok;
  if (auto ok = bits.finish(*out); !ok) return ok;
  return out->commit();
}

}  // namespace nicol::files
