// SPDX-License-Identifier: Apache-2.0
// A detector that will not be switched on under bright light.
#include "sim/devices/detector.hpp"

#include <utility>

namespace nicol::sim {
namespace {

constexpr const char* kBias = "bias";

}  // namespace

Detector::Detector(const DetectorConfig& config, std::function<hal::LightLevel()> light, std::function<Hertz()> rate)
    : Simulated("simulated single-photon detector", config.serial,
                {real_setting(kBias, "reverse bias", "V", {0, config.highest_bias.value, 0}, config.bias.value)}),
      config_(config),
      light_(std::move(light)),
      rate_(std::move(rate)) {}

Result<void> Detector::enable() {
  if (!plugged()) return unplugged_error();
  if (light_() == hal::LightLevel::alignment) return error(Code::unsafe_state, "alignment light is on");
  enabled_ = true;
  return {};
}

Result<void> Detector::set_bias(Volts bias) { return write_property(kBias, hal::Value{bias.value}); }

Result<Celsius> Detector::temperature() {
  if (!plugged()) return unplugged_error();
  return config_.temperature;
}

Result<Hertz> Detector::rate() {
  if (!plugged()) return unplugged_error();
  if (!enabled()) return Hertz{0};
  return rate_ ? rate_() : config_.info.dark_rate;
}

void Detector::unplug() noexcept {
  disable();
  Simulated::unplug();
}

}  // namespace nicol::sim
