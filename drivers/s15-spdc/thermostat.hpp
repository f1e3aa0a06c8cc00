// SPDX-License-Identifier: Apache-2.0
// One temperature loop of an SPDC driver board: the crystal's heater, or the laser's cooler.
#pragma once

#include "drivers/hal/instruments.hpp"
#include "drivers/s15-spdc/board.hpp"

namespace nicol::s15_spdc {

class Thermostat final : public hal::TemperatureController {
 public:
  Thermostat(Board& board, const Loop& loop);  // which outlive it

  hal::DeviceInfo info() const override;
  hal::Link link() const noexcept override { return board_.link(); }
  std::span<const hal::ArgInfo> properties() const override { return properties_; }
  Result<hal::Value> read_property(std::string_view key) override;
  Result<void> write_property(std::string_view key, const hal::Value& value) override;
  Result<std::vector<hal::SelfTestItem>> self_test(Deadline deadline) override;
  /// Nothing: a crystal takes harm from a fast change and none from its heat, a diode needs its cooler while it is lit.
  void safe_state() noexcept override {}

  Result<void> set_temperature(Celsius temperature) override;
  Result<Celsius> temperature() override;
  Result<bool> settled() override;
  Result<void> enable() override;
  /// unsafe_state for the laser's cooler while there may be light.
  Result<void> disable() override;

 private:
  const char* word_of(std::string_view key) const;

  Board& board_;
  const Loop& loop_;
  const std::vector<hal::ArgInfo> properties_;
};

}  // namespace nicol::s15_spdc
