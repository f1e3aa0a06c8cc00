// SPDX-License-Identifier: Apache-2.0
#include "drivers/scpi-laser/cooler.hpp"

#include <fmt/core.h>

#include "drivers/hal/properties.hpp"
#include "drivers/scpi-laser/laser.hpp"

namespace nicol::scpi_laser {
namespace {

constexpr const char* kTemperature = "temperature";
/// Of a sensor that is there, whatever the room.
constexpr hal::Range kPlausible{-20, 100, 0};

}  // namespace

Cooler::Cooler(LaserUnit& unit)
    : unit_(unit),
      properties_{{kTemperature,
                   "temperature",
                   "to hold while enabled",
                   "C",
                   hal::ArgType::real,
                   unit.table().temperatures,
                   {},
                   hal::Access::persistent}} {}

hal::DeviceInfo Cooler::info() const { return info_of(unit_, " cooler"); }

Result<hal::Value> Cooler::read_property(std::string_view key) {
  if (link() == hal::Link::disconnected) return hal::disconnected_error(*this);
  if (key != kTemperature) return Device::read_property(key);
  const auto set = unit_.set_point();
  if (!set) return set.error();
  return hal::Value{set->value};
}

Result<void> Cooler::write_property(std::string_view key, const hal::Value& value) {
  if (link() == hal::Link::disconnected) return hal::disconnected_error(*this);
  const hal::ArgInfo* property = hal::find_property(properties(), key);
  if (property == nullptr) return Device::write_property(key, value);
  if (auto ok = hal::check_value(*property, value); !ok) return ok;
  return set_temperature({std::get<double>(value)});
}

Result<std::vector<hal::SelfTestItem>> Cooler::self_test(Deadline) {
  const auto now = temperature();
  if (!now) return now.error();
  const auto on = unit_.cooler_on();
  if (!on) return on.error();
  return std::vector<hal::SelfTestItem>{
      {"sensor", kPlausible.contains(now->value), fmt::format("{} C, cooler {}", now->value, *on ? "on" : "off")}};
}

}  // namespace nicol::scpi_laser
