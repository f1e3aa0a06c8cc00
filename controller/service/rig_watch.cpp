// SPDX-License-Identifier: Apache-2.0
#include "controller/service/rig_watch.hpp"

#include <fmt/format.h>

#include "controller/service/rig_preparation.hpp"

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
std::optional<std::string> fell_back(hal::Device& device) {
  if (auto* shutter = dynamic_cast<hal::Shutter*>(&device)) {
    const auto state = shutter->state();
    if (!state) return describe(state.error());
    if (*state == hal::ShutterState::closed) return "the shutter is closed";
  }
  if (auto* detector = dynamic_cast<hal::Detector*>(&device))
    if (!detector->enabled()) return "the detector is switched off";
  return std::nullopt;
}

}  // namespace

bool is_glitch(const Error& error) noexcept {
  switch (error.code) {
    case Code::timeout:
    case Code::overflow:
    case Code::disconnected:
    case Code::not_homed:
    case Code::interlock:
    case Code::limit_switch:
    case Code::motion_fault:
    case Code::checksum:
    case Code::hardware_fault:
    case Code::cancelled:
    case Code::unsafe_state:
      return true;
    default:
      return false;
  }
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
  for (const hal::Rig::Entry& entry : rig_->entries())
    if (auto what = fell_back(*entry.device))
      return fault_of(entry, {Code::unsafe_state, *std::move(what), entry.name, 0, {}});
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
