// SPDX-License-Identifier: Apache-2.0
// A tagger's side of a block: its header, and words put one behind the other.
#include "firmware-protocol/tag_block.hpp"

#include "firmware-protocol/frame.hpp"
#include "firmware-protocol/little_endian.hpp"

namespace nicol::fw {
namespace {

static_assert(kTagHeaderBytes + 4 * kMostWords == kStreamPayload);

constexpr std::size_t kAroundWords = kHeaderBytes + kTagHeaderBytes + kTrailerBytes, kSmallestPacket = 64;

/// As many words as fit; one less where a full block could need a pad word that would not fit.
constexpr std::size_t words_in(std::size_t payload) {
  if (payload < kTagHeaderBytes) return 0;
  const std::size_t fit = (payload - kTagHeaderBytes) / 4, most = fit < kMostWords ? fit : kMostWords;
  return (kAroundWords + 4 * most) % kSmallestPacket == 0 ? most - 1 : most;
}
static_assert(words_in(kStreamPayload) == kMostWords);

/// Words that carry `amount` when one word carries at most kWordValueMask.
constexpr std::uint64_t words_for(std::uint64_t amount) {
  return amount / kWordValueMask + (amount % kWordValueMask != 0 ? 1 : 0);
}

std::uint32_t saturating_sum(std::uint32_t a, std::uint64_t b) noexcept {
  const std::uint64_t room = UINT32_MAX - a;
  return a + static_cast<std::uint32_t>(b < room ? b : room);
}

}  // namespace

bool decode_tag_header(std::span<const std::uint8_t> payload, TagBlockHeader& header) noexcept {
  if (payload.size() < kTagHeaderBytes || (payload.size() - kTagHeaderBytes) % 4 != 0) return false;
  const std::uint8_t* in = payload.data();
  header = {.block_seq = get_le<std::uint32_t>(in),
            .base_tick = get_le<std::uint64_t>(in + 4),
            .first_index = get_le<std::uint64_t>(in + 12),
            .lost = get_le<std::uint32_t>(in + 20),
            .flags = get_le<std::uint16_t>(in + 24)};
  return true;
}

void encode_tag_header(const TagBlockHeader& header, std::span<std::uint8_t, kTagHeaderBytes> out) noexcept {
  put_le(out.data(), header.block_seq);
  put_le(out.data() + 4, header.base_tick);
  put_le(out.data() + 12, header.first_index);
  put_le(out.data() + 20, header.lost);
  put_le(out.data() + 24, header.flags);
  put_le(out.data() + 26, std::uint16_t{0});
}

TagBlockWriter::TagBlockWriter(std::span<std::uint8_t> payload) noexcept
    : payload_(payload), capacity_(words_in(payload.size())) {}

void TagBlockWriter::begin(std::uint32_t block_seq, std::uint64_t base_tick, std::uint64_t first_index) noexcept {
  header_ = {.block_seq = block_seq, .base_tick = base_tick, .first_index = first_index, .lost = 0, .flags = 0};
  at_ = base_tick;
  index_ = first_index;
  words_ = 0;
}

bool TagBlockWriter::tag(std::uint32_t channel, std::uint64_t tick) noexcept {
  if (!fits_in_order(channel, tick)) return false;
  const std::uint64_t delta = tick - at_;
  std::uint64_t extend = delta >> 28;
  if (!room_for(static_cast<std::size_t>(words_for(extend)) + 1)) return false;
  while (extend > 0) {
    const std::uint64_t part = extend < kWordValueMask ? extend : kWordValueMask;
    put(kWordExtend, static_cast<std::uint32_t>(part));
    extend -= part;
  }
  put(channel, static_cast<std::uint32_t>(delta) & kWordValueMask);
  at_ = tick;
  ++index_;
  return true;
}

bool TagBlockWriter::missed(std::uint64_t events) noexcept {
  const std::uint64_t words = words_for(events);
  if (words > kMostWords || !room_for(static_cast<std::size_t>(words))) return false;
  header_.lost = saturating_sum(header_.lost, events);
  index_ += events;
  while (events > 0) {
    const std::uint64_t part = events < kWordValueMask ? events : kWordValueMask;
    put(kWordMissed, static_cast<std::uint32_t>(part));
    events -= part;
  }
  return true;
}

bool TagBlockWriter::marker(std::uint32_t id) noexcept {
  if (id > kWordValueMask || !room_for(1)) return false;
  put(kWordMarker, id);
  return true;
}

std::size_t TagBlockWriter::finish(std::uint16_t flags, std::size_t multiple_of) noexcept {
  if (payload_.size() < kTagHeaderBytes) return 0;
  if (multiple_of != 0 && (kAroundWords + 4 * words_) % multiple_of == 0 && room_for(1)) put(kWordPad, 0);
  header_.flags = static_cast<std::uint16_t>(flags | (header_.lost > 0 ? kTagOverflow : 0));
  encode_tag_header(header_, payload_.first<kTagHeaderBytes>());
  return kTagHeaderBytes + 4 * words_;
}

void TagBlockWriter::put(std::uint32_t kind, std::uint32_t value) noexcept {
  put_le(payload_.data() + kTagHeaderBytes + 4 * words_, kind << 28 | value);
  ++words_;
}

}  // namespace nicol::fw
