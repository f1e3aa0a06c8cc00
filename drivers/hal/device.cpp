// SPDX-License-Identifier: Apache-2.0
// The defaults of a device: no properties, and a state that is saved and restored whole or not at all.
#include "drivers/hal/device.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "drivers/hal/properties.hpp"

namespace nicol::hal {
namespace {

constexpr std::int64_t kSchema = 1;

Error unknown_property(const Device& device, std::string_view key) {
  return {Code::not_found, fmt::format("there is no property \"{}\"", key), device.info().serial, 0, {}};
}

ArgType type_of(const Value& value) noexcept {
  constexpr ArgType kByAlternative[] = {ArgType::boolean, ArgType::integer, ArgType::real, ArgType::text};
  return kByAlternative[value.index()];
}

std::string_view type_name(ArgType type) noexcept {
  constexpr std::string_view kNames[] = {"a boolean", "an integer", "a real number", "a text"};
  return kNames[static_cast<std::size_t>(type)];
}

Result<void> check_range(const ArgInfo& property, double v) {
  if (!property.range || property.range->contains(v)) return {};
  return Error{Code::out_of_range, fmt::format("{} {} {} is outside {}..{}", property.key, v, property.units,
                                               property.range->min, property.range->max)};
}

Result<void> check_schema(const State& state) {
  const auto it = state.find("schema");
  const auto* schema = it == state.end() ? nullptr : std::get_if<std::int64_t>(&it->second);
  if (schema == nullptr) return Error{Code::bad_input, "the saved state names no schema"};
  if (*schema != kSchema)
    return Error{Code::bad_input,
                 fmt::format("the saved state has schema {}, this program knows {}", *schema, kSchema)};
  return {};
}

Result<void> check_entry(const Device& device, const std::string& key, const Value& value) {
  const ArgInfo* property = find_property(device.properties(), key);
  if (property == nullptr) return unknown_property(device, key);
  if (property->access != Access::persistent)
    return Error{Code::access_denied, fmt::format("property \"{}\" is not part of a saved state", key)};
  return check_value(*property, value);
}

}  // namespace

const ArgInfo* find_property(std::span<const ArgInfo> properties, std::string_view key) noexcept {
  const auto it = std::ranges::find(properties, key, &ArgInfo::key);
  return it == properties.end() ? nullptr : &*it;
}

std::string to_text(const Value& value) {
  return std::visit([](const auto& v) { return fmt::format("{}", v); }, value);
}

Result<void> check_value(const ArgInfo& property, const Value& value) {
  if (property.access == Access::read_only)
    return Error{Code::access_denied, fmt::format("property \"{}\" is read only", property.key)};
  if (type_of(value) != property.type)
    return Error{Code::bad_input,
                 fmt::format("{} is {}, not {}", property.key, type_name(property.type), to_text(value))};
  if (const auto* real = std::get_if<double>(&value)) return check_range(property, *real);
  if (const auto* integer = std::get_if<std::int64_t>(&value))
    return check_range(property, static_cast<double>(*integer));
  if (const auto* text = std::get_if<std::string>(&value);
      text != nullptr && !property.options.empty() &&
      std::ranges::find(property.options, *text) == property.options.end())
    return Error{Code::bad_input, fmt::format("\"{}\" is not an option of {}", *text, property.key)};
  return {};
}

Error disconnected_error(const Device& device) {
  const DeviceInfo info = device.info();
  return {Code::disconnected, fmt::format("{} {} is not connected", info.driver, info.serial), info.serial, 0, {}};
}

Result<Value> Device::read_property(std::string_view key) {
  if (link() == Link::disconnected) return disconnected_error(*this);
  return unknown_property(*this, key);
}

Result<void> Device::write_property(std::string_view key, const Value&) {
  if (link() == Link::disconnected) return disconnected_error(*this);
  return unknown_property(*this, key);
}

Result<State> Device::save_state() {
  if (link() == Link::disconnected) return disconnected_error(*this);
  State state{{"schema", kSchema}};
  for (const ArgInfo& property : properties()) {
    if (property.access != Access::persistent) continue;
    Result<Value> value = read_property(property.key);
    if (!value) return std::move(value).error();
    state.emplace(property.key, std::move(*value));
  }
  return state;
}

Result<void> Device::restore_state(const State& state) {
  if (link() == Link::disconnected) return disconnected_error(*this);
  if (auto ok = check_schema(state); !ok) return ok;
  for (const auto& [key, value] : state)
    if (key != "schema")
      if (auto ok = check_entry(*this, key, value); !ok) return ok;
  for (const auto& [key, value] : state)
    if (key != "schema")
      if (auto ok = write_property(key, value); !ok) return ok;
  return {};
}

}  // namespace nicol::hal
