// SPDX-License-Identifier: Apache-2.0
#include "controller/service/third_place.hpp"

#include <fmt/format.h>

namespace nicol::service {
namespace {

constexpr double kWarmUpSeconds = 1800, kLookSeconds = 0.1;

Error cancelled() { return {Code::cancelled, "made dark meanwhile", "", 0, {}}; }

}  // namespace

std::string_view to_string(ThirdPlace::State state) noexcept {
  switch (state) {
    case ThirdPlace::State::dark:
      return "dark";
    case ThirdPlace::State::arming:
      return "arming";
    case ThirdPlace::State::lit:
      return "lit";
    case ThirdPlace::State::faulted:
      return "SAFE-OFF";
  }
  return "unknown";
}

ThirdPlace::ThirdPlace(hal::Rig& rig)
    : rig_(rig),
      pump_(rig.find<hal::PhotonSource>("pump")),
      oven_(rig.find<hal::TemperatureController>("oven")),
      shutter_(rig.find<hal::Shutter>("shutter")) {}

ThirdPlace::~ThirdPlace() { off(); }

Result<void> ThirdPlace::arm(StaysOn stays_on) {
  if (state_ == State::arming || state_ == State::lit)
    return Error{Code::busy, fmt::format("the source is {} already", to_string(state_)), "pump", 0, {}};
  const auto interlock = pump_->interlock();
  if (!interlock) return interlock.error();
  if (*interlock == hal::InterlockState::open)
    return Error{Code::interlock, "the interlock is open", pump_->info().serial, 0, {}};
  const bool closes = shutter_ != nullptr && shutter_->self_closing();
  if (!pump_->caps().self_safing && !closes && *interlock == hal::InterlockState::absent &&
      stays_on == StaysOn::refused)
    return Error{Code::unsafe_state,
                 "the pump stays on if its cable is pulled, and neither an interlock nor a self-closing shutter is "
                 "there to end its light: acknowledge that to arm it",
                 pump_->info().serial,
                 0,
                 {}};
  state_ = State::arming;
  {
    const std::lock_guard lock(mutex_);
    outcome_.reset();
  }
  arming_ = std::jthread([this](const std::stop_token& stop) {
    auto outcome = way_to_light(stop);
    const std::lock_guard lock(mutex_);
    outcome_ = std::move(outcome);
  });
  return {};
}

/// Cold crystals make no pairs: oven first, light last.
Result<void> ThirdPlace::way_to_light(const std::stop_token& stop) {
  if (auto warmed = warm(stop); !warmed) return warmed;
  if (auto armed = pump_->arm({1}); !armed) return armed;
  if (auto level = pump_->set_light_level(hal::LightLevel::quantum); !level) return level;
  if (stop.stop_requested()) return cancelled();
  if (auto lit = pump_->enable_emission(); !lit) return lit;
  if (stop.stop_requested()) return cancelled();
  return shutter_ != nullptr ? shutter_->open() : Result<void>();
}

Result<void> ThirdPlace::warm(const std::stop_token& stop) {
  if (oven_ == nullptr) return {};
  if (auto on = oven_->enable(); !on) return on;
  RigClock& clock = *rig_.clock;
  for (const Picoseconds until = clock.now() + Picoseconds::seconds(kWarmUpSeconds); clock.now() < until;) {
    if (stop.stop_requested()) return cancelled();
    const auto settled = oven_->settled();
    if (!settled) return settled.error();
    if (*settled) return {};
    clock.advance_to(clock.now() + Picoseconds::seconds(kLookSeconds));
  }
  return Error{Code::timeout, "the oven does not settle", oven_->info().serial, 0, {}};
}

/// Twice: a step that was under way may have ended after the first.
void ThirdPlace::off() noexcept {
  arming_.request_stop();
  rig_.safe_state();
  if (arming_.joinable()) {
    arming_.join();
    rig_.safe_state();
  }
  if (state_ != State::faulted) state_ = State::dark;
}

std::optional<std::string> ThirdPlace::beat() {
  if (state_ == State::arming)
    if (auto ended = arming_ended()) return ended;
  if (state_ != State::arming && state_ != State::lit) return std::nullopt;
  if (const auto wrong = what_is_wrong()) return fault(*wrong);
  return std::nullopt;
}

std::optional<std::string> ThirdPlace::arming_ended() {
  std::optional<Result<void>> outcome;
  {
    const std::lock_guard lock(mutex_);
    outcome = std::exchange(outcome_, std::nullopt);
  }
  if (!outcome) return std::nullopt;
  arming_.join();
  if (!*outcome) return fault(outcome->error());
  state_ = State::lit;
  return fmt::format("light; {}", status());
}

std::string ThirdPlace::fault(const Error& error) {
  off();
  state_ = State::faulted;
  return fmt::format("SAFE-OFF: {}; {}", describe(error), status());
}

/// While it is being armed its devices are busy on its way: only cables and the interlock count.
std::optional<Error> ThirdPlace::what_is_wrong() const {
  for (const hal::Rig::Entry& entry : rig_.entries())
    if (entry.device->link() != hal::Link::connected)
      return Error{Code::disconnected,
                   fmt::format("{} is {}", entry.name, hal::to_string(entry.device->link())),
                   entry.device->info().serial,
                   0,
                   {}};
  const auto emission = pump_->emission();
  if (!emission) return emission.error();
  if (*emission == hal::EmissionState::tripped)
    return Error{Code::interlock, "the pump has tripped", pump_->info().serial, 0, {}};
  if (state_ == State::arming) return std::nullopt;
  if (*emission != hal::EmissionState::emitting)
    return Error{
        Code::unsafe_state, fmt::format("the pump is {}", hal::to_string(*emission)), pump_->info().serial, 0, {}};
  if (oven_ != nullptr)
    if (const auto warm = oven_->temperature(); !warm) return warm.error();
  if (shutter_ == nullptr) return std::nullopt;
  const auto state = shutter_->state();
  if (!state) return state.error();
  if (*state != hal::ShutterState::closed) return std::nullopt;
  return Error{Code::unsafe_state, "the shutter closed by itself", shutter_->info().serial, 0, {}};
}

std::string ThirdPlace::status() const {
  std::string text = fmt::format("source {}", to_string(state_));
  const auto emission = pump_->emission();
  text += fmt::format(", pump {}", emission ? hal::to_string(*emission) : "unknown");
  if (oven_ != nullptr) {
    const auto now = oven_->temperature();
    text += now ? fmt::format(", oven {:.2f} C", now->value) : std::string(", oven unknown");
  }
  if (shutter_ == nullptr) return text;
  const auto state = shutter_->state();
  return text + fmt::format(", shutter {}", state ? hal::to_string(*state) : "unknown");
}

}  // namespace nicol::service
