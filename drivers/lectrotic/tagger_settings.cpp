// SPDX-License-Identifier: Apache-2.0
// What can be set on a LectroTIC-4, and what is refused because it has no such thing.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "drivers/hal/properties.hpp"
#include "drivers/lectrotic/tagger.hpp"

namespace nicol::lectrotic {
namespace {

using hal::Access;
using hal::ArgType;

constexpr std::int64_t kLongestDelay = 2500;  // ticks: 10 us
constexpr std::string_view kDivider = "divider_";

std::vector<hal::ArgInfo> make_properties() {
  std::vector<hal::ArgInfo> list;
  for (std::size_t c = 0; c < kChannels; ++c)
    list.push_back({fmt::format("{}{}", kDivider, c),
                    fmt::format("divider of input {}", c),
                    "every nth pulse is reported; takes effect with the next start",
                    "",
                    ArgType::integer,
                    hal::Range{1, static_cast<double>(kLargestDivider), 1},
                    {},
                    Access::persistent});
  list.push_back({"restarts",
                  "streams cleared and read anew",
                  "since the device was opened",
                  "",
                  ArgType::integer,
                  {},
                  {},
                  Access::read_only});
  list.push_back({"last_trouble", "what went wrong last", "", "", ArgType::text, {}, {}, Access::read_only});
  list.push_back({"silence_is_data",
                  "the device answers within a stream",
                  "no: in silence the stream is complete up to half a second before its last record",
                  "",
                  ArgType::boolean,
                  {},
                  {},
                  Access::read_only});
  return list;
}

/// The input of "divider_2".
std::size_t input_of(std::string_view key) { return static_cast<std::size_t>(key.back() - '0'); }

}  // namespace

std::span<const hal::ArgInfo> Tagger::properties() const {
  static const std::vector<hal::ArgInfo> kProperties = make_properties();
  return kProperties;
}

hal::DeviceInfo Tagger::info() const {
  return {"lectrotic", "Lectrobox", "LectroTIC-4", serial_, firmware_, bus_->info().port};
}

Result<hal::Value> Tagger::read_property(std::string_view key) {
  if (link_ != hal::Link::connected) return hal::disconnected_error(*this);
  if (hal::find_property(properties(), key) == nullptr)
    return error(Code::not_found, fmt::format("there is no property \"{}\"", key));
  const std::lock_guard lock(mutex_);
  if (key == "restarts") return hal::Value{static_cast<std::int64_t>(run_.restarts())};
  if (key == "last_trouble") return hal::Value{std::string(run_.last_trouble())};
  if (key == "silence_is_data") return hal::Value{run_.answers_in_stream()};
  return hal::Value{dividers_[input_of(key)]};
}

Result<void> Tagger::write_property(std::string_view key, const hal::Value& value) {
  if (link_ != hal::Link::connected) return hal::disconnected_error(*this);
  const hal::ArgInfo* property = hal::find_property(properties(), key);
  if (property == nullptr) return error(Code::not_found, fmt::format("there is no property \"{}\"", key));
  if (auto ok = hal::check_value(*property, value); !ok) return ok;
  const std::lock_guard control(control_mutex_);
  {
    const std::lock_guard lock(mutex_);
    dividers_[input_of(key)] = std::get<std::int64_t>(value);
  }
  return apply_settings();
}

hal::TaggerCaps Tagger::caps() const {
  hal::TaggerCaps caps;
  caps.channels = kChannels;
  caps.tick = {4000, 1};
  caps.jitter = {4000};            // the tick; no other figure is published
  caps.min_dead_time = {100'000};  // as its firmware states it
  caps.max_rate = {3e4};           // above it the buffer may run over without a word: see the README
  caps.fifo_depth = options_.ring;
  caps.has_reference_input = true;
  return caps;
}

Result<void> Tagger::check_channel(std::size_t channel) const {
  if (link_ != hal::Link::connected) return hal::disconnected_error(*this);
  if (channel < kChannels) return {};
  return error(Code::out_of_range, fmt::format("input {} of {}", channel, kChannels));
}

Result<hal::ChannelConfig> Tagger::channel(std::size_t channel) const {
  if (auto ok = check_channel(channel); !ok) return std::move(ok).error();
  const std::lock_guard lock(mutex_);
  return channels_[channel];
}

Result<void> Tagger::set_channel(std::size_t channel, const hal::ChannelConfig& config) {
  if (auto ok = check_channel(channel); !ok) return ok;
  if (config.threshold != hal::ChannelConfig{}.threshold)
    return error(Code::not_supported,
                 fmt::format("input {}: {} V, but the LectroTIC-4 has logic inputs without a level", channel,
                             config.threshold.value));
  if (config.dead_time_ticks != 0)
    return error(Code::not_supported,
                 fmt::format("dead time of {} ticks: the LectroTIC-4 has no setting for it", config.dead_time_ticks));
  if (std::abs(config.delay_ticks) > kLongestDelay)
    return error(Code::out_of_range,
                 fmt::format("delay {} ticks is outside +-{} (10 us)", config.delay_ticks, kLongestDelay));
  const std::lock_guard lock(mutex_);
  channels_[channel] = config;
  return {};
}

}  // namespace nicol::lectrotic
