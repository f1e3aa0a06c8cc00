// SPDX-License-Identifier: Apache-2.0
// Pulse generators as data, like the lasers: a new one is an entry here.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/hal/device.hpp"

namespace nicol::scpi_laser {

/// {0} is the channel, {1} the value. `key` of a channel's setting gets "ch1." in front.
struct PulserSetting {
  std::string_view key, name, units, set, query;
  hal::ArgType type = hal::ArgType::real;
  hal::Range range;
  std::span<const std::string_view> options;  // of a text
};

struct PulserTable {
  std::string_view model, vendor;
  int baud = 38'400;
  std::string_view terminator, acknowledge, error_prefix;
  std::string_view on, off, state;
  std::string_view period_key;  // of the setting that is the slot period
  std::span<const PulserSetting> whole, channel;
};

std::span<const PulserTable> pulser_tables();
const PulserTable* pulser_table(std::string_view model) noexcept;

/// A table's setting for one channel (0: the whole instrument).
struct PulserProperty {
  const PulserSetting* setting = nullptr;
  int channel = 0;
  std::string query() const;
  std::string command(const hal::Value& value) const;
  Result<hal::Value> parse(std::string_view reply) const;
};
std::vector<PulserProperty> properties_of(const PulserTable& table, int channels);
/// As the HAL lists them, in the same order.
std::vector<hal::ArgInfo> arg_infos(std::span<const PulserProperty> properties);

}  // namespace nicol::scpi_laser
