// SPDX-License-Identifier: Apache-2.0
#include "controller/app/device_settings.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "drivers/hal/properties.hpp"

namespace nicol::app {
namespace {

constexpr std::string_view kPrefix = "set.";

Error bad(std::string why) { return {Code::bad_input, std::move(why), "", 0, {}}; }

template <class Number>
Result<hal::Value> number_of(std::string_view key, std::string_view text, std::string_view expected) {
  Number value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed == std::errc() && end == text.data() + text.size() && std::isfinite(static_cast<double>(value)))
    return hal::Value{value};
  return bad(fmt::format("{}{}: expected {}, not \"{}\"", kPrefix, key, expected, text));
}

Result<hal::Value> value_of(const hal::ArgInfo& property, std::string_view text) {
  switch (property.type) {
    case hal::ArgType::boolean:
      if (text == "true" || text == "false") return hal::Value{text == "true"};
      return bad(fmt::format("{}{}: expected true or false, not \"{}\"", kPrefix, property.key, text));
    case hal::ArgType::integer:
      return number_of<std::int64_t>(property.key, text, "a whole number");
    case hal::ArgType::real:
      return number_of<double>(property.key, text, "a number");
    case hal::ArgType::text:
      break;
  }
  return hal::Value{std::string(text)};
}

std::string writable(const hal::Device& device) {
  std::string list;
  for (const hal::ArgInfo& p : device.properties())
    if (p.access != hal::Access::read_only) list += fmt::format("{}{}", list.empty() ? "" : ", ", p.key);
  return list.empty() ? std::string("nothing") : list;
}

}  // namespace

DeviceEntry split_settings(const hal::DeviceArgs& args) {
  DeviceEntry entry;
  for (const auto& [key, value] : args) {
    if (key.starts_with(kPrefix))
      entry.settings.emplace(key.substr(kPrefix.size()), value);
    else
      entry.args.emplace(key, value);
  }
  return entry;
}

Result<void> apply_settings(hal::Device& device, const hal::DeviceArgs& settings) {
  for (const auto& [key, text] : settings) {
    const hal::ArgInfo* property = hal::find_property(device.properties(), key);
    if (property == nullptr || property->access == hal::Access::read_only)
      return bad(fmt::format("{}{}: {} {} lets itself be set: {}", kPrefix, key, device.info().driver,
                             device.info().serial, writable(device)));
    const auto value = value_of(*property, text);
    if (!value) return value.error();
    if (auto written = device.write_property(key, *value); !written) return written;
  }
  return {};
}

}  // namespace nicol::app
