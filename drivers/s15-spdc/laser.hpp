// SPDX-License-Identifier: Apache-2.0
// The pump laser of an SPDC driver board.
#pragma once

#include "drivers/s15-spdc/board.hpp"
#include "drivers/scpi-laser/switched_source.hpp"

namespace nicol::s15_spdc {

/// It stays on when its cable is pulled and has no interlock that could be asked: self_safing and has_interlock are
/// false. Dark and disarmed when it is made, when its cable comes back, and when this object ends.
class Laser final : public scpi_laser::SwitchedSource<hal::PumpLaser> {
 public:
  explicit Laser(Board& board);  // which outlives it
  ~Laser() override;

  hal::DeviceInfo info() const override;
  hal::Link link() const noexcept override { return board_.link(); }
  std::span<const hal::ArgInfo> properties() const override { return properties_; }
  Result<hal::Value> read_property(std::string_view key) override;
  Result<void> write_property(std::string_view key, const hal::Value& value) override;
  Result<std::vector<hal::SelfTestItem>> self_test(Deadline deadline) override;

  hal::SourceCaps caps() const override;
  Result<hal::InterlockState> interlock() override;
  Result<void> arm(hal::ArmToken token) override;
  /// Rises by a milliampere in 50 ms: up to five seconds.
  Result<void> enable_emission() override;

  /// While dark, where enabling goes to; while emitting, a ramp at the board's fastest.
  Result<void> set_current(Amperes current) override;
  Result<Amperes> current() override;
  Result<Amperes> current_limit() override;
  Result<void> set_temperature(Celsius temperature) override;
  Result<Celsius> temperature() override;
  /// Never faster than a milliampere in 50 ms, whatever is asked.
  Result<void> ramp(Amperes to, Amperes per_second, Deadline deadline) override;

 private:
  scpi_laser::LightSwitch& light() noexcept override { return board_.light(); }
  const scpi_laser::LightSwitch& light() const noexcept override { return board_.light(); }

  Board& board_;
  const std::vector<hal::ArgInfo> properties_;
};

}  // namespace nicol::s15_spdc
