// SPDX-License-Identifier: Apache-2.0
// From the operator's consent to light and back: armed, switched on at no current, raised by at most a milliampere in
// 50 ms. Whoever asks for darkness ends whatever is on its way.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <thread>

#include "drivers/s15-spdc/board.hpp"

namespace nicol::s15_spdc {
namespace {

using Clock = std::chrono::steady_clock;
constexpr const char* kBusy = "it is being armed, switched on or ramped already";

}  // namespace

scpi_laser::Output Board::output() {
  scpi_laser::Output o;
  o.on = [this]() -> Result<void> {
    if (auto ok = write(kCurrent, 0); !ok) return ok;
    if (auto ok = change_power(kPowerLaser, 0); !ok) return ok;
    return say("ON");
  };
  o.off = [this] { return laser_off(); };
  o.is_on = [this] { return laser_is_on(); };
  o.restore = [this] { return restore(); };
  o.link = [this] { return link(); };
  o.generation = [this] { return generation_.load(); };
  return o;
}

/// In one message, before anything is asked; the laser's power line after it.
Result<void> Board::laser_off() {
  const std::lock_guard lock(current_mutex_);
  auto said = say("LCURRENT 0;OFF");
  auto dark = change_power(0, kPowerLaser);
  return said ? dark : said;
}

/// It has no measurement of its light. Either of the two is enough for a doubt.
Result<bool> Board::laser_is_on() {
  const auto power = number(kPower);
  if (!power) return power.error();
  const auto current = number(kCurrent);
  if (!current) return current.error();
  return (static_cast<unsigned>(std::clamp(*power, 0.0, 3.0)) & kPowerLaser) != 0 || *current > 0;
}

Result<double> Board::current() {
  if (auto ok = light_->ready(); !ok) return ok.error();
  if (light_->lit()) return number(kCurrent);
  const std::lock_guard lock(wanted_mutex_);
  return working_current_;
}

Result<void> Board::arm() {
  if (auto ok = light_->ready(); !ok) return ok;
  const std::unique_lock way(way_to_light_, std::try_to_lock);
  if (!way) return error(Code::busy, kBusy);
  const LightSwitch::Epoch epoch = light_->epoch();
  const auto on = laser_is_on();
  if (!on) return on.error();
  if (*on) return error(Code::unsafe_state, "it emits already: disable it first");
  if (auto ok = write(kCurrentLimit, limit_); !ok) return ok;
  return light_->arm(epoch);
}

Result<void> Board::enable() {
  if (auto ok = light_->ready(); !ok) return ok;
  const std::unique_lock way(way_to_light_, std::try_to_lock);
  if (!way) return error(Code::busy, kBusy);
  const LightSwitch::Epoch epoch = light_->epoch();
  if (!light_->armed()) return error(Code::unsafe_state, "emission needs an armed laser: arm it first");
  double to = 0;
  {
    const std::lock_guard lock(wanted_mutex_);
    to = working_current_;
  }
  auto ok = light_->turn_on(epoch);
  if (ok) ok = walk(to, 1e9, {}, epoch);
  if (!ok) light_->turn_off(timing_.reply);  // half-way is nowhere
  return ok;
}

Result<void> Board::ramp(double to, double per_second, Deadline deadline) {
  if (auto ok = light_->ready(); !ok) return ok;
  if (!(per_second > 0)) return error(Code::out_of_range, fmt::format("{} mA/s is no ramp", per_second));
  if (!(to >= 0 && to <= limit_)) return error(Code::out_of_range, fmt::format("{} mA is outside 0..{}", to, limit_));
  const std::unique_lock way(way_to_light_, std::try_to_lock);
  if (!way) return error(Code::busy, kBusy);
  if (Clock::now() >= deadline.at) return error(Code::timeout, fmt::format("no time was left to go to {} mA", to));
  if (light_->lit())
    if (auto ok = walk(to, per_second, deadline, light_->epoch()); !ok) return ok;
  const std::lock_guard lock(wanted_mutex_);
  working_current_ = to;
  return {};
}

/// Never in the dark: whoever makes dark holds the same lock, after the epoch has changed.
Result<void> Board::step_to(double current, LightSwitch::Epoch epoch) {
  const std::lock_guard lock(current_mutex_);
  if (auto ok = light_->still(epoch); !ok) return ok;
  return write(kCurrent, current);
}

/// What was reached stays when it ends early.
Result<void> Board::walk(double to, double per_second, Deadline deadline, LightSwitch::Epoch epoch) {
  const auto from = number(kCurrent);
  if (!from) return from.error();
  const auto pause =
      std::max(std::chrono::duration<double>(timing_.milliampere), std::chrono::duration<double>(1 / per_second));
  for (double at = *from; at != to;) {
    if (Clock::now() >= deadline.at)
      return error(Code::timeout, fmt::format("the way to {} mA took too long; it stands at {}", to, at));
    at = at < to ? std::min(to, at + 1) : std::max(to, at - 1);
    if (auto ok = step_to(at, epoch); !ok) return ok;
    std::this_thread::sleep_for(pause);
  }
  return {};
}

}  // namespace nicol::s15_spdc
