// SPDX-License-Identifier: Apache-2.0
// Channels, rates and the self-test of a tagger behind a bridge.
#include <fmt/format.h>

#include <cmath>

#include "drivers/hal/properties.hpp"
#include "drivers/tagger-bridge/tagger.hpp"

namespace nicol::tagger_bridge {

fw::Value channel_value(std::size_t channel, const hal::ChannelConfig& c) {
  fw::Value value;
  value.property = fw::Property::channel_config;
  value.index = static_cast<std::uint16_t>(channel);
  value.channel.enabled = c.enabled ? fw::Switch::on : fw::Switch::off;
  value.channel.role = static_cast<fw::Role>(c.role);
  value.channel.edge = c.edge == hal::Edge::rising ? fw::Edge::rising : fw::Edge::falling;
  value.channel.threshold_mv = static_cast<std::int32_t>(std::lround(c.threshold.value * 1000));
  value.channel.delay_ticks = c.delay_ticks;
  value.channel.dead_time_ticks = c.dead_time_ticks;
  return value;
}

hal::TaggerCaps Tagger::caps() const {
  const std::lock_guard lock(mutex_);
  const auto& t = hello_.description.tagger;
  hal::TaggerCaps caps;
  caps.channels = t.channels;
  caps.tick = {t.tick_num, t.tick_den};
  caps.jitter = {t.jitter_ps};
  caps.min_dead_time = {t.dead_time_ps};
  caps.max_rate = {static_cast<double>(t.max_rate_hz)};
  caps.fifo_depth = t.fifo_depth;
  return caps;
}

Result<void> Tagger::check_channel(std::size_t channel) const {
  if (link_ != hal::Link::connected) return hal::disconnected_error(*this);
  const std::size_t channels = caps().channels;
  if (channel < channels) return {};
  return error(Code::out_of_range, fmt::format("channel {} of {}", channel, channels));
}

Result<hal::ChannelConfig> Tagger::channel(std::size_t channel) const {
  if (auto ok = check_channel(channel); !ok) return std::move(ok).error();
  const std::lock_guard lock(mutex_);
  return channels_[channel];
}

Result<void> Tagger::set_channel(std::size_t channel, const hal::ChannelConfig& config) {
  if (auto ok = check_channel(channel); !ok) return ok;
  if (!(std::abs(config.threshold.value) <= 1000))
    return error(Code::out_of_range, fmt::format("threshold {} V", config.threshold.value));
  const std::lock_guard control(control_mutex_);
  std::array<std::uint8_t, fw::kMostValueBytes> payload{};
  const std::size_t size = fw::encode(channel_value(channel, config), payload);
  if (const auto answer = ask(fw::Type::set, std::span(payload).first(size)); !answer) return answer.error();
  const std::lock_guard lock(mutex_);
  channels_[channel] = config;
  return {};
}

/// After a reconnection: sent, not waited for; this is the thread that would read the answer.
Result<void> Tagger::tell_channel(std::size_t channel, const hal::ChannelConfig& config) {
  std::array<std::uint8_t, fw::kMostValueBytes> payload{};
  const std::size_t size = fw::encode(channel_value(channel, config), payload);
  return write({fw::Type::set, fw::kAckRequest, ++seq_, 0, 0, fw::kVersion}, std::span(payload).first(size),
               SteadyDeadlines().in(std::chrono::seconds(1)));
}

Result<std::vector<double>> Tagger::count_rates() {
  if (link_ != hal::Link::connected) return hal::disconnected_error(*this);
  const std::lock_guard lock(mutex_);
  std::vector<double> rates(channels_.size(), 0.0);
  const auto now = std::chrono::steady_clock::now();
  const double seconds = std::chrono::duration<double>(now - counted_at_).count();
  if (phase_ == Phase::idle || seconds <= 0) return rates;
  for (std::size_t c = 0; c < rates.size(); ++c)
    rates[c] = static_cast<double>(reader_.counts()[c] - counted_[c]) / seconds;
  std::copy(reader_.counts().begin(), reader_.counts().end(), counted_.begin());
  counted_at_ = now;
  return rates;
}

Result<std::vector<hal::SelfTestItem>> Tagger::self_test(Deadline) {
  if (link_ != hal::Link::connected) return hal::disconnected_error(*this);
  const std::lock_guard control(control_mutex_);
  const auto answer = ask(fw::Type::heartbeat, std::array<std::uint8_t, fw::Heartbeat::kBytes>{});
  if (!answer) return answer.error();
  return std::vector<hal::SelfTestItem>{{"bridge", true, "the program answers"}};
}

}  // namespace nicol::tagger_bridge
