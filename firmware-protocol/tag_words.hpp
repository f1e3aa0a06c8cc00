// SPDX-License-Identifier: Apache-2.0
// A block's words read back as events with absolute times: what a driver's hot loop walks through.
//
//   TagBlockHeader header;
//   if (decode_tag_header(frame.payload, header))
//     for (const TagWord word : TagWords(header, frame.payload)) …
#pragma once

#include "firmware-protocol/little_endian.hpp"
#include "firmware-protocol/tag_block.hpp"

namespace nicol::fw {

struct TagWord {
  std::uint64_t tick = 0;   // of the tag, or of the last tag before a marker or a loss
  std::uint32_t kind = 0;   // 0..11: the channel of a tag; else kWordMarker or kWordMissed
  std::uint32_t value = 0;  // marker id or events lost; of a tag: what its word says, for nobody
  bool is_tag() const noexcept { return kind < kWordChannels; }
};

/// Input range over a payload that decode_tag_header has accepted. Time extensions and pad words are not shown. Total:
/// any words; ticks add up modulo 2^64, so a caller that needs order refuses a base_tick of 2^62 and more.
class TagWords {
 public:
  struct End {};
  class Iterator {
   public:
    Iterator(std::uint64_t base_tick, const std::uint8_t* at, const std::uint8_t* end) noexcept
        : at_(at), end_(end), tick_(base_tick) {
      ++*this;
    }
    const TagWord& operator*() const noexcept { return word_; }
    inline Iterator& operator++() noexcept;
    bool operator==(End) const noexcept { return at_ == nullptr; }

   private:
    const std::uint8_t *at_, *end_;
    std::uint64_t tick_, extension_ = 0;
    TagWord word_;
  };

  TagWords(const TagBlockHeader& header, std::span<const std::uint8_t> payload) noexcept
      : base_tick_(header.base_tick), words_(payload.subspan(kTagHeaderBytes)) {}
  Iterator begin() const noexcept { return {base_tick_, words_.data(), words_.data() + words_.size() / 4 * 4}; }
  End end() const noexcept { return {}; }

 private:
  std::uint64_t base_tick_;
  std::span<const std::uint8_t> words_;
};

inline TagWords::Iterator& TagWords::Iterator::operator++() noexcept {
  while (at_ != end_) {
    const auto bits = get_le<std::uint32_t>(at_);
    at_ += 4;
    const std::uint32_t kind = bits >> 28, value = bits & kWordValueMask;
    if (kind < kWordChannels) {
      tick_ += value + extension_;
      extension_ = 0;
    } else if (kind == kWordExtend) {
      extension_ += std::uint64_t{value} << 28;
      continue;
    } else if (kind == kWordPad) {
      continue;
    }
    word_ = {.tick = tick_, .kind = kind, .value = value};
    return *this;
  }
  at_ = end_ = nullptr;
  return *this;
}

}  // namespace nicol::fw
