// SPDX-License-Identifier: Apache-2.0
// Values beside their descriptions, in the same order.
#include "sim/devices/settings.hpp"

#include <algorithm>
#include <utility>

#include "drivers/hal/properties.hpp"

namespace nicol::sim {

Setting real_setting(std::string key, std::string description, std::string units, hal::Range range, double value) {
  hal::ArgInfo info;
  info.name = key;
  info.key = std::move(key);
  info.description = std::move(description);
  info.units = std::move(units);
  info.type = hal::ArgType::real;
  info.range = range;
  info.access = hal::Access::persistent;
  return {std::move(info), value};
}

Settings::Settings(std::vector<Setting> settings) {
  for (Setting& s : settings) {
    infos_.push_back(std::move(s.info));
    values_.push_back(std::move(s.value));
  }
}

std::size_t Settings::index(std::string_view key) const noexcept {
  return static_cast<std::size_t>(std::ranges::find(infos_, key, &hal::ArgInfo::key) - infos_.begin());
}

bool Settings::has(std::string_view key) const noexcept { return index(key) < infos_.size(); }

Result<hal::Value> Settings::read(std::string_view key) const {
  const std::size_t i = index(key);
  if (i == infos_.size()) return Error{Code::not_found, "there is no property \"" + std::string(key) + "\""};
  const std::lock_guard lock(mutex_);
  return values_[i];
}

Result<void> Settings::write(std::string_view key, const hal::Value& value) {
  const std::size_t i = index(key);
  if (i == infos_.size()) return Error{Code::not_found, "there is no property \"" + std::string(key) + "\""};
  if (auto ok = hal::check_value(infos_[i], value); !ok) return ok;
  const std::lock_guard lock(mutex_);
  values_[i] = value;
  return {};
}

double Settings::real(std::string_view key) const {
  const std::lock_guard lock(mutex_);
  return std::get<double>(values_.at(index(key)));
}

}  // namespace nicol::sim
