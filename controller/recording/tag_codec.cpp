// SPDX-License-Identifier: Apache-2.0
#include "controller/recording/tag_codec.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace nicol::recording {
namespace {

constexpr std::size_t kCover = 37, kLoss = 30, kMostOfATag = 10 + 3 + 3;

std::uint64_t zigzag(std::int64_t v) {
  return (static_cast<std::uint64_t>(v) << 1) ^ static_cast<std::uint64_t>(v < 0 ? -1 : 0);
}
std::int64_t unzigzag(std::uint64_t v) { return static_cast<std::int64_t>((v >> 1) ^ (~(v & 1) + 1)); }

/// Wraps around: the last of a block may lie anywhere from the first of the next.
std::int64_t minus(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}
std::int64_t plus(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

struct Out {
  std::span<std::uint8_t> room;
  std::size_t used = 0;
  void varint(std::uint64_t v) {
    for (; v >= 0x80; v >>= 7) room[used++] = static_cast<std::uint8_t>(v | 0x80);
    room[used++] = static_cast<std::uint8_t>(v);
  }
};

struct In {
  std::span<const std::uint8_t> bytes;
  std::size_t at = 0;
  bool good = true;
  std::uint64_t varint() {
    std::uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (at == bytes.size()) break;
      const std::uint8_t byte = bytes[at++];
      v |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return v;
    }
    good = false;
    return 0;
  }
};

std::size_t encode(std::span<const hal::TimeTag> tags, std::int64_t& last, std::span<std::uint8_t> room) {
  put_le(room.first(2), tags.size());
  Out out{room, 2};
  for (const hal::TimeTag& tag : tags) {
    out.varint(zigzag(minus(tag.ticks, last)));
    out.varint(static_cast<std::uint64_t>(tag.channel) << 1 | (tag.flags != 0 ? 1u : 0u));
    if (tag.flags != 0) out.varint(tag.flags);
    last = tag.ticks;
  }
  return out.used;
}

bool decode(In& in, std::span<hal::TimeTag> tags, std::int64_t& last) {
  for (hal::TimeTag& tag : tags) {
    tag.ticks = last = plus(last, unzigzag(in.varint()));
    const std::uint64_t who = in.varint();
    const std::uint64_t flags = (who & 1) != 0 ? in.varint() : 0;
    if (!in.good || (who >> 1) > 0xffff || flags > 0xffff) return false;
    tag.channel = static_cast<std::uint16_t>(who >> 1);
    tag.flags = static_cast<std::uint16_t>(flags);
  }
  return in.at == in.bytes.size();
}

}  // namespace

void put_tags(Writer& to, const hal::TagBlock& block) noexcept {
  std::array<std::uint8_t, kCover> cover{};
  const auto field = [&](std::size_t at, std::size_t size, std::uint64_t v) {
    put_le(std::span(cover).subspan(at, size), v);
  };
  field(0, 8, block.sequence);
  field(8, 8, block.first_index);
  field(16, 8, static_cast<std::uint64_t>(block.t_begin));
  field(24, 8, static_cast<std::uint64_t>(block.t_end));
  field(32, 4, block.tag_count);
  const auto losses = block.losses().first(std::min<std::size_t>(block.loss_count, 255));
  field(36, 1, losses.size());
  std::array<std::uint8_t, 255 * kLoss> lost{};
  for (std::size_t i = 0; i < losses.size(); ++i) {
    const auto one = std::span(lost).subspan(i * kLoss, kLoss);
    put_le(one.first(8), static_cast<std::uint64_t>(losses[i].begin));
    put_le(one.subspan(8, 8), static_cast<std::uint64_t>(losses[i].end));
    put_le(one.subspan(16, 8), losses[i].lost);
    one[24] = losses[i].lost_known ? 1 : 0;
    put_le(one.subspan(25, 4), losses[i].channels);
    one[29] = static_cast<std::uint8_t>(losses[i].cause);
  }
  to.put(Entry::tag_block, {cover, std::span(lost).first(losses.size() * kLoss)});
  std::int64_t last = block.t_begin;
  for (auto left = block.tags(); !left.empty();) {
    const auto some = left.first(std::min(left.size(), kTagsAnEntry));
    to.put_with(Entry::tags, 2 + kMostOfATag * kTagsAnEntry,
                [&](std::span<std::uint8_t> room) { return encode(some, last, room); });
    left = left.subspan(some.size());
  }
}

Result<TagDecoder> TagDecoder::create() {
  auto memory = secret::LockedKey::create(2 + kMostOfATag * kTagsAnEntry);
  if (!memory) return std::move(memory).error();
  return TagDecoder(*std::move(memory));
}

bool TagDecoder::refuse(const std::optional<EntryHead>& at, std::string_view field) {
  why_ = at ? fmt::format("entry {} ({}), {}", at->number, to_string(at->kind), field)
            : fmt::format("{}: the recording ends before it", field);
  return false;
}

bool TagDecoder::read(Reader& from, hal::TagBlock& into) {
  std::uint32_t tags = 0;
  into.tag_count = 0;
  if (!read_cover(from, into, tags)) return false;
  std::int64_t last = into.t_begin;
  while (into.tag_count < tags) {
    std::size_t count = 0;
    if (!read_tags(from, into.storage.subspan(into.tag_count, tags - into.tag_count), last, count)) return false;
    into.tag_count += count;
  }
  return true;
}

bool TagDecoder::read_cover(Reader& from, hal::TagBlock& into, std::uint32_t& tags) {
  const auto head = from.head();
  std::array<std::uint8_t, kCover> cover{};
  if (!head || head->kind != Entry::tag_block || !from.read(std::span(cover))) return refuse(head, "cover");
  const auto field = [&](std::size_t at, std::size_t size) { return get_le(std::span(cover).subspan(at, size)); };
  into.sequence = field(0, 8);
  into.first_index = field(8, 8);
  into.t_begin = static_cast<std::int64_t>(field(16, 8));
  into.t_end = static_cast<std::int64_t>(field(24, 8));
  tags = static_cast<std::uint32_t>(field(32, 4));
  into.loss_count = static_cast<std::size_t>(field(36, 1));
  if (tags > into.storage.size()) return refuse(head, "tag count");
  if (into.loss_count > into.loss_storage.size() || from.left() != into.loss_count * kLoss)
    return refuse(head, "loss count");
  for (hal::LossInterval& loss : into.loss_storage.first(into.loss_count)) {
    std::array<std::uint8_t, kLoss> one{};
    if (!from.read(std::span(one)) || one[24] > 1 || one[29] > static_cast<std::uint8_t>(hal::LossCause::restarted))
      return refuse(head, "loss");
    const auto part = [&](std::size_t at, std::size_t size) { return get_le(std::span(one).subspan(at, size)); };
    loss = {static_cast<std::int64_t>(part(0, 8)),   static_cast<std::int64_t>(part(8, 8)), part(16, 8), one[24] == 1,
            static_cast<std::uint32_t>(part(25, 4)), static_cast<hal::LossCause>(one[29])};
  }
  from.done();
  return true;
}

bool TagDecoder::read_tags(Reader& from, std::span<hal::TimeTag> into, std::int64_t& last, std::size_t& count) {
  const auto head = from.head();
  if (!head || head->kind != Entry::tags) return refuse(head, "tags");
  if (head->length < 2 || head->length > memory_.size()) return refuse(head, "length");
  const bool good = memory_.with_write([&](std::span<std::byte> memory) {
    const auto bytes = memory.first(head->length);
    if (!from.read(bytes)) return false;
    const std::span<const std::uint8_t> payload(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    count = static_cast<std::size_t>(get_le(payload.first(2)));
    if (count == 0 || count > into.size()) return false;
    In in{payload, 2};
    return decode(in, into.first(count), last);
  });
  if (!good) return refuse(head, "tag");
  from.done();
  return true;
}

}  // namespace nicol::recording
