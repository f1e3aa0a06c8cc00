// SPDX-License-Identifier: Apache-2.0
#include "drivers/tagger-bridge/block_reader.hpp"

#include <algorithm>

#include "firmware-protocol/frame.hpp"
#include "firmware-protocol/tag_words.hpp"

namespace nicol::tagger_bridge {
namespace {

constexpr std::uint64_t kLastTick = std::uint64_t{1} << 62;

}  // namespace

Result<BlockReader> BlockReader::create(tags::TagQueue& queue) {
  auto kept = transport::PrivateBuffer::create(fw::kStreamPayload);
  if (!kept) return std::move(kept).error();
  return BlockReader(queue, *std::move(kept));
}

void BlockReader::begin(std::int64_t origin) {
  origin_ = origin;
  header_.reset();
  kept_.wipe();
  ended_ = false;
  last_tick_ = next_index_ = 0;
  counts_ = {};
}

bool BlockReader::take(std::span<const std::uint8_t> payload) {
  fw::TagBlockHeader header;
  if (ended_ || payload.size() > kept_.bytes().size() || !fw::decode_tag_header(payload, header)) return false;
  if (header.base_tick >= kLastTick) return false;
  const std::uint32_t expected = header_ ? header_->block_seq + 1 : 0;
  const std::uint64_t known = header_ ? header_->base_tick : 0;
  if (header.base_tick < known || header.block_seq < expected) return false;
  if (header.block_seq == expected) {
    if (header_) tell_kept(header.base_tick, header.base_tick);
  } else {
    tell_kept(header_ ? std::min(header.base_tick, known) : 0, header.base_tick);
    const bool counted = header.first_index >= next_index_;
    queue_->lose({queue_->edge(), tick(header.base_tick), counted ? header.first_index - next_index_ : 0, counted,
                  hal::kAllChannels, hal::LossCause::transport});
  }
  queue_->commit(tick(header.base_tick));
  keep(header, payload);
  next_index_ = std::max(next_index_, header.first_index);
  ended_ = (header.flags & fw::kTagStreamEnd) != 0;
  return true;
}

void BlockReader::keep(const fw::TagBlockHeader& header, std::span<const std::uint8_t> payload) {
  header_ = header;
  std::copy(payload.begin(), payload.end(), kept_.bytes().begin());
  kept_size_ = payload.size();
}

bool BlockReader::fits(std::uint64_t end) const {
  std::uint64_t last = header_->base_tick;
  for (const fw::TagWord word : fw::TagWords(*header_, kept_payload())) {
    if (!word.is_tag()) continue;
    if (word.tick < last || word.tick > end) return false;
    last = word.tick;
  }
  return true;
}

/// `end`: everything before it is in this block or an earlier one. After a gap, where that is not known, `end` is the
/// block's own base, and its tags stand inside the loss that follows. No tag of it is after `latest`, where the next
/// one begins.
void BlockReader::tell_kept(std::uint64_t end, std::uint64_t latest) {
  if (!header_) return;
  const bool gap = end <= header_->base_tick;
  if (!fits(latest)) {
    queue_->lose({tick(header_->base_tick), tick(std::max(end, header_->base_tick + 1)), 0, false, hal::kAllChannels,
                  hal::LossCause::corrupt});
    return;
  }
  if ((header_->flags & fw::kTagOverflow) != 0 || header_->lost > 0)
    queue_->lose({tick(header_->base_tick), tick(std::max(end, header_->base_tick + 1)), header_->lost,
                  header_->lost > 0, hal::kAllChannels, hal::LossCause::fifo_overflow});
  next_index_ = header_->first_index + header_->lost;
  push_words();
  // After a gap the block's own tags are known up to its last one.
  if (gap && last_tick_ > header_->base_tick) queue_->commit(tick(last_tick_));
}

void BlockReader::push_words() {
  last_tick_ = header_->base_tick;
  for (const fw::TagWord word : fw::TagWords(*header_, kept_payload())) {
    if (!word.is_tag()) continue;
    last_tick_ = word.tick;
    ++counts_[word.kind];
    ++next_index_;
    queue_->push({tick(word.tick), static_cast<std::uint16_t>(word.kind), 0});
  }
}

}  // namespace nicol::tagger_bridge
