// SPDX-License-Identifier: Apache-2.0
#include "drivers/files/tag_tape.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace nicol::files {
namespace {

constexpr std::size_t kUsualTags = std::size_t{1} << 14;

}  // namespace

TagTape::TagTape(const hal::TimeTagger& tagger, TapeOptions options)
    : caps_(tagger.caps()), roles_(caps_.channels, hal::ChannelRole::detector), options_(std::move(options)) {
  for (std::size_t i = 0; i < caps_.channels; ++i) {
    const auto config = tagger.channel(i);
    const std::size_t at = i < options_.file_channel.size() ? options_.file_channel[i] : i;
    if (config && at < roles_.size()) roles_[at] = config->role;
  }
  events_.reserve(kUsualTags);
  begin();
}

TagTape::~TagTape() { end(); }

void TagTape::begin() {
  std::filesystem::path path = options_.path;
  if (++files_ > 1)
    path.replace_filename(fmt::format("{}-{}{}", path.stem().string(), files_, path.extension().string()));
  auto writer = TagFileWriter::create(path, FileFormat::nicol, {caps_.tick, roles_});
  if (!writer) return options_.failed(writer.error());
  writer_.emplace(*std::move(writer));
}

void TagTape::end() {
  if (!writer_) return;
  const auto finished = writer_->finish();
  writer_.reset();
  if (!finished) options_.failed(finished.error());
}

void TagTape::check(const Result<void>& written) {
  if (written) return;
  options_.failed(written.error());
  writer_.reset();
}

void TagTape::keep(const hal::TagBlock& block) {
  if (!writer_ || block.tag_count + block.loss_count == 0) return;
  if (block.t_begin < until_) {
    end();
    begin();
    if (!writer_) return;
  }
  until_ = block.t_end;
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

}  // namespace nicol::files
