// SPDX-License-Identifier: Apache-2.0
// Attenuator and digital lines: they are at once what they are told to be.
#include "sim/devices/controls.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace nicol::sim {
namespace {

constexpr const char* kAttenuation = "attenuation";

}  // namespace

VariableAttenuator::VariableAttenuator(std::string serial, hal::Range range)
    : Simulated("simulated attenuator", std::move(serial),
                {real_setting(kAttenuation, "attenuation of the light", "dB", range, range.max)}),
      range_(range) {}

Result<void> VariableAttenuator::set_attenuation(Decibels attenuation) {
  return write_property(kAttenuation, hal::Value{attenuation.value});
}

Result<Decibels> VariableAttenuator::attenuation() {
  if (!plugged()) return unplugged_error();
  return Decibels{settings().real(kAttenuation)};
}

void VariableAttenuator::safe_state() noexcept {
  if (plugged()) (void)settings().write(kAttenuation, hal::Value{range_.max}).ok();
}

double VariableAttenuator::transmission() const { return std::pow(10.0, -settings().real(kAttenuation) / 10); }

DigitalIo::DigitalIo(std::string serial, std::size_t inputs, std::size_t outputs)
    : Simulated("simulated digital lines", std::move(serial)), inputs_(inputs), outputs_(outputs) {}

Result<hal::Level> DigitalIo::read(std::size_t input) {
  if (!plugged()) return unplugged_error();
  if (input >= inputs_.size()) return error(Code::out_of_range, fmt::format("input {} of {}", input, inputs_.size()));
  const std::lock_guard lock(mutex_);
  return inputs_[input];
}

Result<void> DigitalIo::write(std::size_t output, hal::Level level) {
  if (!plugged()) return unplugged_error();
  if (output >= outputs_.size())
    return error(Code::out_of_range, fmt::format("output {} of {}", output, outputs_.size()));
  const std::lock_guard lock(mutex_);
  outputs_[output] = level;
  return {};
}

void DigitalIo::safe_state() noexcept {
  if (!plugged()) return;
  const std::lock_guard lock(mutex_);
  std::ranges::fill(outputs_, hal::Level::low);
}

void DigitalIo::unplug() noexcept {
  safe_state();
  Simulated::unplug();
}

void DigitalIo::drive_input(std::size_t input, hal::Level level) {
  const std::lock_guard lock(mutex_);
  inputs_.at(input) = level;
}

hal::Level DigitalIo::output(std::size_t output) const {
  const std::lock_guard lock(mutex_);
  return outputs_.at(output);
}

}  // namespace nicol::sim
