// SPDX-License-Identifier: Apache-2.0
// The blocks of our own tag file as events. Tags of one tick in one block are one event; an empty block is a dummy.
#include <fmt/format.h>

#include "drivers/files/event_reader.hpp"
#include "drivers/files/nicol_stream.hpp"
#include "firmware-protocol/crc.hpp"
#include "firmware-protocol/little_endian.hpp"
#include "firmware-protocol/tag_words.hpp"

namespace nicol::files {
namespace {

constexpr std::size_t kLengthBytes = 4;

std::uint32_t saturated(std::uint64_t events) {
  return events > UINT32_MAX ? UINT32_MAX : static_cast<std::uint32_t>(events);
}

class NicolReader final : public EventReader {
 public:
  NicolReader(ByteInput input, const NicolHeader& header)
      : input_(std::move(input)), channels_(header.roles.size()), batch_(header.tick) {}

  Result<std::span<const FileEvent>> next() override {
    batch_.clear();
    while (batch_.events().empty() && !ended_)
      if (auto ok = block(); !ok) return std::move(ok).error();
    return batch_.events();
  }

 private:
  Result<std::span<const std::uint8_t>> whole(std::size_t bytes) {
    auto there = input_.peek(bytes);
    if (!there) return there;
    if (there->size() < bytes) return input_.refuse("the file ends here, without its end block", there->size());
    return there->first(bytes);
  }

  Result<void> block() {
    const auto length = whole(kLengthBytes);
    if (!length) return length.error();
    const std::size_t payload = fw::get_le<std::uint32_t>(length->data());
    if (payload > kNicolMostPayload) return input_.refuse(fmt::format("a block of {} bytes", payload));
    const auto bytes = whole(kLengthBytes + payload + kNicolCrcBytes);
    if (!bytes) return bytes.error();
    const auto covered = bytes->first(kLengthBytes + payload);
    if (fw::crc32c(covered) != fw::get_le<std::uint32_t>(bytes->data() + covered.size()))
      return input_.refuse("the block is damaged: its CRC does not fit");
    fw::TagBlockHeader header;
    if (!fw::decode_tag_header(covered.subspan(kLengthBytes), header))
      return input_.refuse("no whole words in a block");
    if (auto ok = follows(header); !ok) return ok;
    if (auto ok = events(header, covered.subspan(kLengthBytes)); !ok) return ok;
    input_.take(bytes->size());
    return ended_ ? end() : Result<void>{};
  }

  Result<void> follows(const fw::TagBlockHeader& header) {
    if (header.base_tick > static_cast<std::uint64_t>(batch_.limit())) return input_.refuse(kTooFar);
    if (static_cast<std::int64_t>(header.base_tick) < at_)
      return input_.refuse("a block that begins before the last tag");
    if (header.first_index < index_) return input_.refuse("a block whose tags are counted already");
    return {};
  }

  Result<void> events(const fw::TagBlockHeader& header, std::span<const std::uint8_t> payload) {
    const auto base = static_cast<std::int64_t>(header.base_tick);
    const std::uint64_t missing = header.first_index - index_;
    const bool unknown = (header.flags & fw::kTagOverflow) != 0 && header.lost == 0;
    if (missing > 0 || unknown) batch_.add({at_, saturated(missing), FileEvent::Kind::loss});
    index_ = header.first_index;
    at_ = base;
    std::size_t said = missing > 0 || unknown ? 1 : 0;
    FileEvent open{base, 0, FileEvent::Kind::event};
    for (const fw::TagWord word : fw::TagWords(header, payload)) {
      // Extensions add up modulo 2^64.
      if (word.tick > static_cast<std::uint64_t>(batch_.limit()) || word.tick < static_cast<std::uint64_t>(at_))
        return input_.refuse(kTooFar);
      if (word.is_tag()) {
        if (word.kind >= channels_)
          return input_.refuse(fmt::format("a tag of channel {}: the header has {}", word.kind, channels_));
        ++index_;
        ++said;
        add(open, static_cast<std::int64_t>(word.tick), word.kind);
      } else if (word.kind == fw::kWordMissed) {
        close(open);
        batch_.add({at_, word.value, FileEvent::Kind::loss});
        index_ += word.value;
        ++said;
      }
    }
    close(open);
    ended_ = (header.flags & fw::kTagStreamEnd) != 0;
    if (said == 0 && !ended_) batch_.add({base, 0, FileEvent::Kind::dummy});
    return {};
  }

  /// A channel that is named twice at one tick clicked twice.
  void add(FileEvent& open, std::int64_t tick, std::uint32_t channel) {
    const std::uint32_t bit = std::uint32_t{1} << channel;
    if (tick != open.ticks || (open.pattern & bit) != 0) close(open);
    open.ticks = at_ = tick;
    open.pattern |= bit;
  }
  void close(FileEvent& open) {
    if (open.pattern != 0) batch_.add(open);
    open.pattern = 0;
  }

  Result<void> end() {
    const auto more = input_.peek(1);
    if (!more) return more.error();
    return more->empty() ? Result<void>{} : input_.refuse("more follows after the end block");
  }

  ByteInput input_;
  std::size_t channels_;
  EventBatch batch_;
  std::int64_t at_ = 0;
  std::uint64_t index_ = 0;
  bool ended_ = false;
};

}  // namespace

Result<OpenedFile> open_nicol(ByteInput input) {
  auto header = read_nicol_header(input);
  if (!header) return std::move(header).error();
  auto reader = std::make_unique<NicolReader>(std::move(input), *header);
  return OpenedFile{.reader = std::move(reader), .tick = header->tick, .roles = std::move(header->roles)};
}

}  // namespace nicol::files
