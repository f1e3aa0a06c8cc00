// SPDX-License-Identifier: Apache-2.0
// A block of a tag stream as entries: one that says what it covers and what was lost, then its tags, at most
// kTagsAnEntry each. A tag is the difference to the one before (zigzag varint) and its channel (varint, lowest bit:
// flags follow).
#pragma once

#include "controller/recording/reader.hpp"
#include "controller/recording/writer.hpp"
#include "drivers/hal/time_tagger.hpp"

namespace nicol::recording {

inline constexpr std::size_t kTagsAnEntry = 1024;

/// Tags go straight into the writer's locked chunk.
void put_tags(Writer& to, const hal::TagBlock& block) noexcept;

/// Holds what it decodes in locked pages.
class TagDecoder {
 public:
  static Result<TagDecoder> create();
  /// At a tag_block entry: fills the block's storage and passes its entries. False when they are malformed or more than
  /// fits; why() names the entry and the field then.
  bool read(Reader& from, hal::TagBlock& into);
  const std::string& why() const { return why_; }

 private:
  explicit TagDecoder(secret::LockedKey memory) : memory_(std::move(memory)) {}
  bool read_cover(Reader& from, hal::TagBlock& into, std::uint32_t& tags);
  bool read_tags(Reader& from, std::span<hal::TimeTag> into, std::int64_t& last, std::size_t& count);
  bool refuse(const std::optional<EntryHead>& at, std::string_view field);
  secret::LockedKey memory_;
  std::string why_;
};

}  // namespace nicol::recording
