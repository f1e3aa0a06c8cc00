// SPDX-License-Identifier: Apache-2.0
// What a driver does itself for a tagger of four inputs that cannot: switching an input off, and delaying it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "drivers/hal/time_tagger.hpp"

namespace nicol::tags {

inline constexpr std::size_t kInputs = 4;
using InputConfigs = std::array<hal::ChannelConfig, kInputs>;

struct InputSettings {
  std::array<bool, kInputs> enabled{true, true, true, true};
  std::array<std::int64_t, kInputs> delay_ticks{};
};
InputSettings input_settings(const InputConfigs& configs);
/// Of the inputs that are enabled; at most 0. What is complete up to t on the device is so up to t and this.
std::int64_t least_delay(const InputSettings& settings);

/// A device as messages name it: "the TDC1", and its serial number.
struct Named {
  std::string_view name, serial;
};
/// Why it has no such input, or the input cannot be set so: a dead time (not_supported), a delay above 10 us.
std::optional<Error> refuse_input(const Named& device, std::size_t channel);
std::optional<Error> refuse_config(const Named& device, const hal::ChannelConfig& config, TickLength tick);

/// A property that tells and cannot be set.
hal::ArgInfo told(std::string_view key, std::string_view name, std::string_view description, hal::ArgType type);

}  // namespace nicol::tags
