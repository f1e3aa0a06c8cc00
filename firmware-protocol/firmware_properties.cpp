// SPDX-License-Identifier: Apache-2.0
// GET and SET: each property of PROTOCOL.md against the board, with its range.
#include <array>

#include "firmware-protocol/firmware.hpp"

namespace nicol::fw {
namespace {

/// How many of a thing there are; 1 for what there is one of.
std::size_t instances(Property property, const Description& d) noexcept {
  switch (property) {
    case Property::shutter:
      return d.shutters;
    case Property::attenuator:
      return d.attenuators;
    case Property::digital_in:
      return d.digital_inputs;
    case Property::digital_out:
      return d.digital_outputs;
    case Property::analog_in:
      return d.analog_inputs;
    case Property::temperature:
      return d.thermistors;
    case Property::channel_config:
    case Property::channel_counters:
      return d.tagger.channels;
    case Property::detector_enable:
    case Property::detector_rate_limit:
    case Property::detector_bias:
    case Property::detector_events:
      return d.detectors.count;
    case Property::arm_nonce:
      return d.source.max_slot_ps != 0 ? 1 : 0;
    default:
      return known(property) ? 1 : 0;
  }
}

Refused check(Property property, std::size_t index, const Description& d) noexcept {
  const std::size_t there = instances(property, d);
  if (there == 0) return refuse(Nack::unsupported);
  if (index >= there) return refuse(Nack::bad_value);
  return {};
}

bool is_switch(std::int64_t number) noexcept { return number == 0 || number == 1; }
Switch to_switch(std::int64_t number) noexcept { return number == 0 ? Switch::off : Switch::on; }
Refused unless(Done done) noexcept { return done == Done::yes ? Refused{} : refuse(Nack::bad_value); }

}  // namespace

std::int64_t Firmware::read(Property property, std::size_t k) noexcept {
  switch (property) {
    case Property::arm_nonce:
      return static_cast<std::int64_t>(safety_.fresh_nonce());
    case Property::watchdog_ms:
      return safety_.watchdog_ms();
    case Property::interlock:
      return static_cast<std::int64_t>(board_->interlock());
    case Property::key_switch:
      return static_cast<std::int64_t>(board_->key_switch());
    case Property::emission:
      return static_cast<std::int64_t>(safety_.state());
    case Property::light_level:
      return static_cast<std::int64_t>(safety_.light());
    case Property::faults:
      return safety_.faults();
    case Property::shutter:
      return static_cast<std::int64_t>(board_->shutter(k));
    case Property::attenuator:
      return board_->attenuation(k);
    case Property::digital_in:
      return static_cast<std::int64_t>(board_->digital_in(k));
    case Property::digital_out:
      return static_cast<std::int64_t>(board_->digital_out(k));
    case Property::analog_in:
      return board_->analog_in(k);
    case Property::temperature:
      return board_->temperature(k);
    case Property::detector_enable:
      return static_cast<std::int64_t>(board_->detector(k));
    case Property::detector_rate_limit:
      return safety_.rates().limit_hz(k);
    case Property::detector_bias:
      return board_->detector_bias(k);
    case Property::detector_events:
      return static_cast<std::int64_t>(board_->detector_events(k));
    case Property::channel_config:
    case Property::channel_counters:
      break;  // no numbers
  }
  return 0;
}

void Firmware::get(const Frame& frame) noexcept {
  const auto asked = decode_get(frame.payload);
  if (!asked) return acknowledge(frame.header, refuse(Nack::bad_length));
  if (const Refused bad = check(asked->property, asked->index, board_->description()))
    return acknowledge(frame.header, bad);
  Value value;
  value.property = asked->property;
  value.index = asked->index;
  if (value.property == Property::channel_config)
    value.channel = board_->channel(value.index);
  else if (value.property == Property::channel_counters)
    value.counters = board_->channel_counters(value.index);
  else
    value.number = read(value.property, value.index);
  answer(frame.header, Type::value, value);
}

Refused Firmware::set(const Value& value) noexcept {
  const std::size_t k = value.index;
  if (const Refused bad = check(value.property, k, board_->description())) return bad;
  const bool switched = is_switch(value.number);
  switch (value.property) {
    case Property::watchdog_ms:
      return safety_.set_watchdog(value.number);
    case Property::light_level:
      return safety_.set_light(value.number);
    case Property::shutter:
      return switched ? safety_.set_shutter(k, static_cast<Gate>(value.number)) : refuse(Nack::bad_value);
    case Property::attenuator:
      return set_attenuator(k, value.number);
    case Property::digital_out:
      if (!switched) return refuse(Nack::bad_value);
      board_->digital_out(k, to_switch(value.number));
      return {};
    case Property::channel_config:
      return unless(board_->configure_channel(k, value.channel));
    case Property::detector_enable:
      return switched ? safety_.set_detector(k, to_switch(value.number)) : refuse(Nack::bad_value);
    case Property::detector_rate_limit:
      return safety_.rates().set_limit(k, value.number) ? Refused{} : refuse(Nack::bad_value);
    case Property::detector_bias:
      return unless(board_->detector_bias(k, value.number));
    default:
      return refuse(Nack::unsupported);  // read only
  }
}

Refused Firmware::set_attenuator(std::size_t k, std::int64_t millidecibels) noexcept {
  if (safety_.faults() != 0) return refuse(Nack::fault_latched, safety_.faults());
  return unless(board_->attenuation(k, millidecibels));
}

}  // namespace nicol::fw
