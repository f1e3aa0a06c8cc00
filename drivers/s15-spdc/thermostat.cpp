// SPDX-License-Identifier: Apache-2.0
#include "drivers/s15-spdc/thermostat.hpp"

#include <fmt/format.h>

#include <cmath>

#include "drivers/hal/properties.hpp"

namespace nicol::s15_spdc {
namespace {

constexpr const char *kSetPoint = "temperature", *kVoltageLimit = "voltage_limit", *kRate = "rate";
constexpr double kTolerance = 0.05;  // K
/// Of a sensor that is there, whatever the room.
constexpr hal::Range kPlausible{-20, 130, 0};

hal::ArgInfo setting(const char* key, const char* name, const char* description, const char* units, hal::Range range) {
  return {key, name, description, units, hal::ArgType::real, range, {}, hal::Access::persistent};
}

std::vector<hal::ArgInfo> properties_of(const Loop& loop) {
  std::vector<hal::ArgInfo> all{setting(kSetPoint, "temperature", "to hold while enabled", "C", loop.temperatures),
                                setting(kVoltageLimit, "voltage limit", "of the heater or cooler", "V", loop.limits)};
  if (loop.rate != nullptr)
    all.push_back(setting(kRate, "rate", "of a change of temperature; 0: at once", "K/s", kRates));
  return all;
}

}  // namespace

Thermostat::Thermostat(Board& board, const Loop& loop) : board_(board), loop_(loop), properties_(properties_of(loop)) {}

hal::DeviceInfo Thermostat::info() const {
  return {"s15-spdc",      "S-Fifteen Instruments", fmt::format("SPDC driver {}", loop_.name),
          board_.serial(), board_.identity(),       board_.port()};
}

const char* Thermostat::word_of(std::string_view key) const {
  if (key == kSetPoint) return loop_.set_point;
  if (key == kVoltageLimit) return loop_.voltage_limit;
  return key == kRate ? loop_.rate : nullptr;
}

Result<hal::Value> Thermostat::read_property(std::string_view key) {
  if (link() == hal::Link::disconnected) return hal::disconnected_error(*this);
  const char* const word = word_of(key);
  if (word == nullptr) return Device::read_property(key);
  if (auto ok = board_.light().ready(); !ok) return ok.error();
  const auto now = board_.number(word);
  if (!now) return now.error();
  return hal::Value{*now};
}

Result<void> Thermostat::write_property(std::string_view key, const hal::Value& value) {
  if (link() == hal::Link::disconnected) return hal::disconnected_error(*this);
  const hal::ArgInfo* property = hal::find_property(properties(), key);
  if (property == nullptr) return Device::write_property(key, value);
  if (auto ok = hal::check_value(*property, value); !ok) return ok;
  return board_.set(word_of(key), std::get<double>(value));
}

Result<std::vector<hal::SelfTestItem>> Thermostat::self_test(Deadline) {
  const auto on = board_.loop_on(loop_);
  if (!on) return on.error();
  const auto now = board_.number(loop_.temperature);
  if (!now) return now.error();
  return std::vector<hal::SelfTestItem>{
      {"sensor", kPlausible.contains(*now), fmt::format("{} C, loop {}", *now, *on ? "on" : "off")}};
}

Result<void> Thermostat::set_temperature(Celsius temperature) {
  if (link() == hal::Link::disconnected) return hal::disconnected_error(*this);
  if (!loop_.temperatures.contains(temperature.value))
    return board_.error(Code::out_of_range, fmt::format("{} C is outside {}..{} C", temperature.value,
                                                        loop_.temperatures.min, loop_.temperatures.max));
  return board_.set(loop_.set_point, temperature.value);
}

Result<Celsius> Thermostat::temperature() {
  if (auto ok = board_.light().ready(); !ok) return ok.error();
  const auto now = board_.number(loop_.temperature);
  if (!now) return now.error();
  return Celsius{*now};
}

Result<bool> Thermostat::settled() {
  auto on = board_.loop_on(loop_);
  if (!on || !*on) return on;
  const auto wanted = board_.number(loop_.set_point);
  if (!wanted) return wanted.error();
  const auto now = board_.number(loop_.temperature);
  if (!now) return now.error();
  return std::abs(*now - *wanted) <= kTolerance;
}

Result<void> Thermostat::enable() { return board_.start_loop(loop_); }

Result<void> Thermostat::disable() {
  if (&loop_ != &kLaserTec) return board_.stop_loop(kCrystal, kLaserTec);
  const auto state = board_.light().emission();
  if (!state) return state.error();
  if (*state != hal::EmissionState::off)
    return board_.error(Code::unsafe_state,
                        fmt::format("the laser is {} and wants its cooler: disable it first", hal::to_string(*state)));
  return board_.stop_loop(kLaserTec, kCrystal);
}

}  // namespace nicol::s15_spdc
