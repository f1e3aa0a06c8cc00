// SPDX-License-Identifier: Apache-2.0
// What can be set on a timestamp card, and what is refused because it has it once for all inputs, or not at all.
#include <fmt/format.h>

#include "drivers/cqt-fx2/tagger.hpp"
#include "drivers/hal/properties.hpp"

namespace nicol::cqt_fx2 {
namespace {

constexpr std::string_view kName = "the card";
constexpr TickLength kTick{125, 1};
constexpr const char *kThreshold = "threshold_dac", *kSkew = "skew_dac", *kReference = "reference_clock";

hal::ArgInfo level(const char* key, const char* name, const char* description) {
  return {key, name, description, "DAC", hal::ArgType::integer, hal::Range{0, kDacMax, 1}, {}, hal::Access::persistent};
}
hal::ArgInfo count(const char* key, const char* name) {
  return tags::told(key, name, "since the device was opened", hal::ArgType::integer);
}

std::vector<hal::ArgInfo> make_properties() {
  return {level(kThreshold, "comparator level of all inputs", "3586 is about -0.5 V; see the README"),
          level(kSkew, "skew of the fast counter", "belongs to the board's phase table"),
          {kReference,
           "10 MHz reference",
           "",
           "",
           hal::ArgType::text,
           {},
           {"internal", "external"},
           hal::Access::persistent},
          count("restarts", "runs given up and begun again"),
          count("spurious_words", "words of impossible times"),
          count("unknown_phases", "events whose phase the table does not know"),
          tags::told("last_trouble", "why the last run was given up", "", hal::ArgType::text)};
}

}  // namespace

std::span<const hal::ArgInfo> Tagger::properties() const {
  static const std::vector<hal::ArgInfo> kProperties = make_properties();
  return kProperties;
}

hal::DeviceInfo Tagger::info() const {
  return {"cqt-fx2", "Centre for Quantum Technologies", model_, serial_, "", card_->info().port};
}

Result<hal::Value> Tagger::read_property(std::string_view key) {
  if (link_ != hal::Link::connected) return hal::disconnected_error(*this);
  const std::lock_guard lock(mutex_);
  const Levels& levels = settings_.levels;
  if (key == kThreshold) return hal::Value{std::int64_t{levels.threshold}};
  if (key == kSkew) return hal::Value{std::int64_t{levels.skew}};
  if (key == kReference) return hal::Value{std::string(levels.external_reference ? "external" : "internal")};
  if (key == "restarts") return hal::Value{static_cast<std::int64_t>(run_.restarts())};
  if (key == "spurious_words") return hal::Value{static_cast<std::int64_t>(run_.spurious())};
  if (key == "unknown_phases") return hal::Value{static_cast<std::int64_t>(run_.unknown_phases())};
  if (key == "last_trouble") return hal::Value{std::string(run_.last_trouble())};
  return error(Code::not_found, fmt::format("there is no property \"{}\"", key));
}

void Tagger::change(Levels& levels, std::string_view key, const hal::Value& value) const {
  if (key == kThreshold)
    levels.threshold = static_cast<std::uint16_t>(std::get<std::int64_t>(value));
  else if (key == kSkew)
    levels.skew = static_cast<std::uint16_t>(std::get<std::int64_t>(value));
  else
    levels.external_reference = std::get<std::string>(value) == "external";
}

Result<void> Tagger::write_property(std::string_view key, const hal::Value& value) {
  if (link_ != hal::Link::connected) return hal::disconnected_error(*this);
  const hal::ArgInfo* property = hal::find_property(properties(), key);
  if (property == nullptr) return error(Code::not_found, fmt::format("there is no property \"{}\"", key));
  if (auto ok = hal::check_value(*property, value); !ok) return ok;
  const std::lock_guard control(control_mutex_);
  Levels wanted = levels();
  change(wanted, key, value);
  if (auto ok = card_->set_levels(wanted); !ok) return ok;
  const std::lock_guard lock(mutex_);
  settings_.levels = wanted;
  return {};
}

hal::TaggerCaps Tagger::caps() const {
  hal::TaggerCaps caps;
  caps.channels = kInputs;
  caps.tick = kTick;
  caps.jitter = {options_.phases.empty() ? 2000 : 125};  // the step; no other figure is published
  caps.max_rate = {2.2e6};
  caps.fifo_depth = 4096;  // of the smallest chip that was built in
  caps.has_reference_input = true;
  return caps;
}

Result<void> Tagger::check_channel(std::size_t channel) const {
  if (link_ != hal::Link::connected) return hal::disconnected_error(*this);
  if (auto refusal = tags::refuse_input({kName, serial_}, channel)) return *std::move(refusal);
  return {};
}

Result<hal::ChannelConfig> Tagger::channel(std::size_t channel) const {
  if (auto ok = check_channel(channel); !ok) return std::move(ok).error();
  const std::lock_guard lock(mutex_);
  return settings_.channels[channel];
}

Result<void> Tagger::set_channel(std::size_t channel, const hal::ChannelConfig& config) {
  if (auto ok = check_channel(channel); !ok) return ok;
  const std::lock_guard lock(mutex_);
  const hal::ChannelConfig& old = settings_.channels[channel];
  if (config.threshold != old.threshold || config.edge != old.edge)
    return error(Code::not_supported,
                 fmt::format("input {}: {} V on the {} edge, but the card takes falling edges at one level for all "
                             "inputs: set the property threshold_dac",
                             channel, config.threshold.value, config.edge == hal::Edge::rising ? "rising" : "falling"));
  if (auto refusal = tags::refuse_config({kName, serial_}, config, kTick)) return *std::move(refusal);
  settings_.channels[channel] = config;
  return {};
}

}  // namespace nicol::cqt_fx2
