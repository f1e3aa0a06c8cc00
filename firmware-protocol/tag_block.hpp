// SPDX-License-Identifier: Apache-2.0
// The tag stream: blocks that stand alone (absolute base time, index of the first tag, what was lost) and 32-bit words
// in them. A lost block costs its own tags and nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace nicol::fw {

/// Word: [31:28] kind, [27:0] value. Kinds 0..11 are channels, the value the ticks since the word before.
inline constexpr std::uint32_t kWordMarker = 12;  // value: marker or sync id; no time
inline constexpr std::uint32_t kWordExtend = 13;  // adds value << 28 ticks to the next delta
inline constexpr std::uint32_t kWordMissed = 14;  // value: events lost here
inline constexpr std::uint32_t kWordPad = 15;     // nothing
inline constexpr std::size_t kWordChannels = 12;
inline constexpr std::uint32_t kWordValueMask = (1U << 28) - 1;

inline constexpr std::size_t kTagHeaderBytes = 28;
inline constexpr std::size_t kMostWords = (16384 - kTagHeaderBytes) / 4;

inline constexpr std::uint16_t kTagOverflow = 1;   // the FIFO ran over: `lost` events, one kind-14 word at the place
inline constexpr std::uint16_t kTagStreamEnd = 2;  // empty, the last before the stream stopped: its base is the end

struct TagBlockHeader {
  std::uint32_t block_seq = 0;
  /// Absolute since STREAM_START. The first word's delta counts from here, and every event before it is in an earlier
  /// block: block n is complete up to the base of block n+1, and an empty block is a time mark.
  std::uint64_t base_tick = 0;
  std::uint64_t first_index = 0;  // number of tags (kinds 0..11) and lost events before this block
  std::uint32_t lost = 0;         // saturating
  std::uint16_t flags = 0;
};

/// False: too short, or not whole words. The words themselves: tag_words.hpp.
bool decode_tag_header(std::span<const std::uint8_t> payload, TagBlockHeader& header) noexcept;
void encode_tag_header(const TagBlockHeader& header, std::span<std::uint8_t, kTagHeaderBytes> out) noexcept;

/// Fills one block's payload word by word, in place: give it the frame's memory behind the header and let encode_frame
/// find the payload there. A payload's memory is at most kStreamPayload bytes of use, at least kTagHeaderBytes.
class TagBlockWriter {
 public:
  explicit TagBlockWriter(std::span<std::uint8_t> payload) noexcept;
  void begin(std::uint32_t block_seq, std::uint64_t base_tick, std::uint64_t first_index) noexcept;
  /// False and nothing written when the block is full: close it, begin the next, try again. Also false, in every block,
  /// for a tag before last_tick() or a channel that does not exist: fits_in_order() tells the two apart.
  bool tag(std::uint32_t channel, std::uint64_t tick) noexcept;
  bool fits_in_order(std::uint32_t channel, std::uint64_t tick) const noexcept {
    return channel < kWordChannels && tick >= at_;
  }
  /// Events lost at this place; also counted in the header's `lost`, whose flag finish() sets.
  bool missed(std::uint64_t events) noexcept;
  bool marker(std::uint32_t id) noexcept;  // id below 2^28
  std::size_t words() const noexcept { return words_; }
  std::uint64_t last_tick() const noexcept { return at_; }
  /// The first_index of the block after this one.
  std::uint64_t next_index() const noexcept { return index_; }
  /// Header and pad words written; the payload's size. `multiple_of`: packet size (64 or a multiple of it) that the
  /// whole frame must not be a multiple of (0: none), so that every frame ends with a short packet.
  std::size_t finish(std::uint16_t flags, std::size_t multiple_of) noexcept;

 private:
  bool room_for(std::size_t words) const noexcept { return words <= capacity_ - words_; }
  void put(std::uint32_t kind, std::uint32_t value) noexcept;

  std::span<std::uint8_t> payload_;
  TagBlockHeader header_;
  std::uint64_t at_ = 0, index_ = 0;
  std::size_t words_ = 0, capacity_;
};

}  // namespace nicol::fw
