// SPDX-License-Identifier: Apache-2.0
// The honest stream, and beside it each way to spoil it.
#include "tests/hal_contract/scripted_tagger.hpp"

#include <algorithm>

namespace nicol::hal_contract {

using namespace hal;

ScriptedTagger::ScriptedTagger(Breakage breakage)
    : Simulated("scripted tagger", "scripted-0"), breakage_(breakage), channels_(kChannels) {}

TaggerCaps ScriptedTagger::caps() const {
  TaggerCaps caps;
  caps.channels = kChannels;
  caps.tick = {1, 1};
  caps.max_rate = {1e8};
  caps.fifo_depth = kDepth;
  return caps;
}

Result<void> ScriptedTagger::set_channel(std::size_t channel, const ChannelConfig& config) {
  if (!plugged()) return unplugged_error();
  if (channel >= kChannels) return error(Code::out_of_range, "no such channel");
  channels_[channel] = config;
  return {};
}

Result<ChannelConfig> ScriptedTagger::channel(std::size_t channel) const {
  if (!plugged()) return unplugged_error();
  if (channel >= kChannels) return error(Code::out_of_range, "no such channel");
  return channels_[channel];
}

Result<void> ScriptedTagger::start() {
  if (!plugged()) return unplugged_error();
  running_ = true;
  return {};
}

Result<void> ScriptedTagger::stop() {
  if (!plugged()) return unplugged_error();
  running_ = false;
  return {};
}

Result<std::vector<double>> ScriptedTagger::count_rates() {
  if (!plugged()) return unplugged_error();
  return std::vector<double>(kChannels, 0.0);
}

void ScriptedTagger::replug() noexcept {
  running_ = false;
  Simulated::replug();
}

void ScriptedTagger::make_tags(std::size_t count) {
  LossInterval loss{0, 0, 0, true, kAllChannels, LossCause::fifo_overflow};
  for (std::size_t i = 0; i < count; ++i, now_ += 10) {
    if (fifo_.size() - head_ < kDepth) {
      fifo_.push_back({{now_, static_cast<std::uint16_t>(i % kChannels), 0}, {}, false});
    } else {
      if (loss.lost++ == 0) loss.begin = now_;
      loss.end = now_ + 10;
    }
  }
  if (loss.lost > 0) fifo_.push_back({{}, loss, true});
}

std::int64_t ScriptedTagger::next_time() const noexcept {
  if (head_ == fifo_.size()) return now_;
  return fifo_[head_].is_loss ? fifo_[head_].loss.begin : fifo_[head_].tag.ticks;
}

StreamStatus ScriptedTagger::acquire(TagBlock& block, Deadline) noexcept {
  block.tag_count = block.loss_count = 0;
  if (!plugged()) return StreamStatus::disconnected;
  block.t_begin = block.t_end = given_until_;
  block.sequence = sequence_;
  block.first_index = index_;
  if (head_ == fifo_.size()) {
    if (!running_) return StreamStatus::stopped;
    if (breakage_ == Breakage::timeout_with_tags && index_ > 0) block.tag_count = 1;
    return StreamStatus::timeout;
  }
  block.sequence = ++sequence_;
  take(block);
  given_until_ = block.t_end;
  if (breakage_ != Breakage::none) spoil(block);
  return block.loss_count > 0 ? StreamStatus::overflow : StreamStatus::ok;
}

void ScriptedTagger::take(TagBlock& block) noexcept {
  while (head_ < fifo_.size()) {
    const Entry& entry = fifo_[head_];
    if (entry.is_loss) {
      if (block.loss_count == block.loss_storage.size()) break;
      block.loss_storage[block.loss_count++] = entry.loss;
      index_ += entry.loss.lost;
    } else {
      if (block.tag_count == block.storage.size()) break;
      block.storage[block.tag_count++] = entry.tag;
      ++index_;
    }
    ++head_;
  }
  block.t_end = next_time();
}

void ScriptedTagger::spoil(TagBlock& block) noexcept {
  const bool later = sequence_ > 1;
  switch (breakage_) {
    case Breakage::unsorted:
      if (block.tag_count > 1) std::swap(block.storage[0], block.storage[1]);
      break;
    case Breakage::gap_between_blocks:
      block.t_begin += later ? 1 : 0;
      break;
    case Breakage::tag_outside_block:
      block.storage[block.tag_count - 1].ticks = block.t_end;
      break;
    case Breakage::sequence_repeats:
      block.sequence = 1;
      break;
    case Breakage::index_jumps:
      block.first_index += sequence_;
      break;
    case Breakage::index_goes_back:
      block.first_index = 0;
      break;
    case Breakage::late_overflow:
      if (block.loss_count > 0) block.loss_storage[0].begin = 0;
      break;
    case Breakage::overflow_without_loss:
      for (LossInterval& loss : block.loss_storage.first(block.loss_count)) loss.cause = LossCause::transport;
      break;
    case Breakage::understated_loss:
      for (LossInterval& loss : block.loss_storage.first(block.loss_count)) loss.lost = 1;
      break;
    case Breakage::allocates:
      hoard_.push_back(std::make_unique<int>(1));
      break;
    case Breakage::writes_past_storage:
      *(block.storage.data() + block.storage.size()) = {};
      break;
    default:
      break;
  }
}

}  // namespace nicol::hal_contract
