// SPDX-License-Identifier: Apache-2.0
// What every simulated device shares: an identity, and a cable that a test or a scenario can pull.
#pragma once

#include <atomic>
#include <string>
#include <utility>

#include "drivers/hal/device.hpp"
#include "drivers/hal/properties.hpp"

namespace nicol::sim {

/// Mixed into a HAL kind: `class Motor : public Simulated<hal::RotationStage>`.
template <class Kind>
class Simulated : public Kind {
 public:
  Simulated(std::string model, std::string serial) : model_(std::move(model)), serial_(std::move(serial)) {}
  hal::DeviceInfo info() const override { return {"sim", "Nicol", model_, serial_, "1", "sim"}; }
  hal::Link link() const noexcept override { return plugged_.load() ? hal::Link::connected : hal::Link::disconnected; }
  Result<std::vector<hal::SelfTestItem>> self_test(Deadline) override {
    if (!plugged_) return hal::disconnected_error(*this);
    return std::vector<hal::SelfTestItem>{{"link", true, "simulated"}};
  }

  virtual void unplug() noexcept { plugged_ = false; }
  /// Comes back as a powered-up device does: not homed, not armed, not enabled.
  virtual void replug() noexcept { plugged_ = true; }

 protected:
  bool plugged() const noexcept { return plugged_.load(); }
  Error unplugged_error() const { return hal::disconnected_error(*this); }
  Error error(Code code, std::string message) const { return {code, std::move(message), serial_}; }

 private:
  std::string model_, serial_;
  std::atomic<bool> plugged_{true};
};

}  // namespace nicol::sim
