// SPDX-License-Identifier: Apache-2.0
// Temperature and paddles: they take their time on the rig's clock.
#include <fmt/core.h>

#include <cmath>
#include <memory>

#include "sim/devices/controls.hpp"
#include "sim/devices/timed_motion.hpp"

namespace nicol::sim {
namespace {

constexpr const char* kSetPoint = "set_point";

}  // namespace

TemperatureController::TemperatureController(const TemperatureConfig& config, const RigClock& clock)
    : Simulated("simulated temperature controller", config.serial,
                {real_setting(kSetPoint, "temperature to hold", "C", {config.lowest.value, config.highest.value, 0},
                              config.set_point.value_or(config.ambient).value)}),
      config_(config),
      clock_(&clock),
      since_(clock.now()),
      from_(config.ambient.value) {}

double TemperatureController::goal() const {
  return drive_ == Drive::on ? settings().real(kSetPoint) : config_.ambient.value;
}

double TemperatureController::now_at() const {
  const double elapsed = (clock_->now() - since_).seconds() / config_.time_constant.seconds();
  return goal() + (from_ - goal()) * std::exp(-elapsed);
}

void TemperatureController::drive(Drive drive) noexcept {
  if (!plugged()) return;
  const std::lock_guard lock(mutex_);
  from_ = now_at();
  since_ = clock_->now();
  drive_ = drive;
}

Result<void> TemperatureController::set_temperature(Celsius temperature) {
  return write_property(kSetPoint, hal::Value{temperature.value});
}

Result<void> TemperatureController::write_property(std::string_view key, const hal::Value& value) {
  const std::lock_guard lock(mutex_);
  const double here = now_at();
  if (auto ok = Simulated::write_property(key, value); !ok) return ok;
  from_ = here;
  since_ = clock_->now();
  return {};
}

Result<Celsius> TemperatureController::temperature() {
  if (!plugged()) return unplugged_error();
  const std::lock_guard lock(mutex_);
  return Celsius{now_at()};
}

Result<bool> TemperatureController::settled() {
  if (!plugged()) return unplugged_error();
  const std::lock_guard lock(mutex_);
  return drive_ == Drive::on && std::abs(now_at() - goal()) <= config_.settled_within;
}

Result<void> TemperatureController::enable() {
  if (!plugged()) return unplugged_error();
  drive(Drive::on);
  return {};
}

Result<void> TemperatureController::disable() {
  if (!plugged()) return unplugged_error();
  drive(Drive::off);
  return {};
}

void TemperatureController::replug() noexcept {
  Simulated::replug();
  drive(Drive::off);
}

PolarizationController::PolarizationController(const PaddleConfig& config, RigClock& clock)
    : Simulated("simulated fibre paddles", config.serial), config_(config), clock_(&clock), paddles_(config.channels) {
  for (Paddle& p : paddles_) p.from = p.to = config.range.min;
}

Result<void> PolarizationController::refusal(std::size_t channel) const {
  if (!plugged()) return unplugged_error();
  if (channel >= config_.channels)
    return error(Code::out_of_range, fmt::format("paddle {} of {}", channel, config_.channels));
  return {};
}

Result<hal::Motion> PolarizationController::set(std::size_t channel, double value) {
  if (auto ok = refusal(channel); !ok) return std::move(ok).error();
  if (!config_.range.contains(value))
    return error(Code::out_of_range,
                 fmt::format("{} deg is outside {}..{} deg", value, config_.range.min, config_.range.max));
  const std::lock_guard lock(mutex_);
  Paddle& paddle = paddles_[channel];
  const Picoseconds now = clock_->now();
  if (now < paddle.end) return error(Code::busy, fmt::format("paddle {} is moving", channel));
  const double from = paddle.to;
  paddle = {from, value, now, now + Picoseconds::seconds(std::abs(value - from) / config_.degrees_per_second)};
  return hal::Motion(std::make_unique<TimedMotion>(*clock_, paddle.end, [this, channel] { return refusal(channel); }));
}

Result<double> PolarizationController::get(std::size_t channel) {
  if (auto ok = refusal(channel); !ok) return std::move(ok).error();
  return value_at(channel, clock_->now());
}

double PolarizationController::value_at(std::size_t channel, Picoseconds t) const {
  const std::lock_guard lock(mutex_);
  return at(paddles_.at(channel), t);
}

double PolarizationController::at(const Paddle& paddle, Picoseconds t) {
  if (t >= paddle.end) return paddle.to;
  if (t <= paddle.start) return paddle.from;
  const double done =
      static_cast<double>((t - paddle.start).count) / static_cast<double>((paddle.end - paddle.start).count);
  return paddle.from + (paddle.to - paddle.from) * done;
}

}  // namespace nicol::sim
