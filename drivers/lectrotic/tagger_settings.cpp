// SPDX-License-Identifier: Apache-2.0
// What can be set on a LectroTIC-4, and what is refused because it has no such thing.
#include <fmt/format.h>

#include "drivers/hal/properties.hpp"
#include "drivers/lectrotic/tagger.hpp"

namespace nicol::lectrotic {
namespace {

using hal::Access;
using hal::ArgType;

constexpr std::string_view kName = "the LectroTIC-4";
constexpr TickLength kTick{4000, 1};
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
  list.push_back(
      tags::told("restarts", "streams cleared and read anew", "since the device was opened", ArgType::integer));
  list.push_back(tags::told("last_trouble", "what went wrong last", "", ArgType::text));
  list.push_back(tags::told("silence_is_data", "the device answers within a stream",
                            "no: in silence the stream is complete up to half a second before its last record",
                            ArgType::boolean));
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
  return {"lectrotic", "Lectrobox", "LectroTIC-4", serial_, firmware_, session_->port().port};
}

Result<hal::Value> Tagger::read_property(std::string_view key) {
  if (link() != hal::Link::connected) return hal::disconnected_error(*this);
  if (hal::find_property(properties(), key) == nullptr)
    return error(Code::not_found, fmt::format("there is no property \"{}\"", key));
  return session_->with([key](const State& state) {
    if (key == "restarts") return hal::Value{static_cast<std::int64_t>(state.run.restarts())};
    if (key == "last_trouble") return hal::Value{std::string(state.run.last_trouble())};
    if (key == "silence_is_data") return hal::Value{state.run.answers_in_stream()};
    return hal::Value{state.dividers[input_of(key)]};
  });
}

Result<void> Tagger::write_property(std::string_view key, const hal::Value& value) {
  if (link() != hal::Link::connected) return hal::disconnected_error(*this);
  const hal::ArgInfo* property = hal::find_property(properties(), key);
  if (property == nullptr) return error(Code::not_found, fmt::format("there is no property \"{}\"", key));
  if (auto ok = hal::check_value(*property, value); !ok) return ok;
  const auto control = session_->control();
  session_->with([&](State& state) { state.dividers[input_of(key)] = std::get<std::int64_t>(value); });
  return apply_settings();
}

hal::TaggerCaps Tagger::caps() const {
  hal::TaggerCaps caps;
  caps.channels = kChannels;
  caps.tick = kTick;
  caps.jitter = {4000};            // the tick; no other figure is published
  caps.min_dead_time = {100'000};  // as its firmware states it
  caps.max_rate = {3e4};           // above it the buffer may run over without a word: see the README
  caps.fifo_depth = options_.ring;
  caps.has_reference_input = true;
  return caps;
}

Result<void> Tagger::check_channel(std::size_t channel) const {
  if (link() != hal::Link::connected) return hal::disconnected_error(*this);
  if (auto refusal = tags::refuse_input({kName, serial_}, channel)) return *std::move(refusal);
  return {};
}

Result<hal::ChannelConfig> Tagger::channel(std::size_t channel) const {
  if (auto ok = check_channel(channel); !ok) return std::move(ok).error();
  return session_->with([channel](const State& state) { return state.channels[channel]; });
}

Result<void> Tagger::set_channel(std::size_t channel, const hal::ChannelConfig& config) {
  if (auto ok = check_channel(channel); !ok) return ok;
  if (config.threshold != hal::ChannelConfig{}.threshold)
    return error(Code::not_supported,
                 fmt::format("input {}: {} V, but the LectroTIC-4 has logic inputs without a level", channel,
                             config.threshold.value));
  if (auto refusal = tags::refuse_config({kName, serial_}, config, kTick)) return *std::move(refusal);
  session_->with([&](State& state) { state.channels[channel] = config; });
  return {};
}

}  // namespace nicol::lectrotic
