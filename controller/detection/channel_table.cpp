// SPDX-License-Identifier: Apache-2.0
// Checks a layout once, so that the tag loop need not.
#include "controller/detection/channel_table.hpp"

#include <fmt/core.h>

#include <limits>
#include <numeric>
#include <stdexcept>

namespace nicol::detection {

StreamTiming::StreamTiming(const hal::TimingLayout& timing, TickLength tick) {
  if (tick.num == 0 || tick.den == 0) throw std::invalid_argument("tick length is zero or infinite");
  const std::uint64_t g = std::gcd(tick.num, tick.den);
  num = static_cast<std::int64_t>(tick.num / g);
  den = static_cast<std::int64_t>(tick.den / g);
  period = from(timing.slot_period);
  gate = from(timing.gate_width);
  blind = from(timing.blind_time);
  divider = timing.sync_divider;
  if (period < 2 || divider < 1 || gate < 1 || gate > period || blind < 0)
    throw std::invalid_argument(
        fmt::format("timing layout: period {} ps, gate {} ps (expected 1..period), blind time {} ps, sync divider {}",
                    timing.slot_period.count, timing.gate_width.count, timing.blind_time.count, divider));
  if (period > std::numeric_limits<std::int64_t>::max() / 256 / divider)
    throw std::invalid_argument(fmt::format("sync interval of {} slots is too long", divider));
}

namespace {

ChannelUse use_of(hal::ChannelRole have, hal::ChannelRole counted, bool has_sync) {
  if (have == counted) return ChannelUse::counted;
  if (have == hal::ChannelRole::sync) return ChannelUse::sync;
  if (have == hal::ChannelRole::frame) return ChannelUse::frame;
  if (have == hal::ChannelRole::pps && !has_sync) return ChannelUse::pps;
  return ChannelUse::ignored;
}

}  // namespace

ChannelTable::ChannelTable(const hal::TimingLayout& timing, const StreamTiming& unit, hal::ChannelRole role) {
  std::size_t size = 1;
  for (const auto& c : timing.channels) {
    size = std::max<std::size_t>(size, c.channel + std::size_t{2});
    has_sync_ = has_sync_ || c.role == hal::ChannelRole::sync;
  }
  entries_.resize(size);
  for (const auto& c : timing.channels) {
    Entry& e = entries_[c.channel];
    e.use = use_of(c.role, role, has_sync_);
    e.delay = unit.from(c.delay);
    if (e.use == ChannelUse::frame) has_frame_ = true;
    if (e.use == ChannelUse::pps) has_pps_ = true;
    if (e.use == ChannelUse::sync || e.use == ChannelUse::pps) sync_delay_ = e.delay;
    if (e.use != ChannelUse::counted) continue;
    if (counted_.size() == 32) throw std::invalid_argument("more than 32 detector channels");
    if (c.basis > 1 || c.bit > 1)
      throw std::invalid_argument(fmt::format("channel {}: basis or bit over 1", c.channel));
    e.who = static_cast<std::uint8_t>(counted_.size());
    least_ = counted_.empty() ? e.delay : std::min(least_, e.delay);
    largest_ = counted_.empty() ? e.delay : std::max(largest_, e.delay);
    counted_.push_back(c);
  }
  if (counted_.empty()) throw std::invalid_argument("timing layout without a channel to count");
}

bool ChannelTable::counts_any(std::uint32_t mask) const noexcept {
  return std::any_of(counted_.begin(), counted_.end(),
                     [&](const hal::ChannelLayout& c) { return c.channel >= 32 || ((mask >> c.channel) & 1U) != 0; });
}

}  // namespace nicol::detection
