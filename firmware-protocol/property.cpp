// SPDX-License-Identifier: Apache-2.0
#include "firmware-protocol/property.hpp"

#include "firmware-protocol/cursor.hpp"

namespace nicol::fw {
namespace {

std::optional<ChannelConfig> take_channel(Reader& r) noexcept {
  const auto enabled = r.take<std::uint8_t>(), role = r.take<std::uint8_t>(), edge = r.take<std::uint8_t>();
  r.take<std::uint8_t>();
  ChannelConfig c;
  c.threshold_mv = static_cast<std::int32_t>(r.take<std::uint32_t>());
  c.delay_ticks = static_cast<std::int64_t>(r.take<std::uint64_t>());
  c.dead_time_ticks = r.take<std::uint32_t>();
  if (enabled > 1 || edge > 1 || role > static_cast<std::uint8_t>(Role::monitor)) return {};
  c.enabled = static_cast<Switch>(enabled);
  c.role = static_cast<Role>(role);
  c.edge = static_cast<Edge>(edge);
  return c;
}

void put_channel(Writer& w, const ChannelConfig& c) noexcept {
  w.put(static_cast<std::uint8_t>(c.enabled))
      .put(static_cast<std::uint8_t>(c.role))
      .put(static_cast<std::uint8_t>(c.edge))
      .put(std::uint8_t{0})
      .put(static_cast<std::uint32_t>(c.threshold_mv))
      .put(static_cast<std::uint64_t>(c.delay_ticks))
      .put(c.dead_time_ticks);
}

std::size_t value_bytes(Property property) noexcept {
  if (property == Property::channel_config) return kChannelValueBytes;
  if (property == Property::channel_counters) return kCountersValueBytes;
  return kNumberValueBytes;
}

}  // namespace

bool known(Property property) noexcept {
  switch (property) {
    case Property::arm_nonce:
    case Property::watchdog_ms:
    case Property::interlock:
    case Property::key_switch:
    case Property::emission:
    case Property::light_level:
    case Property::faults:
    case Property::shutter:
    case Property::attenuator:
    case Property::digital_in:
    case Property::digital_out:
    case Property::analog_in:
    case Property::temperature:
    case Property::channel_config:
    case Property::channel_counters:
    case Property::detector_enable:
    case Property::detector_rate_limit:
    case Property::detector_bias:
    case Property::detector_events:
      return true;
  }
  return false;
}

std::size_t encode(const Get& get, std::span<std::uint8_t> out) noexcept {
  if (out.size() < kGetBytes) return 0;
  return Writer(out).put(static_cast<std::uint16_t>(get.property)).put(get.index).written();
}

std::size_t encode(const Value& value, std::span<std::uint8_t> out) noexcept {
  if (out.size() < value_bytes(value.property)) return 0;
  Writer w(out);
  w.put(static_cast<std::uint16_t>(value.property)).put(value.index);
  if (value.property == Property::channel_config)
    put_channel(w, value.channel);
  else if (value.property == Property::channel_counters)
    w.put(value.counters.events).put(value.counters.lost);
  else
    w.put(static_cast<std::uint64_t>(value.number));
  return w.written();
}

std::optional<Get> decode_get(std::span<const std::uint8_t> payload) noexcept {
  if (payload.size() != kGetBytes) return {};
  Reader r(payload);
  const auto property = static_cast<Property>(r.take<std::uint16_t>());
  return Get{property, r.take<std::uint16_t>()};
}

std::optional<Value> decode_value(std::span<const std::uint8_t> payload) noexcept {
  Reader r(payload);
  Value value;
  value.property = static_cast<Property>(r.take<std::uint16_t>());
  value.index = r.take<std::uint16_t>();
  if (payload.size() != value_bytes(value.property)) return {};
  if (value.property == Property::channel_config) {
    const auto channel = take_channel(r);
    if (!channel) return {};
    value.channel = *channel;
  } else if (value.property == Property::channel_counters) {
    value.counters.events = r.take<std::uint64_t>();
    value.counters.lost = r.take<std::uint64_t>();
  } else {
    value.number = static_cast<std::int64_t>(r.take<std::uint64_t>());
  }
  return value;
}

}  // namespace nicol::fw
