// SPDX-License-Identifier: Apache-2.0
// A loss begins at the last event before it and ends at the first after it, or at the base of the next block: that is
// all anybody can know.
#include "drivers/rig/tag_block_stream.hpp"

#include <algorithm>

namespace nicol::rig {

void TagBlockStream::begin() {
  next_seq_ = 0;
  next_index_ = missed_ = 0;
  at_ = missed_from_ = 0;
  damaged_ = ended_ = false;
  counts_ = {};
  batched_ = 0;
  queue_->begin(0);
}

void TagBlockStream::block(std::span<const std::uint8_t> payload) {
  if (ended_) return;
  fw::TagBlockHeader header;
  if (!fw::decode_tag_header(payload, header) || !acceptable(header)) {
    ++counts_.bad_blocks;
    damaged_ = true;
    return;
  }
  if (static_cast<std::int32_t>(header.block_seq - next_seq_) < 0) {
    ++counts_.stale_blocks;
    return;
  }
  explain_gap(header);
  take_words(header, payload);
  next_seq_ = header.block_seq + 1;
  ++counts_.blocks;
  if ((header.flags & fw::kTagStreamEnd) == 0) return;
  ended_ = true;
  queue_->end(hal::StreamStatus::stopped);
}

/// A block whose time goes back, or beyond what a stream may reach, is not believed; the gap it leaves says what it
/// had.
bool TagBlockStream::acceptable(const fw::TagBlockHeader& header) {
  const bool stale = static_cast<std::int32_t>(header.block_seq - next_seq_) < 0;
  if (stale) return true;
  return header.base_tick < kTickLimit && static_cast<std::int64_t>(header.base_tick) >= at_ &&
         header.first_index >= next_index_;
}

void TagBlockStream::explain_gap(const fw::TagBlockHeader& header) {
  const auto base = static_cast<std::int64_t>(header.base_tick);
  counts_.lost_blocks += header.block_seq - next_seq_;
  const std::uint64_t on_the_way = header.first_index - next_index_;
  close_loss(base);
  if (on_the_way > 0) lose(at_, base, on_the_way, damaged_ ? hal::LossCause::corrupt : hal::LossCause::transport);
  damaged_ = false;
  next_index_ = header.first_index;
  queue_->commit(base);
  at_ = base;
}

void TagBlockStream::take_words(const fw::TagBlockHeader& header, std::span<const std::uint8_t> payload) {
  const fw::TagWords words(header, payload);
  for (auto word = words.begin(); word != words.end(); ++word) {
    if ((*word).tick >= kTickLimit || static_cast<std::int64_t>((*word).tick) < at_) {
      damaged_ = true;  // time extensions that no board makes, even around zero: the rest of this block is not believed
      break;
    }
    take(*word);
  }
  flush();
  queue_->commit(at_);
}

void TagBlockStream::take(const fw::TagWord& word) {
  if (word.kind == fw::kWordMissed) {
    if (missed_ == 0) missed_from_ = at_;
    missed_ += word.value;
    next_index_ += word.value;
    return;
  }
  if (!word.is_tag()) return;
  const auto tick = static_cast<std::int64_t>(word.tick);
  if (missed_ > 0) close_loss(tick);
  batch_[batched_++] = {tick, static_cast<std::uint16_t>(word.kind), 0};
  if (batched_ == batch_.size()) flush();
  at_ = tick;
  ++next_index_;
  ++counts_.tags;
}

void TagBlockStream::close_loss(std::int64_t end) {
  if (missed_ == 0) return;
  lose(missed_from_, end, missed_, hal::LossCause::fifo_overflow);
  missed_ = 0;
}

void TagBlockStream::lose(std::int64_t begin, std::int64_t end, std::uint64_t events, hal::LossCause cause) {
  flush();
  queue_->commit(begin);
  queue_->lose({begin, std::max(end, begin + 1), events, true, hal::kAllChannels, cause});
  counts_.lost += events;
}

void TagBlockStream::flush() {
  if (batched_ > 0) queue_->push(std::span(batch_).first(batched_));
  std::fill_n(batch_.begin(), batched_, hal::TimeTag{});  // raw key material
  batched_ = 0;
}

}  // namespace nicol::rig
