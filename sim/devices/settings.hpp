// SPDX-License-Identifier: Apache-2.0
// The properties of a simulated device with their values, checked on every write. Thread-safe.
#pragma once

#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/hal/device.hpp"

namespace nicol::sim {

struct Setting {
  hal::ArgInfo info;
  hal::Value value;
};
/// A real number that is part of the saved state.
Setting real_setting(std::string key, std::string description, std::string units, hal::Range range, double value);

class Settings {
 public:
  explicit Settings(std::vector<Setting> settings);
  std::span<const hal::ArgInfo> infos() const noexcept { return infos_; }
  bool has(std::string_view key) const noexcept;
  Result<hal::Value> read(std::string_view key) const;
  Result<void> write(std::string_view key, const hal::Value& value);
  double real(std::string_view key) const;  // key must name a real setting

 private:
  std::size_t index(std::string_view key) const noexcept;
  std::vector<hal::ArgInfo> infos_;
  mutable std::mutex mutex_;  // guards values_
  std::vector<hal::Value> values_;
};

}  // namespace nicol::sim
