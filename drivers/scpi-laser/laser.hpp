// SPDX-License-Identifier: Apache-2.0
// The laser of a laser driver as the HAL's pump laser.
#pragma once

#include <atomic>

#include "drivers/scpi-laser/laser_unit.hpp"
#include "drivers/scpi-laser/switched_source.hpp"

namespace nicol::scpi_laser {

/// A bought laser stays on when its cable is pulled: self_safing is false. Dark and disarmed when it is made, when its
/// cable comes back, and when this object ends.
class Laser final : public SwitchedSource<hal::PumpLaser> {
 public:
  explicit Laser(LaserUnit& unit);  // which outlives it
  ~Laser() override;

  hal::DeviceInfo info() const override;
  hal::Link link() const noexcept override { return unit_.instrument().link(); }
  std::span<const hal::ArgInfo> properties() const override { return properties_; }
  Result<hal::Value> read_property(std::string_view key) override;
  Result<void> write_property(std::string_view key, const hal::Value& value) override;
  Result<std::vector<hal::SelfTestItem>> self_test(Deadline deadline) override;

  hal::SourceCaps caps() const override;
  Result<hal::InterlockState> interlock() override;
  /// Cooler on, and waits until the diode has its temperature: up to two minutes.
  Result<void> arm(hal::ArmToken token) override;
  /// Soft start, then a ramp to the working current: some seconds.
  Result<void> enable_emission() override;

  /// The working current: at once while emitting, by a ramp when emission is enabled next.
  Result<void> set_current(Amperes current) override { return unit_.set_current(current); }
  Result<Amperes> current() override { return unit_.current(); }
  Result<Amperes> current_limit() override { return unit_.current_limit(); }
  Result<void> set_temperature(Celsius temperature) override { return unit_.set_temperature(temperature); }
  Result<Celsius> temperature() override { return unit_.temperature(); }
  Result<void> ramp(Amperes to, Amperes per_second, Deadline deadline) override {
    return unit_.ramp(to, per_second, deadline);
  }

 private:
  LightSwitch& light() noexcept override { return unit_.light(); }
  const LightSwitch& light() const noexcept override { return unit_.light(); }

  LaserUnit& unit_;
  const std::vector<hal::ArgInfo> properties_;
  std::atomic<double> ramp_rate_;  // A/s
};

/// What both faces of a unit tell about it.
hal::DeviceInfo info_of(const LaserUnit& unit, std::string_view model_suffix);

}  // namespace nicol::scpi_laser
