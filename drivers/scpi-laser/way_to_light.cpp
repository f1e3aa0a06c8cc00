// SPDX-License-Identifier: Apache-2.0
// The table's steps, one after the other, each cancelled by a call that makes dark.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <thread>

#include "drivers/scpi-laser/laser_unit.hpp"

namespace nicol::scpi_laser {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// A wait looks so often whether it was cancelled.
constexpr milliseconds kNap{10};
constexpr milliseconds kRampAllowance{5000};

}  // namespace

std::chrono::nanoseconds LaserUnit::hastened(milliseconds time) const {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time / timing_.haste);
}

Result<void> LaserUnit::wait(milliseconds time, LightSwitch::Epoch epoch) {
  for (const auto end = Clock::now() + hastened(time); Clock::now() < end;) {
    if (auto ok = light_.still(epoch); !ok) return ok;
    std::this_thread::sleep_until(std::min(end, Clock::now() + kNap));
  }
  return light_.still(epoch);
}

Result<void> LaserUnit::wait_until_settled(LightSwitch::Epoch epoch) {
  const auto give_up = Clock::now() + hastened(timing_.settle);
  for (auto unsettled = Clock::now();;) {
    const auto asked = Clock::now();
    const auto now = settled();
    if (!now) return now.error();
    if (!*now) unsettled = Clock::now();
    if (*now && asked - unsettled >= hastened(timing_.hold)) return {};
    if (asked >= give_up) return not_settled();
    if (auto ok = wait(timing_.look, epoch); !ok) return ok;
  }
}

Error LaserUnit::not_settled() {
  const auto t = temperature();
  return error(Code::timeout, fmt::format("the diode is at {} C and has not come to its set point: look at the cooler, "
                                          "its sensor and its limits",
                                          t ? t->value : std::nan("")));
}

Result<void> LaserUnit::perform(Step step, LightSwitch::Epoch epoch, Amperes per_second) {
  switch (step) {
    case Step::cooler_on:
      return instrument_->set(table_.cooler_on);
    case Step::settle:
      return wait_until_settled(epoch);
    case Step::limit:
      return write_limit();
    case Step::zero_current:
      return write_current({0});
    case Step::laser_on:
      return light_.turn_on(epoch);
    case Step::soft_start:
      return wait(table_.soft_start, epoch);
    case Step::ramp: {
      const Amperes goal = wanted_current();
      const milliseconds time(static_cast<std::int64_t>(1000 * goal.value / per_second.value));
      return walk(goal, per_second, {Clock::now() + 2 * time + kRampAllowance}, epoch);
    }
  }
  return {};
}

Result<void> LaserUnit::arm() {
  if (auto ok = light_.ready(); !ok) return ok;
  const std::unique_lock way(way_to_light_, std::try_to_lock);
  if (!way) return error(Code::busy, "it is being armed, switched on or ramped already");
  const LightSwitch::Epoch epoch = light_.epoch();
  const auto which = tripped();
  if (!which) return which.error();
  if (*which != nullptr) return error(Code::interlock, fmt::format("the {} forbids light", (*which)->name));
  const auto on = instrument_->flag(table_.laser_state);
  if (!on) return on.error();
  if (*on) return error(Code::unsafe_state, "it emits already: disable it first");
  for (const Step step : table_.arming) {
    if (auto ok = light_.still(epoch); !ok) return ok;
    if (auto ok = perform(step, epoch, {}); !ok) return ok;
  }
  return light_.arm(epoch);
}

Result<void> LaserUnit::enable(Amperes per_second) {
  if (auto ok = light_.ready(); !ok) return ok;
  const std::unique_lock way(way_to_light_, std::try_to_lock);
  if (!way) return error(Code::busy, "it is being armed, switched on or ramped already");
  const LightSwitch::Epoch epoch = light_.epoch();
  if (!light_.armed()) return error(Code::unsafe_state, "emission needs an armed laser: arm it first");
  const auto which = tripped();
  if (!which) return which.error();
  if (*which != nullptr) {
    light_.turn_off(milliseconds(0));
    return error(Code::interlock, fmt::format("the {} forbids light", (*which)->name));
  }
  for (const Step step : table_.enabling) {
    auto ok = light_.still(epoch);
    if (ok) ok = perform(step, epoch, per_second);
    if (ok) continue;
    light_.turn_off(timing_.exchange.reply);  // half-way is nowhere
    return ok;
  }
  return {};
}

Result<void> LaserUnit::ramp(Amperes to, Amperes per_second, Deadline deadline) {
  if (auto ok = light_.ready(); !ok) return ok;
  if (!(per_second.value > 0)) return error(Code::out_of_range, fmt::format("{} A/s is no ramp", per_second.value));
  if (auto ok = check_current(to); !ok) return ok;
  const std::unique_lock way(way_to_light_, std::try_to_lock);
  if (!way) return error(Code::busy, "it is being armed, switched on or ramped already");
  auto ok = walk(to, per_second, deadline, light_.epoch());
  const auto reached = ok ? Result<Amperes>(to) : current();
  if (!reached) return ok;
  const std::lock_guard lock(wanted_mutex_);
  wanted_current_ = *reached;
  return ok;
}

/// What was reached stays when it ends early.
Result<void> LaserUnit::walk(Amperes to, Amperes per_second, Deadline deadline, LightSwitch::Epoch epoch) {
  const auto from = current();
  if (!from) return from.error();
  const double way = to.value - from->value;
  const auto start = Clock::now();
  for (bool there = way == 0; !there;) {
    if (Clock::now() >= deadline.at)
      return error(Code::timeout, fmt::format("the ramp to {} A took too long", to.value));
    std::this_thread::sleep_until(std::min(deadline.at, Clock::now() + timing_.ramp_step));
    if (auto ok = light_.still(epoch); !ok) return ok;
    const double gone = per_second.value * std::chrono::duration<double>(Clock::now() - start).count();
    there = gone >= std::abs(way);
    const double next = there ? to.value : from->value + std::copysign(gone, way);
    if (auto ok = write_current({next}); !ok) return ok;
  }
  return {};
}

}  // namespace nicol::scpi_laser
