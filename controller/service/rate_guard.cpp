// SPDX-License-Identifier: Apache-2.0
#include "controller/service/rate_guard.hpp"

#include <algorithm>
#include <limits>

namespace nicol::service {
namespace {

constexpr std::int64_t kLast = std::numeric_limits<std::int64_t>::max();

}  // namespace

RateGuard::RateGuard(const hal::TimingLayout& timing, TickLength tick)
    : window_ticks_(std::max<std::int64_t>(1, tick.to_ticks(kWindow))) {
  for (const hal::ChannelLayout& c : timing.channels) {
    if (c.role != hal::ChannelRole::detector || c.rate_limit.value <= 0) continue;
    if (by_channel_.size() <= c.channel) by_channel_.resize(c.channel + 1U, -1);
    by_channel_[c.channel] = static_cast<std::int32_t>(guarded_.size());
    guarded_.push_back({c.channel, c.rate_limit.value, 0, 0, false});
  }
}

std::optional<RateGuard::OverRate> RateGuard::see(const hal::TagBlock& block) noexcept {
  if (guarded_.empty() || block.t_end <= block.t_begin) return std::nullopt;
  if (block.t_end > kLast - window_ticks_) return std::nullopt;
  if (!begun_ || block.t_begin < window_end_ - window_ticks_) {  // the first block, or a stream that began anew
    begun_ = true;
    window_end_ = block.t_begin + window_ticks_;
  }
  std::optional<OverRate> over;
  std::size_t i = 0;
  const auto tags = block.tags();
  for (int empty = 0; block.t_end >= window_end_; window_end_ += window_ticks_) {
    for (; i < tags.size() && tags[i].ticks < window_end_; ++i)
      if (tags[i].channel < by_channel_.size() && by_channel_[tags[i].channel] >= 0)
        ++guarded_[static_cast<std::size_t>(by_channel_[tags[i].channel])].count;
    note_withheld(block, window_end_);
    if (const auto found = close_window(); found && !over) over = found;
    // What lies beyond the last tag says nothing new after so many windows, however far the block reaches.
    if (i == tags.size() && ++empty > 2 * kWindowsToTrip)
      window_end_ += (block.t_end - window_end_) / window_ticks_ * window_ticks_;
  }
  for (; i < tags.size(); ++i)
    if (tags[i].channel < by_channel_.size() && by_channel_[tags[i].channel] >= 0)
      ++guarded_[static_cast<std::size_t>(by_channel_[tags[i].channel])].count;
  note_withheld(block, window_end_);
  return over;
}

/// A device that enforces the limit itself withholds tags: as many as it lets through are then no measure.
void RateGuard::note_withheld(const hal::TagBlock& block, std::int64_t until) noexcept {
  for (const hal::LossInterval& loss : block.losses()) {
    if (loss.cause != hal::LossCause::rate_limit || loss.end <= until - window_ticks_ || loss.begin >= until) continue;
    for (Guarded& g : guarded_)
      if (g.channel >= 32 || (loss.channels >> g.channel & 1U) != 0) g.withheld = true;
  }
}

std::optional<RateGuard::OverRate> RateGuard::close_window() noexcept {
  std::optional<OverRate> over;
  for (Guarded& g : guarded_) {
    const double hertz = static_cast<double>(g.count) / kWindow.seconds();
    g.windows_over = g.withheld || hertz > g.limit ? g.windows_over + 1 : 0;
    if (g.windows_over >= kWindowsToTrip && !over) over = OverRate{g.channel, hertz, g.limit};
    g.count = 0;
    g.withheld = false;
  }
  return over;
}

}  // namespace nicol::service
