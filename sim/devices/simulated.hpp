// SPDX-License-Identifier: Apache-2.0
// What every simulated device shares: identity, properties, and a cable that a test or a scenario can pull.
#pragma once

#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "drivers/hal/device.hpp"
#include "drivers/hal/properties.hpp"
#include "sim/devices/settings.hpp"

namespace nicol::sim {

/// Mixed into a HAL kind: `class Motor : public Simulated<hal::RotationStage>`.
template <class Kind>
class Simulated : public Kind {
 public:
  Simulated(std::string model, std::string serial, std::vector<Setting> settings = {})
      : model_(std::move(model)), serial_(std::move(serial)), settings_(std::move(settings)) {}

  hal::DeviceInfo info() const override { return {"sim", "Nicol", model_, serial_, "1", "sim"}; }
  hal::Link link() const noexcept override { return plugged_.load() ? hal::Link::connected : hal::Link::disconnected; }
  std::span<const hal::ArgInfo> properties() const override { return settings_.infos(); }
  Result<hal::Value> read_property(std::string_view key) override {
    if (!plugged()) return unplugged_error();
    return settings_.read(key);
  }
  Result<void> write_property(std::string_view key, const hal::Value& value) override {
    if (!plugged()) return unplugged_error();
    return settings_.write(key, value);
  }
  Result<std::vector<hal::SelfTestItem>> self_test(Deadline) override {
    if (!plugged()) return unplugged_error();
    return std::vector<hal::SelfTestItem>{{"link", true, "simulated"}};
  }

  virtual void unplug() noexcept { plugged_ = false; }
  /// Comes back as a powered-up device does: not homed, not armed, not enabled.
  virtual void replug() noexcept { plugged_ = true; }

 protected:
  bool plugged() const noexcept { return plugged_.load(); }
  Error unplugged_error() const { return hal::disconnected_error(*this); }
  Error error(Code code, std::string message) const { return {code, std::move(message), serial_}; }
  const Settings& settings() const noexcept { return settings_; }
  Settings& settings() noexcept { return settings_; }

 private:
  const std::string model_, serial_;
  Settings settings_;
  std::atomic<bool> plugged_{true};
};

}  // namespace nicol::sim
