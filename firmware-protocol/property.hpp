// SPDX-License-Identifier: Apache-2.0
// GET, SET and VALUE: everything on a board that is a number with a name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "firmware-protocol/codes.hpp"

namespace nicol::fw {

enum class Property : std::uint16_t {
  arm_nonce = 0x01,  // read: a fresh one, good for one ARM
  watchdog_ms = 0x02,
  interlock = 0x03,
  key_switch = 0x04,
  emission = 0x05,
  light_level = 0x06,
  faults = 0x07,
  shutter = 0x10,
  attenuator = 0x11,  // thousandths of a dB
  digital_in = 0x20,
  digital_out = 0x21,
  analog_in = 0x22,    // microvolts
  temperature = 0x23,  // thousandths of a degree Celsius, from thermistor k
  channel_config = 0x30,
  channel_counters = 0x31,
  detector_enable = 0x40,
  detector_rate_limit = 0x41,  // Hz
  detector_bias = 0x42,        // millivolts
  detector_events = 0x43       // since power-up
};

struct ChannelConfig {
  Switch enabled = Switch::on;
  Role role = Role::detector;
  Edge edge = Edge::rising;
  std::int32_t threshold_mv = 500;
  std::int64_t delay_ticks = 0;
  std::uint32_t dead_time_ticks = 0;
  bool operator==(const ChannelConfig&) const = default;
};
struct ChannelCounters {
  std::uint64_t events = 0, lost = 0;  // since STREAM_START
  bool operator==(const ChannelCounters&) const = default;
};

/// GET {property u16, index u16}.
struct Get {
  Property property = Property::emission;
  std::uint16_t index = 0;
  bool operator==(const Get&) const = default;
};
/// SET and VALUE {property u16, index u16, value}. The value is an i64, but for channel_config and channel_counters.
struct Value {
  Property property = Property::emission;
  std::uint16_t index = 0;
  std::int64_t number = 0;
  ChannelConfig channel{};     // for Property::channel_config
  ChannelCounters counters{};  // for Property::channel_counters
  bool operator==(const Value&) const = default;
};

inline constexpr std::size_t kGetBytes = 4, kNumberValueBytes = 12, kChannelValueBytes = 24, kCountersValueBytes = 20;
inline constexpr std::size_t kMostValueBytes = 24;

bool known(Property property) noexcept;
std::size_t encode(const Get& get, std::span<std::uint8_t> out) noexcept;
std::size_t encode(const Value& value, std::span<std::uint8_t> out) noexcept;
/// Unknown properties decode (a board refuses them as unsupported), wrong lengths and values outside an enum do not.
std::optional<Get> decode_get(std::span<const std::uint8_t> payload) noexcept;
std::optional<Value> decode_value(std::span<const std::uint8_t> payload) noexcept;

}  // namespace nicol::fw
