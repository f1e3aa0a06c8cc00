// SPDX-License-Identifier: Apache-2.0
// A blade is where it was told to be, once its travel time has passed.
#include "sim/devices/shutter.hpp"

namespace nicol::sim {

Shutter::Shutter(const ShutterConfig& config, const RigClock& clock)
    : Simulated("simulated shutter", config.serial),
      config_(config),
      clock_(&clock),
      since_(clock.now() - config.travel_time) {}

void Shutter::drive(hal::ShutterState target) noexcept {
  const std::lock_guard lock(mutex_);
  if (target == target_) return;
  target_ = target;
  since_ = clock_->now();
}

Result<void> Shutter::open() {
  if (!plugged()) return unplugged_error();
  drive(hal::ShutterState::open);
  return {};
}

void Shutter::close() noexcept {
  if (plugged()) drive(hal::ShutterState::closed);
}

Result<hal::ShutterState> Shutter::state() {
  if (!plugged()) return unplugged_error();
  const std::lock_guard lock(mutex_);
  return clock_->now() < since_ + config_.travel_time ? hal::ShutterState::moving : target_;
}

void Shutter::unplug() noexcept {
  if (self_closing()) drive(hal::ShutterState::closed);
  Simulated::unplug();
}

bool Shutter::passes(Picoseconds t) const noexcept {
  const std::lock_guard lock(mutex_);
  return target_ == hal::ShutterState::open && t >= since_ + config_.travel_time;
}

}  // namespace nicol::sim
