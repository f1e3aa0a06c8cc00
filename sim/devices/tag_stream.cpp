// SPDX-License-Identifier: Apache-2.0
// A block that reports a loss begins with it; the block before ends where the loss begins.
#include "sim/devices/tag_stream.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "sim/devices/draws.hpp"

namespace nicol::sim {
namespace {

constexpr std::size_t kUsualTags = 8 * kBatchPhotons, kUsualLosses = 1024;

}  // namespace

TagStream::TagStream(TagStreamOptions options, std::vector<hal::ChannelConfig> channels)
    : options_(options),
      clock_(options.clock, options.clock_noise),
      channels_(std::move(channels)),
      counts_(options.channels, 0),
      blind_until_(options.channels, std::numeric_limits<std::int64_t>::min()) {
  // acquire() must not allocate: room for what one batch of light can bring.
  tags_.reserve(kUsualTags);
  losses_.reserve(kUsualLosses);
  origin_ = edge_ = complete_ = ticks(0);
}

std::int64_t TagStream::ticks(std::int64_t ps) {
  const std::int64_t own = clock_.reads(ps);
  const auto [num, den] = options_.tick;
  if (num == 1 && den == 1) return own;
  if (den == 1 && own >= 0) return own / static_cast<std::int64_t>(num);
  return options_.tick.to_ticks({own});
}

void TagStream::resume(Picoseconds at) {
  if (!begun_ && !asked_) {
    origin_ = edge_ = complete_ = ticks(at.count);
  } else if (at.count > known_ps_) {
    end_overflow();
    report(
        {begun_ ? ticks(known_ps_) : edge_, ticks(at.count), 0, false, hal::kAllChannels, hal::LossCause::restarted});
  }
  begun_ = true;
  known_ps_ = std::max(known_ps_, at.count);
}

namespace {

bool continues(const hal::LossInterval& last, const hal::LossInterval& loss) {
  return loss.begin < last.end ||
         (loss.begin == last.end && loss.cause == last.cause && loss.channels == last.channels);
}

}  // namespace

/// A loss that reaches into the one before it is told as one with it.
void TagStream::report(hal::LossInterval loss) {
  loss.end = std::max(loss.end, loss.begin + 1);
  if (!losses_.empty() && continues(losses_.back().interval, loss)) {
    hal::LossInterval& last = losses_.back().interval;
    last.end = std::max(last.end, loss.end);
    last.lost += loss.lost;
    last.lost_known = last.lost_known && loss.lost_known;
    last.channels |= loss.channels;
    if (loss.cause == hal::LossCause::fifo_overflow) last.cause = loss.cause;
    return;
  }
  std::uint64_t before = queued();
  for (std::size_t i = tags_.size(); i > head_ && tags_[i - 1].ticks >= loss.begin; --i) --before;
  losses_.push_back({loss, before});
}

/// Leaky bucket: one tag in, drain_hz out.
bool TagStream::overflows(std::int64_t time) {
  const double drained = static_cast<double>(time - level_time_) * 1e-12 * options_.drain_hz;
  level_ = std::max(0.0, level_ - drained);
  level_time_ = time;
  if (level_ + 1 > static_cast<double>(options_.fifo_depth)) return true;
  level_ += 1;
  return false;
}

void TagStream::lose(const RawTag& tag, std::int64_t tick) {
  if (!overflowing_) {
    overflowing_ = true;
    const double surplus = level_ - std::floor(static_cast<double>(options_.fifo_depth) / 2);
    overflow_end_ = tag.time + 1 + static_cast<std::int64_t>(std::ceil(surplus / options_.drain_hz * 1e12));
    overflow_ = {tick, ticks(overflow_end_), 0, true, hal::kAllChannels, hal::LossCause::fifo_overflow};
    // Tags of the very tick cannot be told from lost ones.
    for (; tags_.size() > head_ && tags_.back().ticks >= tick; tags_.pop_back()) {
      ++overflow_.lost;
      --counts_[tags_.back().channel];
    }
  }
  ++overflow_.lost;
}

void TagStream::end_overflow() {
  if (!overflowing_) return;
  overflowing_ = false;
  if (overflow_.lost > 0 || overflow_.begin < overflow_.end) report(overflow_);
}

void TagStream::push(const RawTag& tag) {
  const hal::ChannelConfig& channel = channels_[tag.channel];
  if (!channel.enabled) return;
  const std::int64_t tick = ticks(tag.time);
  if (overflowing_ && tag.time >= overflow_end_) end_overflow();
  if (tag.withheld)
    return report({std::max(tick, origin_), ticks(tag.until), 0, false, std::uint32_t{1} << tag.channel,
                   hal::LossCause::rate_limit});
  if (tick < origin_) return;  // jitter took it before the stream's begin
  if (tick < blind_until_[tag.channel]) return;
  blind_until_[tag.channel] = tick + channel.dead_time_ticks;
  if (overflowing_ || overflows(tag.time)) return lose(tag, tick);
  ++counts_[tag.channel];
  tags_.push_back({tick, tag.channel, 0});
}

void TagStream::complete_until(Picoseconds t) {
  known_ps_ = std::max(known_ps_, t.count);
  if (overflowing_ && t.count >= overflow_end_) end_overflow();
  complete_ = std::max(complete_, ticks(t.count));
  // A long overflow is told piece by piece: the consumer must not wait for its end.
  if (!overflowing_ || complete_ <= overflow_.begin) return;
  hal::LossInterval piece = overflow_;
  piece.end = complete_;
  report(piece);
  overflow_.begin = complete_;
  overflow_.lost = 0;
}

bool TagStream::has_news() const { return begun_ && (complete_ > edge_ || !losses_.empty()); }

std::size_t TagStream::copy_losses(hal::TagBlock& block) {
  while (!losses_.empty() && losses_.front().before <= taken_ && block.loss_count < block.loss_storage.size()) {
    block.loss_storage[block.loss_count++] = losses_.front().interval;
    lost_ += losses_.front().interval.lost;
    losses_.erase(losses_.begin());
  }
  return block.loss_count;
}

/// Returns the end of the block. Tags of one tick stay together where the storage allows.
std::int64_t TagStream::copy_tags(hal::TagBlock& block) {
  const std::uint64_t to_loss = losses_.empty() ? ~std::uint64_t{0} : losses_.front().before - taken_;
  const auto first = tags_.begin() + static_cast<std::ptrdiff_t>(head_);
  const auto final_end = std::lower_bound(first, tags_.end(), complete_,
                                          [](const hal::TimeTag& tag, std::int64_t t) { return tag.ticks < t; });
  const auto complete = static_cast<std::uint64_t>(final_end - first);
  std::size_t n = static_cast<std::size_t>(std::min({complete, to_loss, std::uint64_t{block.storage.size()}}));
  std::int64_t end = complete_;
  if (n == to_loss && n <= complete) {
    end = std::min(complete_, losses_.front().interval.begin);
  } else if (n < complete) {
    end = first[static_cast<std::ptrdiff_t>(n)].ticks;
    std::size_t whole = n;
    while (whole > 0 && first[static_cast<std::ptrdiff_t>(whole - 1)].ticks == end) --whole;
    if (whole > 0) n = whole;
  }
  std::copy_n(first, n, block.storage.begin());
  block.tag_count = n;
  head_ += n;
  taken_ += n;
  if (head_ == tags_.size() || head_ > (std::size_t{1} << 16)) {
    tags_.erase(tags_.begin(), tags_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
  }
  return std::max(end, edge_);
}

hal::StreamStatus TagStream::fill(hal::TagBlock& block) {
  asked_ = true;
  block.tag_count = block.loss_count = 0;
  block.t_begin = block.t_end = edge_;
  block.sequence = sequence_;
  block.first_index = taken_ + lost_;
  if (!has_news()) return hal::StreamStatus::timeout;
  block.sequence = ++sequence_;
  const std::uint64_t lost_before = lost_;
  copy_losses(block);
  block.first_index += lost_ - lost_before;
  // A loss that did not fit is told before any later tag.
  const bool more = !losses_.empty() && losses_.front().before <= taken_;
  block.t_end = edge_ = more ? edge_ : copy_tags(block);
  const auto losses = block.losses();
  const bool overflow = std::any_of(losses.begin(), losses.end(), [](const hal::LossInterval& l) {
    return l.cause == hal::LossCause::fifo_overflow;
  });
  return overflow ? hal::StreamStatus::overflow : hal::StreamStatus::ok;
}

}  // namespace nicol::sim
