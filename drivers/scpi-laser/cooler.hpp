// SPDX-License-Identifier: Apache-2.0
// The cooler of a laser driver as the HAL's temperature controller.
#pragma once

#include "drivers/hal/instruments.hpp"
#include "drivers/scpi-laser/laser_unit.hpp"

namespace nicol::scpi_laser {

class Cooler final : public hal::TemperatureController {
 public:
  explicit Cooler(LaserUnit& unit);  // which outlives it

  hal::DeviceInfo info() const override;
  hal::Link link() const noexcept override { return unit_.instrument().link(); }
  std::span<const hal::ArgInfo> properties() const override { return properties_; }
  Result<hal::Value> read_property(std::string_view key) override;
  Result<void> write_property(std::string_view key, const hal::Value& value) override;
  Result<std::vector<hal::SelfTestItem>> self_test(Deadline deadline) override;
  /// Nothing: a diode that loses its cooler while it is lit takes harm, one that keeps it never does.
  void safe_state() noexcept override {}

  Result<void> set_temperature(Celsius temperature) override { return unit_.set_temperature(temperature); }
  Result<Celsius> temperature() override { return unit_.temperature(); }
  Result<bool> settled() override { return unit_.settled(); }
  Result<void> enable() override { return unit_.set_cooler_on(); }
  /// unsafe_state while the laser is on.
  Result<void> disable() override { return unit_.set_cooler_off(); }

 private:
  LaserUnit& unit_;
  const std::vector<hal::ArgInfo> properties_;
};

}  // namespace nicol::scpi_laser
