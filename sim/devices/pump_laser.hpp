// SPDX-License-Identifier: Apache-2.0
// A simulated pump diode with interlock: two steps to light, one to darkness, and never back by itself.
#pragma once

#include <mutex>
#include <string>

#include "drivers/hal/clocks.hpp"
#include "drivers/hal/photon_source.hpp"
#include "sim/devices/simulated.hpp"

namespace nicol::sim {

struct PumpLaserConfig {
  std::string serial = "pump-0";
  Amperes limit{0.2}, threshold{0.04};
  double watts_per_ampere = 0.8;
  Amperes current{0};  // as it was left set
};

class PumpLaser final : public Simulated<hal::PumpLaser> {
 public:
  PumpLaser(const PumpLaserConfig& config, RigClock& clock);

  hal::SourceCaps caps() const override;
  Result<hal::InterlockState> interlock() override;
  Result<void> arm(hal::ArmToken token) override;
  Result<void> enable_emission() override;
  void disable_emission() noexcept override;
  Result<hal::EmissionState> emission() override;
  Result<void> set_light_level(hal::LightLevel level) override;
  hal::LightLevel light_level() const noexcept override;  // off unless emitting

  Result<void> set_current(Amperes current) override;
  Result<Amperes> current() override;
  Result<Amperes> current_limit() override;
  Result<void> set_temperature(Celsius temperature) override;
  Result<Celsius> temperature() override;
  /// In steps of 10 ms of rig time; what was reached stays when the deadline passes.
  Result<void> ramp(Amperes to, Amperes per_second, Deadline deadline) override;

  void safe_state() noexcept override { disable_emission(); }
  void unplug() noexcept override;

  void open_interlock();   // trips the laser when it was armed or emitting
  void close_interlock();  // does not bring light back
  Watts optical_power() const;

 private:
  Result<void> wait_until(Picoseconds t, Deadline deadline);
  const PumpLaserConfig config_;
  RigClock* clock_;
  mutable std::mutex mutex_;  // guards everything below
  hal::EmissionState state_ = hal::EmissionState::off;
  hal::InterlockState interlock_ = hal::InterlockState::closed;
  hal::LightLevel level_ = hal::LightLevel::quantum;
};

}  // namespace nicol::sim
