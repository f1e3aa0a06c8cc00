// SPDX-License-Identifier: Apache-2.0
#include "sim/devices/tagger_base.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "sim/optics/states.hpp"

namespace nicol::sim {
namespace {

constexpr double kLongestDelayPs = 1e6, kHighestThreshold = 3;

}  // namespace

TaggerBase::TaggerBase(std::string serial, const TagStreamOptions& options, std::vector<hal::ChannelConfig> channels)
    : Simulated("simulated time tagger", std::move(serial)),
      options_(options),
      channels_(std::move(channels)),
      counted_(channels_.size(), 0) {}

hal::TaggerCaps TaggerBase::caps() const {
  hal::TaggerCaps caps;
  caps.channels = options_.channels;
  caps.tick = options_.tick;
  caps.jitter = {static_cast<std::int64_t>(kSyncJitterPs)};
  caps.max_rate = {options_.drain_hz};
  caps.fifo_depth = options_.fifo_depth;
  return caps;
}

Result<void> TaggerBase::set_channel(std::size_t channel, const hal::ChannelConfig& config) {
  if (!plugged()) return unplugged_error();
  if (channel >= options_.channels)
    return error(Code::out_of_range, fmt::format("channel {} of {}", channel, options_.channels));
  const double delay = static_cast<double>(config.delay_ticks) * static_cast<double>(options_.tick.num) /
                       static_cast<double>(options_.tick.den);
  if (!(std::abs(delay) <= kLongestDelayPs))
    return error(Code::out_of_range, fmt::format("delay {} ps is outside +-{} ps", delay, kLongestDelayPs));
  if (!(std::abs(config.threshold.value) <= kHighestThreshold))
    return error(Code::out_of_range,
                 fmt::format("threshold {} V is outside +-{} V", config.threshold.value, kHighestThreshold));
  const std::lock_guard lock(channel_mutex_);
  channels_[channel] = config;
  return {};
}

Result<hal::ChannelConfig> TaggerBase::channel(std::size_t channel) const {
  if (!plugged()) return unplugged_error();
  if (channel >= options_.channels)
    return error(Code::out_of_range, fmt::format("channel {} of {}", channel, options_.channels));
  const std::lock_guard lock(channel_mutex_);
  return channels_[channel];
}

std::vector<hal::ChannelConfig> TaggerBase::channels() const {
  const std::lock_guard lock(channel_mutex_);
  return channels_;
}

std::vector<std::int64_t> TaggerBase::delays() const {
  std::vector<std::int64_t> ps;
  for (const hal::ChannelConfig& c : channels()) ps.push_back(options_.tick.to_picoseconds(c.delay_ticks).count);
  return ps;
}

std::vector<Volts> TaggerBase::thresholds() const {
  std::vector<Volts> all;
  for (const hal::ChannelConfig& c : channels()) all.push_back(c.threshold);
  return all;
}

void TaggerBase::new_stream() {
  stream_ = std::make_unique<TagStream>(options_, channels());
  counted_.assign(options_.channels, 0);
  counted_until_ = seen_until_;
}

void TaggerBase::take(DetectorBank& bank, std::int64_t noise_done_until) {
  const std::int64_t complete = bank.complete_until(noise_done_until);
  auto& tags = bank.tags();
  const auto end = std::find_if(tags.begin(), tags.end(), [&](const RawTag& t) { return t.time >= complete; });
  if (stream_) {
    for (auto tag = tags.begin(); tag != end; ++tag) stream_->push(*tag);
    stream_->complete_until({complete});
  }
  tags.erase(tags.begin(), end);
  seen_until_ = std::max(seen_until_, complete);
}

Result<std::vector<double>> TaggerBase::count_rates() {
  if (!plugged()) return unplugged_error();
  const std::lock_guard lock(stream_mutex_);
  std::vector<double> rates(options_.channels, 0);
  const double seconds = Picoseconds{seen_until_ - counted_until_}.seconds();
  if (!stream_ || seconds <= 0) return rates;
  for (std::size_t i = 0; i < rates.size(); ++i)
    rates[i] = static_cast<double>(stream_->counts()[i] - counted_[i]) / seconds;
  counted_ = stream_->counts();
  counted_until_ = seen_until_;
  return rates;
}

void TaggerBase::unplug() noexcept {
  running_ = false;
  Simulated::unplug();
}

}  // namespace nicol::sim
