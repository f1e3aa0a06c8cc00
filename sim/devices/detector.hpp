// SPDX-License-Identifier: Apache-2.0
// The control side of a simulated single-photon detector; its clicks are made by the optics.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "drivers/hal/instruments.hpp"
#include "sim/devices/simulated.hpp"

namespace nicol::sim {

struct DetectorConfig {
  std::string serial = "detector-0";
  hal::DetectorInfo info;
  Volts bias{25}, highest_bias{30};
  Celsius temperature{-40};
};

class Detector final : public Simulated<hal::Detector> {
 public:
  /// `light` says what falls on the detector now; `rate` its click rate while enabled (none: its dark rate).
  Detector(const DetectorConfig& config, std::function<hal::LightLevel()> light, std::function<Hertz()> rate = nullptr);
  hal::DetectorInfo detector() const override { return config_.info; }
  Result<void> enable() override;
  void disable() noexcept override { enabled_ = false; }
  bool enabled() const noexcept override { return enabled_.load(); }
  Result<void> set_bias(Volts bias) override;
  Result<Celsius> temperature() override;
  Result<Hertz> rate() override;
  void safe_state() noexcept override { disable(); }
  void unplug() noexcept override;

 private:
  const DetectorConfig config_;
  const std::function<hal::LightLevel()> light_;
  const std::function<Hertz()> rate_;
  std::atomic<bool> enabled_{false};
};

}  // namespace nicol::sim
