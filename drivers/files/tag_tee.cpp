// SPDX-License-Identifier: Apache-2.0
#include "drivers/files/tag_tee.hpp"

#include <algorithm>

namespace nicol::files {
namespace {

constexpr std::size_t kUsualTags = std::size_t{1} << 14;

}  // namespace

std::vector<std::uint16_t> card_order(const hal::TimingLayout& timing) {
  std::vector<std::uint16_t> order;
  for (const hal::ChannelLayout& c : timing.channels) order.push_back(c.channel);
  const bool four = timing.channels.size() == 4 && std::ranges::all_of(timing.channels, [](const auto& c) {
                      return c.role == hal::ChannelRole::detector;
                    });
  if (four)
    for (const hal::ChannelLayout& c : timing.channels)
      order[c.channel] = static_cast<std::uint16_t>(2 * c.bit + c.basis);
  return order;
}

TagTee::TagTee(std::unique_ptr<hal::TimeTagger> inner, TeeOptions options)
    : inner_(std::move(inner)), options_(std::move(options)) {
  events_.reserve(kUsualTags);
  begin();
}

TagTee::~TagTee() {
  if (!writer_) return;
  const auto finished = writer_->finish();
  if (!finished) options_.failed(finished.error());
}

void TagTee::begin() {
  const hal::TaggerCaps caps = inner_->caps();
  std::vector<hal::ChannelRole> roles(caps.channels, hal::ChannelRole::detector);
  for (std::size_t i = 0; i < caps.channels; ++i) {
    const auto config = inner_->channel(i);
    const std::size_t at = i < options_.file_channel.size() ? options_.file_channel[i] : i;
    if (config && at < roles.size()) roles[at] = config->role;
  }
  auto writer = TagFileWriter::create(options_.path, FileFormat::nicol, {caps.tick, std::move(roles)});
  if (!writer) return options_.failed(writer.error());
  writer_.emplace(*std::move(writer));
}

void TagTee::check(const Result<void>& written) {
  if (written) return;
  options_.failed(written.error());
  writer_.reset();
}

/// Losses stand before the tags that come after them.
void TagTee::keep(const hal::TagBlock& block) {
  events_.clear();
  const auto losses = block.losses();
  auto loss = losses.begin();
  const auto lose_before = [&](std::int64_t ticks) {
    for (; loss != losses.end() && loss->begin <= ticks; ++loss)
      events_.push_back({std::min(loss->begin, ticks),
                         loss->lost_known ? static_cast<std::uint32_t>(std::min<std::uint64_t>(loss->lost, ~0U)) : 0U,
                         FileEvent::Kind::loss});
  };
  for (const hal::TimeTag& tag : block.tags()) {
    lose_before(tag.ticks);
    const unsigned at = tag.channel < options_.file_channel.size() ? options_.file_channel[tag.channel] : tag.channel;
    const std::uint32_t bit = std::uint32_t{1} << at;
    const bool together = !events_.empty() && events_.back().kind == FileEvent::Kind::event &&
                          events_.back().ticks == tag.ticks && (events_.back().pattern & bit) == 0;
    if (together)
      events_.back().pattern |= bit;
    else
      events_.push_back({tag.ticks, bit, FileEvent::Kind::event});
  }
  lose_before(block.t_end);
  check(writer_->add(events_));
}

hal::StreamStatus TagTee::acquire(hal::TagBlock& block, Deadline deadline) noexcept {
  const hal::StreamStatus status = inner_->acquire(block, deadline);
  if (writer_ && block.tag_count + block.loss_count > 0) keep(block);
  return status;
}

}  // namespace nicol::files
