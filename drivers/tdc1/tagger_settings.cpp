// SPDX-License-Identifier: Apache-2.0
// What can be set on a TDC1, and what is refused because the device has it once for all inputs, or not at all.
#include <fmt/format.h>

#include "drivers/hal/properties.hpp"
#include "drivers/tdc1/tagger.hpp"

namespace nicol::tdc1 {
namespace {

constexpr std::string_view kName = "the TDC1";
constexpr TickLength kTick{2000, 1};
const std::array<std::string, 3> kClocks{"automatic", "external", "internal"};

std::vector<hal::ArgInfo> make_properties() {
  using hal::Access;
  using hal::ArgType;
  return {{"threshold",
           "comparator level of all four inputs",
           "below zero: falling edge (NEG), else rising (POS)",
           "V",
           ArgType::real,
           hal::Range{-3.3, 3.3, 0},
           {},
           Access::persistent},
          {"reference_clock",
           "10 MHz reference",
           "automatic takes the external one when it is there",
           "",
           ArgType::text,
           {},
           {kClocks.begin(), kClocks.end()},
           Access::persistent},
          {"watch_overflow",
           "ask for the FIFO overflow during a run",
           "off: it shows at the stop only",
           "",
           ArgType::boolean,
           {},
           {},
           Access::persistent},
          {"overflow_shows",
           "when a FIFO overflow shows",
           "in the stream, or at the stop only",
           "",
           ArgType::text,
           {},
           {"in stream", "at stop"},
           Access::read_only},
          tags::told("restarts", "runs given up and begun again", "since the device was opened", ArgType::integer),
          tags::told("last_trouble", "why the last run was given up", "", ArgType::text)};
}

}  // namespace

std::span<const hal::ArgInfo> Tagger::properties() const {
  static const std::vector<hal::ArgInfo> kProperties = make_properties();
  return kProperties;
}

hal::DeviceInfo Tagger::info() const {
  return {"tdc1", "S-Fifteen Instruments", "TDC1", serial_, firmware_, session_->port().port};
}

Result<hal::Value> Tagger::read_property(std::string_view key) {
  if (link() != hal::Link::connected) return hal::disconnected_error(*this);
  return session_->with([&](const State& state) -> Result<hal::Value> {
    const auto& [run, settings] = state;
    if (key == "threshold") return hal::Value{settings.level.threshold.value};
    if (key == "reference_clock") return hal::Value{kClocks[static_cast<std::size_t>(settings.clock)]};
    if (key == "watch_overflow") return hal::Value{settings.watch == OverflowWatch::in_stream};
    if (key == "overflow_shows") {
      const OverflowWatch watch = run.running() ? run.watch() : settings.watch;
      return hal::Value{std::string(watch == OverflowWatch::in_stream ? "in stream" : "at stop")};
    }
    if (key == "restarts") return hal::Value{static_cast<std::int64_t>(run.restarts())};
    if (key == "last_trouble") return hal::Value{std::string(run.last_trouble())};
    return error(Code::not_found, fmt::format("there is no property \"{}\"", key));
  });
}

Result<void> Tagger::write_property(std::string_view key, const hal::Value& value) {
  if (link() != hal::Link::connected) return hal::disconnected_error(*this);
  const hal::ArgInfo* property = hal::find_property(properties(), key);
  if (property == nullptr) return error(Code::not_found, fmt::format("there is no property \"{}\"", key));
  if (auto ok = hal::check_value(*property, value); !ok) return ok;
  session_->with([&](State& state) {
    if (key == "threshold") {
      state.settings.level = {InputLevel::Standard::volts, {std::get<double>(value)}};
    } else if (key == "reference_clock") {
      const auto it = std::find(kClocks.begin(), kClocks.end(), std::get<std::string>(value));
      state.settings.clock = static_cast<ReferenceClock>(it - kClocks.begin());
    } else {
      state.settings.watch = std::get<bool>(value) ? OverflowWatch::in_stream : OverflowWatch::at_stop;
    }
  });
  const auto control = session_->control();
  return apply_settings();
}

hal::TaggerCaps Tagger::caps() const {
  hal::TaggerCaps caps;
  caps.channels = kChannels;
  caps.tick = kTick;
  caps.jitter = {2000};  // the tick; no other figure is published
  caps.max_rate = {4e6};
  caps.fifo_depth = options_.ring;  // ours; the depth of the device's own is not published
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
  return session_->with([&](const State& state) {
    hal::ChannelConfig config = state.settings.channels[channel];
    config.threshold = state.settings.level.threshold;
    config.edge = edge_of(state.settings.level);
    return config;
  });
}

Result<void> Tagger::set_channel(std::size_t channel, const hal::ChannelConfig& config) {
  if (auto ok = check_channel(channel); !ok) return ok;
  return session_->with([&](State& state) -> Result<void> {
    const InputLevel& level = state.settings.level;
    if (config.threshold != level.threshold || config.edge != edge_of(level))
      return error(
          Code::not_supported,
          fmt::format("input {}: {} V on the {} edge, but the TDC1 has one level for all inputs, now {}: set the "
                      "property threshold",
                      channel, config.threshold.value, config.edge == hal::Edge::rising ? "rising" : "falling",
                      level_command(level)));
    if (auto refusal = tags::refuse_config({kName, serial_}, config, kTick)) return *std::move(refusal);
    state.settings.channels[channel] = config;
    return {};
  });
}

}  // namespace nicol::tdc1
