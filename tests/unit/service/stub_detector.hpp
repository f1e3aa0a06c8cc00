// SPDX-License-Identifier: Apache-2.0
// A detector that does what a test says: blinded, forgetful, stubborn.
#pragma once

#include "drivers/hal/instruments.hpp"
#include "sim/devices/simulated.hpp"

namespace nicol::test {

class StubDetector final : public sim::Simulated<hal::Detector> {
 public:
  explicit StubDetector(double rate_limit = 0)
      : Simulated("stub", "eye", {sim::real_setting("bias", "reverse bias", "V", {0, 30, 0}, 25)}),
        limit_(rate_limit) {}
  hal::DetectorInfo detector() const override {
    hal::DetectorInfo info;
    info.rate_limit = {limit_};
    return info;
  }
  Result<void> enable() override {
    enabled_ = true;
    return {};
  }
  void disable() noexcept override { enabled_ = false; }
  bool enabled() const noexcept override { return enabled_; }
  Result<void> set_bias(Volts bias) override { return write_property("bias", bias.value); }
  Result<Celsius> temperature() override { return Celsius{20}; }
  Result<Hertz> rate() override {
    if (blinded) return Error{Code::over_rate, "bright light: this detector is off", "eye", 0, {}};
    return Hertz{0};
  }
  void safe_state() noexcept override { disable(); }
  /// Comes back with a bias of 1 V, like a device that was switched off.
  void replug() noexcept override {
    Simulated::replug();
    (void)Simulated::write_property("bias", 1.0);
  }
  Result<void> write_property(std::string_view key, const hal::Value& value) override {
    ++writes;
    return stubborn ? Result<void>() : Simulated::write_property(key, value);
  }
  double bias() { return std::get<double>(*read_property("bias")); }

  bool blinded = false;   // shut itself off
  bool stubborn = false;  // takes no setting
  int writes = 0;

 private:
  double limit_;
  std::atomic<bool> enabled_{false};
};

}  // namespace nicol::test
