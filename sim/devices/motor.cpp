// SPDX-License-Identifier: Apache-2.0
// One move is five numbers and two instants; every question about the motor is answered from them and the clock.
#include "sim/devices/motor.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "sim/devices/timed_motion.hpp"

namespace nicol::sim {
namespace {

constexpr const char* kVelocity = "velocity";

Angle magnitude(Angle a) { return a < Angle{} ? -a : a; }

double fraction(Picoseconds from, Picoseconds to, Picoseconds t) {
  if (t >= to) return 1;
  if (t <= from) return 0;
  return static_cast<double>((t - from).count) / static_cast<double>((to - from).count);
}

}  // namespace

Motor::Motor(const MotorConfig& config, RigClock& clock)
    : Simulated("simulated rotating mount", config.serial,
                {real_setting(kVelocity, "speed of moves that start from now on", "deg/s",
                              {0.001, config.speed.degrees(), 0}, config.speed.degrees())}),
      config_(config),
      clock_(&clock),
      homed_(!config.needs_home) {
  move_.start = move_.arrive = move_.settled = clock.now();
  move_.from = move_.to = homed_ ? quantised(config.power_up) : Angle{};
  move_.optic_from = config.power_up;
}

hal::AxisInfo Motor::axis() const {
  hal::AxisInfo info;
  info.counts_per_degree = 1 / config_.resolution.degrees();
  info.resolution = config_.resolution;
  info.repeatability = config_.repeatability;
  info.backlash = config_.backlash;
  info.max_velocity = config_.speed;
  info.continuous = !config_.travel.has_value();
  info.can_abort = config_.can_abort;
  info.can_set_velocity = true;
  info.needs_home = config_.needs_home;
  info.travel = config_.travel;
  return info;
}

Result<hal::AxisStatus> Motor::status() {
  if (!plugged()) return unplugged_error();
  const std::lock_guard lock(mutex_);
  const Picoseconds now = clock_->now();
  hal::AxisStatus status;
  status.homed = homed_ && !(move_.homing && now < move_.settled);
  status.moving = now < move_.arrive;
  status.settled = now >= move_.settled;
  status.fault = move_.failed && status.settled;
  status.position = motor_at(now);
  status.moves = move_.number;
  status.degrees_moved = degrees_moved_;
  return status;
}

Result<void> Motor::refusal(Picoseconds now) const {
  if (!plugged()) return unplugged_error();
  if (now < move_.settled) return error(Code::busy, "the last move has not ended");
  return {};
}

Result<hal::Motion> Motor::home(hal::HomeDirection direction) {
  const std::lock_guard lock(mutex_);
  if (auto ok = refusal(clock_->now()); !ok) return std::move(ok).error();
  stalled_ = false;
  // The reference mark is passed once a turn: the motor counts from wherever it woke up to the mark in that direction.
  const double turn = 2 * std::numbers::pi;
  double here = std::remainder(optic_at(clock_->now()).radians(), turn);
  if (direction == hal::HomeDirection::negative && here < 0) here += turn;
  if (direction == hal::HomeDirection::positive && here > 0) here -= turn;
  move_.to = Angle::radians(here);
  move_.optic_from = Angle::radians(here);
  Result<hal::Motion> motion = begin(Angle{}, true);
  homed_ = true;
  return motion;
}

Result<hal::Motion> Motor::move_absolute(Angle position) {
  const std::lock_guard lock(mutex_);
  if (auto ok = refusal(clock_->now()); !ok) return std::move(ok).error();
  if (!homed_) return error(Code::not_homed, "the mount has not been homed since it was powered");
  if (config_.travel && (position < config_.travel->first || position > config_.travel->second))
    return error(Code::out_of_range, fmt::format("{:.4f} deg is outside {:.4f}..{:.4f} deg", position.degrees(),
                                                 config_.travel->first.degrees(), config_.travel->second.degrees()));
  return begin(quantised(position), false);
}

Result<hal::Motion> Motor::move_relative(Angle by) {
  const Result<hal::AxisStatus> now = status();
  if (!now) return now.error();
  return move_absolute(now->position + by);
}

Result<hal::Motion> Motor::begin(Angle to, bool homing) {
  const Picoseconds now = clock_->now();
  Move next;
  next.number = move_.number + 1;
  next.homing = homing;
  next.failed = stalled_;
  next.from = move_.to;
  next.to = stalled_ ? next.from + (to - next.from) * 0.5 : to;
  next.optic_from = homing ? move_.optic_from : optic_at(now);
  next.noise_from = noise_at(now);
  CounterStream noise({config_.noise.seed, config_.noise.node, config_.noise.purpose,
                       config_.noise.index << 32 | (next.number & 0xffffffff)});
  next.noise_to = config_.repeatability * (2 * noise.uniform() - 1);
  const Angle way = magnitude(next.to - next.from);
  next.start = now;
  next.arrive = now + Picoseconds::seconds(way.degrees() / settings().real(kVelocity));
  next.settled = next.arrive + config_.settle;
  degrees_moved_ += way.degrees();
  move_ = next;
  return handle(next);
}

hal::Motion Motor::handle(const Move& move) {
  return hal::Motion(
      std::make_unique<TimedMotion>(*clock_, move.settled, [this, number = move.number] { return fate(number); }));
}

Result<void> Motor::fate(std::uint64_t number) const {
  if (!plugged()) return unplugged_error();
  const std::lock_guard lock(mutex_);
  if (stopped_ == number) return error(Code::cancelled, "the move was stopped");
  if (move_.number != number) return {};  // ended before the next one could begin
  if (move_.failed && clock_->now() >= move_.settled)
    return error(Code::motion_fault, fmt::format("stalled at {:.4f} deg", move_.to.degrees()));
  return {};
}

Result<void> Motor::stop(hal::StopMode) {
  if (!plugged()) return unplugged_error();
  if (!config_.can_abort) return error(Code::not_supported, "this mount cannot abort a move");
  const std::lock_guard lock(mutex_);
  cut(clock_->now());
  return {};
}

void Motor::cut(Picoseconds now) {
  if (now >= move_.arrive) return;
  const Angle here = motor_at(now);
  degrees_moved_ -= magnitude(move_.to - here).degrees();
  move_.noise_to = noise_at(now);
  move_.to = here;
  move_.arrive = now;
  move_.settled = now + config_.settle;
  stopped_ = move_.number;
  if (move_.homing) homed_ = false;
}

Result<void> Motor::set_velocity(Angle per_second) {
  return write_property(kVelocity, hal::Value{per_second.degrees()});
}

void Motor::safe_state() noexcept {
  const std::lock_guard lock(mutex_);
  if (plugged() && config_.can_abort) cut(clock_->now());
}

void Motor::replug() noexcept {
  {
    const std::lock_guard lock(mutex_);
    homed_ = !config_.needs_home;
  }
  Simulated::replug();
}

void Motor::stall() {
  const std::lock_guard lock(mutex_);
  stalled_ = true;
}

Picoseconds Motor::settled_at() const {
  const std::lock_guard lock(mutex_);
  return move_.settled;
}

Angle Motor::true_angle(Picoseconds t) const {
  const std::lock_guard lock(mutex_);
  return optic_at(t) + noise_at(t) - config_.offset;
}

Angle Motor::motor_at(Picoseconds t) const {
  return move_.from + (move_.to - move_.from) * fraction(move_.start, move_.arrive, t);
}

Angle Motor::optic_at(Picoseconds t) const {
  // Pushed from below the optic stands where the motor does; pulled from above it stays behind by the play.
  const Angle motor = motor_at(t);
  return std::clamp(move_.optic_from, motor, motor + config_.backlash);
}

Angle Motor::noise_at(Picoseconds t) const {
  return move_.noise_from + (move_.noise_to - move_.noise_from) * fraction(move_.start, move_.arrive, t);
}

Angle Motor::quantised(Angle a) const {
  return config_.resolution * std::round(a.radians() / config_.resolution.radians());
}

}  // namespace nicol::sim
