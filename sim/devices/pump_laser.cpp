// SPDX-License-Identifier: Apache-2.0
// Emission states of the pump diode, and its current.
#include "sim/devices/pump_laser.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "sim/devices/timed_motion.hpp"

namespace nicol::sim {
namespace {

constexpr const char* kCurrent = "current";
constexpr const char* kTemperature = "temperature";
constexpr Picoseconds kRampStep = Picoseconds::seconds(0.01);

using hal::EmissionState;
using hal::InterlockState;

}  // namespace

PumpLaser::PumpLaser(const PumpLaserConfig& config, RigClock& clock)
    : Simulated("simulated pump laser", config.serial,
                {real_setting(kCurrent, "diode current while emitting", "A", {0, config.limit.value, 0},
                              config.current.value),
                 real_setting(kTemperature, "diode temperature to hold", "C", {10, 40, 0}, 25)}),
      config_(config),
      clock_(&clock) {}

hal::SourceCaps PumpLaser::caps() const {
  hal::SourceCaps caps;
  caps.source = hal::SourceKind::pump;
  caps.record = hal::PreparationRecord::twin_photon;
  caps.self_safing = true;
  caps.has_interlock = true;
  return caps;
}

Result<InterlockState> PumpLaser::interlock() {
  if (!plugged()) return unplugged_error();
  const std::lock_guard lock(mutex_);
  return interlock_;
}

Result<void> PumpLaser::arm(hal::ArmToken) {
  if (!plugged()) return unplugged_error();
  const std::lock_guard lock(mutex_);
  if (interlock_ == InterlockState::open) return error(Code::interlock, "the interlock is open");
  if (state_ == EmissionState::emitting) return error(Code::unsafe_state, "already emitting");
  state_ = EmissionState::armed;
  return {};
}

Result<void> PumpLaser::enable_emission() {
  if (!plugged()) return unplugged_error();
  const std::lock_guard lock(mutex_);
  if (interlock_ == InterlockState::open) return error(Code::interlock, "the interlock is open");
  if (state_ != EmissionState::armed)
    return error(Code::unsafe_state, fmt::format("emission needs an armed source, this one is {}", to_string(state_)));
  state_ = EmissionState::emitting;
  return {};
}

void PumpLaser::disable_emission() noexcept {
  if (!plugged()) return;
  const std::lock_guard lock(mutex_);
  state_ = EmissionState::off;
}

Result<EmissionState> PumpLaser::emission() {
  if (!plugged()) return unplugged_error();
  const std::lock_guard lock(mutex_);
  return state_;
}

Result<void> PumpLaser::set_light_level(hal::LightLevel level) {
  if (!plugged()) return unplugged_error();
  const std::lock_guard lock(mutex_);
  level_ = level;
  return {};
}

hal::LightLevel PumpLaser::light_level() const noexcept {
  const std::lock_guard lock(mutex_);
  return state_ == EmissionState::emitting ? level_ : hal::LightLevel::off;
}

Result<void> PumpLaser::set_current(Amperes current) { return write_property(kCurrent, hal::Value{current.value}); }

Result<Amperes> PumpLaser::current() {
  if (!plugged()) return unplugged_error();
  return Amperes{settings().real(kCurrent)};
}

Result<Amperes> PumpLaser::current_limit() {
  if (!plugged()) return unplugged_error();
  return config_.limit;
}

Result<void> PumpLaser::set_temperature(Celsius temperature) {
  return write_property(kTemperature, hal::Value{temperature.value});
}

Result<Celsius> PumpLaser::temperature() {
  if (!plugged()) return unplugged_error();
  return Celsius{settings().real(kTemperature)};
}

Result<void> PumpLaser::wait_until(Picoseconds t, Deadline deadline) {
  return TimedMotion(*clock_, t,
                     [this]() -> Result<void> {
                       if (!plugged()) return unplugged_error();
                       return {};
                     })
      .wait(deadline, {});
}

Result<void> PumpLaser::ramp(Amperes to, Amperes per_second, Deadline deadline) {
  if (!(per_second.value > 0)) return error(Code::out_of_range, fmt::format("{} A/s is no ramp", per_second.value));
  if (!(to >= Amperes{0} && to <= config_.limit))
    return error(Code::out_of_range, fmt::format("{} A is outside 0..{} A", to.value, config_.limit.value));
  const double step = per_second.value * kRampStep.seconds();
  for (;;) {
    const Result<Amperes> here = current();
    if (!here) return here.error();
    const double left = to.value - here->value;
    if (left == 0) return {};
    if (auto ok = wait_until(clock_->now() + kRampStep, deadline); !ok) return ok;
    const double next = std::abs(left) <= step ? to.value : here->value + std::copysign(step, left);
    if (auto ok = set_current({next}); !ok) return ok;
  }
}

void PumpLaser::unplug() noexcept {
  disable_emission();
  Simulated::unplug();
}

void PumpLaser::open_interlock() {
  const std::lock_guard lock(mutex_);
  interlock_ = InterlockState::open;
  if (state_ != EmissionState::off) state_ = EmissionState::tripped;
}

void PumpLaser::close_interlock() {
  const std::lock_guard lock(mutex_);
  interlock_ = InterlockState::closed;
}

Watts PumpLaser::optical_power() const {
  const std::lock_guard lock(mutex_);
  if (state_ != EmissionState::emitting || level_ == hal::LightLevel::off) return Watts{0};
  const double above = settings().real(kCurrent) - config_.threshold.value;
  return Watts{config_.watts_per_ampere * std::max(0.0, above)};
}

}  // namespace nicol::sim
