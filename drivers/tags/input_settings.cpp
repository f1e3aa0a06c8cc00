// SPDX-License-Identifier: Apache-2.0
#include "drivers/tags/input_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace nicol::tags {

InputSettings input_settings(const InputConfigs& configs) {
  InputSettings settings;
  for (std::size_t c = 0; c < kInputs; ++c) {
    settings.enabled[c] = configs[c].enabled;
    settings.delay_ticks[c] = configs[c].delay_ticks;
  }
  return settings;
}

std::int64_t least_delay(const InputSettings& settings) {
  std::int64_t least = 0;
  for (std::size_t c = 0; c < kInputs; ++c)
    if (settings.enabled[c]) least = std::min(least, settings.delay_ticks[c]);
  return least;
}

std::optional<Error> refuse_input(const Named& device, std::size_t channel) {
  if (channel < kInputs) return std::nullopt;
  return Error{Code::out_of_range, fmt::format("input {} of {}", channel, kInputs), std::string(device.serial), 0, {}};
}

std::optional<Error> refuse_config(const Named& device, const hal::ChannelConfig& config, TickLength tick) {
  const std::string serial(device.serial);
  const std::int64_t longest = tick.to_ticks({10'000'000});
  if (config.dead_time_ticks != 0)
    return Error{Code::not_supported,
                 fmt::format("dead time of {} ticks: {} has no setting for it", config.dead_time_ticks, device.name),
                 serial,
                 0,
                 {}};
  if (std::abs(config.delay_ticks) > longest)
    return Error{Code::out_of_range,
                 fmt::format("delay {} ticks is outside +-{} (10 us)", config.delay_ticks, longest),
                 serial,
                 0,
                 {}};
  return std::nullopt;
}

hal::ArgInfo told(std::string_view key, std::string_view name, std::string_view description, hal::ArgType type) {
  return {std::string(key), std::string(name), std::string(description), "", type, {}, {}, hal::Access::read_only};
}

}  // namespace nicol::tags
