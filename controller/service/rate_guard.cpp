// SPDX-License-Identifier: Apache-2.0
#include "controller/service/rate_guard.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace nicol::service {
namespace {

constexpr std::int64_t kLast = std::numeric_limits<std::int64_t>::max();

/// Bright light drowns a tagger, which then shows few tags or none. What a cable or a new stream took says nothing.
bool drowned(const hal::LossInterval& loss) noexcept {
  switch (loss.cause) {
    case hal::LossCause::rate_limit:  // the device itself found too many
      return true;
    case hal::LossCause::fifo_overflow:
    case hal::LossCause::transport:
      return !loss.lost_known;
    case hal::LossCause::corrupt:
    case hal::LossCause::disconnected:
    case hal::LossCause::restarted:
      return false;
  }
  return true;
}

}  // namespace

RateGuard::RateGuard(const hal::TimingLayout& timing, TickLength tick)
    : window_ticks_(std::max<std::int64_t>(1, tick.to_ticks(kWindow))) {
  for (const hal::ChannelLayout& c : timing.channels) {
    if (c.role != hal::ChannelRole::detector || c.rate_limit.value <= 0) continue;
    if (by_channel_.size() <= c.channel) by_channel_.resize(c.channel + 1U, -1);
    by_channel_[c.channel] = static_cast<std::int32_t>(guarded_.size());
    guarded_.push_back({c.channel, c.rate_limit.value, 0, false, {}});
  }
}

void RateGuard::begin_anew() noexcept {
  begun_ = false;
  for (Guarded& g : guarded_) {
    g.count = 0;
    g.withheld = false;
  }
}

void RateGuard::count(std::uint16_t channel) noexcept {
  if (channel >= by_channel_.size() || by_channel_[channel] < 0) return;
  guarded_[static_cast<std::size_t>(by_channel_[channel])].count += 1;
}

std::optional<RateGuard::OverRate> RateGuard::see(const hal::TagBlock& block) noexcept {
  if (guarded_.empty() || block.t_end <= block.t_begin) return std::nullopt;
  if (block.t_end > kLast - window_ticks_) return std::nullopt;
  if (begun_ && block.t_begin < window_end_ - window_ticks_) begin_anew();
  if (!std::exchange(begun_, true)) window_end_ = block.t_begin + window_ticks_;
  std::optional<OverRate> over;
  std::size_t i = 0;
  const auto tags = block.tags();
  for (int empty = 0; block.t_end >= window_end_; window_end_ += window_ticks_) {
    for (; i < tags.size() && tags[i].ticks < window_end_; ++i) count(tags[i].channel);
    note_losses(block, window_end_);
    if (const auto found = close_window(); found && !over) over = found;
    // What lies beyond the last tag says nothing new once all memory is of it, however far the block reaches.
    if (i == tags.size() && ++empty > kMemory)
      window_end_ += (block.t_end - window_end_) / window_ticks_ * window_ticks_;
  }
  for (; i < tags.size(); ++i) count(tags[i].channel);
  note_losses(block, window_end_);
  return over;
}

/// The part of the block's losses that lies in the window that ends here.
void RateGuard::note_losses(const hal::TagBlock& block, std::int64_t until) noexcept {
  for (const hal::LossInterval& loss : block.losses()) {
    const std::int64_t begin = std::max(loss.begin, until - window_ticks_), end = std::min(loss.end, until);
    if (end > begin)
      note_loss(loss,
                static_cast<double>(end - begin) / (static_cast<double>(loss.end) - static_cast<double>(loss.begin)));
  }
}

/// Any of the channels may have had all of them.
void RateGuard::note_loss(const hal::LossInterval& loss, double share) noexcept {
  for (Guarded& g : guarded_) {
    if (g.channel < 32 && (loss.channels >> g.channel & 1U) == 0) continue;
    if (loss.lost_known) g.count += static_cast<double>(loss.lost) * share;
    g.withheld = g.withheld || drowned(loss);
  }
}

std::optional<RateGuard::OverRate> RateGuard::close_window() noexcept {
  std::optional<OverRate> over;
  for (Guarded& g : guarded_) {
    const double hertz = g.count / kWindow.seconds();
    const bool now = g.withheld || hertz > g.limit;
    g.over <<= 1;
    g.over.set(0, now);
    if (now && g.over.count() >= kWindowsToTrip && !over) over = OverRate{g.channel, hertz, g.limit, g.withheld};
    g.count = 0;
    g.withheld = false;
  }
  return over;
}

RateGuard guard_of(const hal::Rig& rig) {
  const auto* tagger = rig.find<hal::TimeTagger>("tagger");
  return {with_device_limits(rig), tagger != nullptr ? tagger->caps().tick : TickLength{}};
}

hal::TimingLayout with_device_limits(const hal::Rig& rig) {
  hal::TimingLayout timing = rig.timing;
  for (hal::ChannelLayout& c : timing.channels) {
    if (c.role != hal::ChannelRole::detector) continue;
    auto* device = rig.find<hal::Detector>(fmt::format("detector-{}", c.channel));
    const double bears = device == nullptr ? 0 : device->detector().rate_limit.value;
    if (bears > 0 && (c.rate_limit.value <= 0 || bears < c.rate_limit.value)) c.rate_limit = {bears};
  }
  return timing;
}

}  // namespace nicol::service
