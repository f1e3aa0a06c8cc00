// SPDX-License-Identifier: Apache-2.0
#include "firmware-protocol/safety.hpp"

#include <algorithm>

namespace nicol::fw {

void Safety::begin_session(std::uint64_t now_ms) noexcept {
  // Whoever had it lit is gone: a host that starts anew must not find light it never asked for.
  if (lit()) trip(kFaultLinkLost, 0, now_ms);
  nonce_.reset();
  watchdog_ms_ = kDefaultWatchdogMs;
  watching_ = true;
  heard_ms_ = heard_since_ms_ = now_ms;
}

void Safety::link_lost(std::uint64_t now_ms) noexcept {
  trip(kFaultLinkLost, 0, now_ms);
  watching_ = false;
}

void Safety::alive(std::uint64_t now_ms) noexcept {
  if (!watching_ || now_ms - heard_ms_ > kFreshGapMs) heard_since_ms_ = now_ms;
  watching_ = true;
  heard_ms_ = now_ms;
}

void Safety::poll(std::uint64_t now_ms) noexcept {
  if (watching_ && now_ms - heard_ms_ >= watchdog_ms_) link_lost(now_ms);
  if (lit() && !loops_closed()) trip(kFaultInterlock, 0, now_ms);
  if (board_->hardware_ok() == Done::no && (faults_ & kFaultHardware) == 0) trip(kFaultHardware, 0, now_ms);
  if (state_ == Emission::armed && now_ms - armed_ms_ >= kEnableWithinMs) go_dark();
  if (const auto detector = rates_.poll(now_ms)) trip(kFaultOverRate, static_cast<std::uint16_t>(*detector), now_ms);
}

bool Safety::loops_closed() noexcept { return board_->interlock() != Loop::open && board_->key_switch() != Loop::open; }

std::uint64_t Safety::fresh_nonce() noexcept {
  nonce_ = board_->random();
  return *nonce_;
}

Refused Safety::arm(std::uint64_t nonce, std::uint64_t now_ms) noexcept {
  const bool right = nonce_ == nonce;
  nonce_.reset();
  if (board_->description().source.max_slot_ps == 0) return refuse(Nack::unsupported);
  if (faults_ != 0) return refuse(Nack::fault_latched, faults_);
  if (state_ != Emission::off) return refuse(Nack::busy);
  if (!loops_closed()) return refuse(Nack::interlock_open);
  if (!right) return refuse(Nack::bad_value);
  const std::uint64_t heard_for = heard_ms_ - heard_since_ms_;
  if (heard_for < kFreshMs) return refuse(Nack::busy, kFreshMs - heard_for);
  state_ = Emission::armed;
  armed_ms_ = now_ms;
  return {};
}

Refused Safety::enable() noexcept {
  if (faults_ != 0) return refuse(Nack::fault_latched, faults_);
  if (state_ == Emission::emitting) return {};
  if (state_ != Emission::armed) return refuse(Nack::not_armed);
  if (!loops_closed()) return refuse(Nack::interlock_open);
  state_ = Emission::emitting;
  board_->emission(Switch::on);
  return {};
}

void Safety::go_dark() noexcept {
  board_->emission(Switch::off);
  state_ = Emission::off;
}

void Safety::disable() noexcept {
  go_dark();
  board_->stop_pattern();
  board_->clear_pattern();
}

void Safety::trip(Faults faults, std::uint16_t detail, std::uint64_t now_ms) noexcept {
  const Description& d = board_->description();
  go_dark();
  for (std::size_t k = 0; k < d.shutters; ++k) board_->shutter(k, Gate::closed);
  for (std::size_t k = 0; k < d.attenuators; ++k) board_->attenuator_maximum(k);
  board_->stop_pattern();
  board_->clear_pattern();
  for (std::size_t k = 0; k < d.axis_count; ++k) board_->hold(k);
  for (std::size_t k = 0; k < d.detectors.count; ++k) board_->detector(k, Switch::off);
  light_ = Light::off;
  board_->light_level(Light::off);
  nonce_.reset();
  if ((faults & ~faults_) != 0) event_ = ErrorEvent{faults, detail, static_cast<std::uint32_t>(now_ms)};
  faults_ |= faults;
}

Refused Safety::clear_fault(Faults these) noexcept {
  const Faults named = faults_ & these;
  if ((named & kFaultInterlock) != 0 && !loops_closed()) return refuse(Nack::interlock_open);
  if ((named & kFaultHardware) != 0 && board_->hardware_ok() == Done::no)
    return refuse(Nack::fault_latched, kFaultHardware);
  faults_ = static_cast<Faults>(faults_ & ~these);
  // The host knows those that it names: told afterwards they would look latched again.
  if (event_) event_->faults = static_cast<Faults>(event_->faults & ~these);
  if (event_ && event_->faults == 0) event_.reset();
  return {};
}

Refused Safety::set_watchdog(std::int64_t ms) noexcept {
  const Description& d = board_->description();
  if (ms < d.watchdog_min_ms || ms > d.watchdog_max_ms) return refuse(Nack::bad_value);
  if (lit() && ms > watchdog_ms_) return refuse(Nack::unsafe);
  watchdog_ms_ = static_cast<std::uint32_t>(ms);
  return {};
}

Refused Safety::set_light(std::int64_t level) noexcept {
  if (level < 0 || level > static_cast<std::int64_t>(Light::quantum)) return refuse(Nack::bad_value);
  const auto light = static_cast<Light>(level);
  if (light == Light::alignment && any_detector_on()) return refuse(Nack::unsafe);
  light_ = light;
  board_->light_level(light);
  return {};
}

Refused Safety::set_shutter(std::size_t shutter, Gate gate) noexcept {
  if (gate == Gate::open && faults_ != 0) return refuse(Nack::fault_latched, faults_);
  board_->shutter(shutter, gate);
  return {};
}

Refused Safety::set_detector(std::size_t detector, Switch to) noexcept {
  if (to == Switch::on && faults_ != 0) return refuse(Nack::fault_latched, faults_);
  if (to == Switch::on && light_ == Light::alignment) return refuse(Nack::unsafe);
  board_->detector(detector, to);
  return {};
}

bool Safety::any_detector_on() noexcept {
  for (std::size_t k = 0; k < board_->description().detectors.count; ++k)
    if (board_->detector(k) == Switch::on) return true;
  return false;
}

std::optional<ErrorEvent> Safety::take_event() noexcept {
  const auto event = event_;
  event_.reset();
  return event;
}

}  // namespace nicol::fw
