// SPDX-License-Identifier: Apache-2.0
#include "controller/service/rig_watch.hpp"

#include <fmt/format.h>

#include "controller/service/rig_preparation.hpp"
#include "controller/service/roles.hpp"

namespace nicol::service {
namespace {

constexpr std::chrono::milliseconds kLinks{50}, kSettings{100};

Doubt doubt_of(std::string_view role) {
  if (role == "source") return Doubt::source;
  return role == "tagger" ? Doubt::tagger : Doubt::rig;
}

RigFault fault_of(const hal::Rig::Entry& entry, Error error) {
  return {entry.name, entry.device->info().serial, doubt_of(entry.role), std::move(error)};
}

/// A device that came back between two looks comes back closed and switched off.
std::optional<Error> fell_back(const hal::Rig& rig, const hal::Rig::Entry& entry) {
  const auto off = [&](std::string what) { return Error{Code::unsafe_state, std::move(what), entry.name, 0, {}}; };
  if (opens_for_light(entry)) {
    const auto state = dynamic_cast<hal::Shutter&>(*entry.device).state();
    if (!state) return off(describe(state.error()));
    if (*state == hal::ShutterState::closed) return off("the shutter is closed");
  }
  if (counts_light(rig, entry) && !dynamic_cast<hal::Detector&>(*entry.device).enabled())
    return off("the detector is switched off");
  return std::nullopt;
}

/// The pump of a pair source shines behind a shutter all block long: nobody else would miss its light. A source that
/// prepares slots says itself when they do not leave.
std::optional<RigFault> went_dark(const hal::Rig& rig) {
  if (rig.find<hal::PulsedSource>("source") != nullptr) return std::nullopt;
  for (const hal::Rig::Entry& entry : rig.entries()) {
    auto* pump = entry.role == "pump" ? dynamic_cast<hal::PhotonSource*>(entry.device.get()) : nullptr;
    if (pump == nullptr) continue;
    const auto emission = pump->emission();
    if (emission && *emission == hal::EmissionState::emitting) continue;
    const bool tripped = emission && *emission == hal::EmissionState::tripped;
    return fault_of(entry, {tripped ? Code::interlock : Code::unsafe_state,
                            emission ? fmt::format("the pump is {}", to_string(*emission)) : describe(emission.error()),
                            entry.name,
                            0,
                            {}});
  }
  return std::nullopt;
}

}  // namespace

bool is_glitch(const Error& error) noexcept {
  switch (error.code) {
    // The cable or the line: every call fails so after an unplug, and a transfer that was under way when it came fails
    // as io, timeout or checksum before the link is seen to be gone. Plugging in, or asking again, heals it.
    case Code::disconnected:
    case Code::io:
    case Code::timeout:
    case Code::checksum:
    // The device is there and cannot now: too much at once, on its way, stopped, made safe. Waiting, homing, closing
    // the interlock or arming heals it.
    case Code::busy:
    case Code::overflow:
    case Code::not_homed:
    case Code::motion_fault:
    case Code::limit_switch:
    case Code::interlock:
    case Code::unsafe_state:
    case Code::hardware_fault:
    case Code::cancelled:
      return true;
    // Too much light: a person must find it first.
    case Code::over_rate:
    // The same question would get the same answer: a wrong rig, firmware, permission or program.
    case Code::not_found:
    case Code::access_denied:
    case Code::not_supported:
    case Code::out_of_range:
    case Code::protocol:
    case Code::incompatible_firmware:
    case Code::internal:
    case Code::bad_input:
    // Not the device's: this node's own memory, store or peer.
    case Code::locked_memory:
    case Code::authentication:
    case Code::exhausted:
    case Code::refused:
      return false;
  }
  return false;
}

std::optional<Error> over_rate_of(hal::Detector& detector) {
  auto rate = detector.rate();
  if (rate || rate.error().code != Code::over_rate) return std::nullopt;
  return std::move(rate).error();
}

session::PauseReason pause_reason(const Error& error) noexcept {
  switch (error.code) {
    case Code::disconnected:
      return session::PauseReason::unplugged;
    case Code::overflow:
      return session::PauseReason::overflow;
    default:
      return session::PauseReason::unconfirmed;
  }
}

std::optional<RigFault> RigWatch::unplugged() const {
  for (const hal::Rig::Entry& entry : rig_->entries()) {
    const hal::Link link = entry.device->link();
    if (link != hal::Link::connected)
      return fault_of(entry,
                      {Code::disconnected, fmt::format("{} is {}", entry.name, to_string(link)), entry.name, 0, {}});
  }
  return std::nullopt;
}

std::optional<RigFault> RigWatch::unsettled(Expect expect) const {
  if (expect == Expect::unused) return std::nullopt;
  if (auto ok = confirm_compensator(*rig_); !ok) {
    for (const hal::CompensatorPlate& plate : rig_->compensator)
      for (const hal::Rig::Entry& entry : rig_->entries())
        if (entry.role == plate.role && entry.device->info().serial == ok.error().device)
          return fault_of(entry, ok.error());
    return RigFault{ok.error().device, {}, Doubt::rig, ok.error()};
  }
  if (expect == Expect::dark) return std::nullopt;
  if (auto bright = blinded()) return bright;
  if (auto dark = went_dark(*rig_)) return dark;
  for (const hal::Rig::Entry& entry : rig_->entries())
    if (auto error = fell_back(*rig_, entry)) return fault_of(entry, *std::move(error));
  return std::nullopt;
}

/// A receiver that met too much light is shut as a whole: that is asked before its shutter is.
std::optional<RigFault> RigWatch::blinded() const {
  for (const hal::Rig::Entry& entry : rig_->entries()) {
    if (!counts_light(*rig_, entry)) continue;
    auto& detector = dynamic_cast<hal::Detector&>(*entry.device);
    if (detector.enabled()) continue;
    if (auto error = over_rate_of(detector)) return fault_of(entry, *std::move(error));
  }
  return std::nullopt;
}

bool RigWatch::stands(Expect expect) const {
  for (const hal::Rig::Entry& entry : rig_->entries())
    if (doubt_of(entry.role) == Doubt::rig && entry.device->link() != hal::Link::connected) return false;
  return !unsettled(expect).has_value();
}

RigWatch::Look RigWatch::look(Expect expect) {
  if (!deadlines_->passed(links_due_)) return {};
  if (deadlines_->passed(settings_due_)) return look_now(expect);
  links_due_ = deadlines_->in(kLinks);
  return {unplugged(), false};
}

RigWatch::Look RigWatch::look_now(Expect expect) {
  links_due_ = deadlines_->in(kLinks);
  settings_due_ = deadlines_->in(kSettings);
  if (auto fault = unplugged()) return {std::move(fault), false};
  if (auto fault = unsettled(expect)) return {std::move(fault), false};
  return {std::nullopt, true};
}

}  // namespace nicol::service
