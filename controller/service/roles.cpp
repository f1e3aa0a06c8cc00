// SPDX-License-Identifier: Apache-2.0
#include "controller/service/roles.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

namespace nicol::service {
namespace {

using hal::DeviceKind;
using session::Side;

enum class Number : std::uint8_t { none, needed, allowed };
struct Role {
  std::string_view name;
  DeviceKind kind;
  Number number = Number::allowed;  // "detector-2"
  std::optional<Side> side = {};    // empty: either
};

// Those of the light first; the node only watches over the others, and makes them safe.
constexpr std::array<Role, 16> kRoles{{
    {"source", DeviceKind::photon_source, Number::none, Side::alice},
    {"tagger", DeviceKind::time_tagger, Number::none},
    {"shutter", DeviceKind::shutter, Number::none},
    {"waveplate", DeviceKind::rotation_stage, Number::none},
    {"compensator", DeviceKind::rotation_stage, Number::needed, Side::bob},
    {"detector", DeviceKind::detector, Number::needed, Side::bob},
    {"herald", DeviceKind::detector, Number::allowed, Side::alice},
    {"pump", DeviceKind::photon_source, Number::allowed, Side::alice},
    {"flip-mirror", DeviceKind::shutter},
    {"stage", DeviceKind::rotation_stage},
    {"polarization-controller", DeviceKind::polarization_controller},
    {"attenuator", DeviceKind::attenuator},
    {"power-meter", DeviceKind::power_meter},
    {"counter", DeviceKind::counter},
    {"thermostat", DeviceKind::temperature_controller},
    {"io", DeviceKind::digital_io},
}};

bool has_number(std::string_view rest) {
  return rest.size() > 1 && rest.size() < 5 && rest.front() == '-' &&
         std::all_of(rest.begin() + 1, rest.end(), [](char c) { return c >= '0' && c <= '9'; });
}

const Role* find_role(std::string_view text) {
  for (const Role& role : kRoles) {
    if (!text.starts_with(role.name)) continue;
    const std::string_view rest = text.substr(role.name.size());
    if (rest.empty() ? role.number != Number::needed : role.number != Number::none && has_number(rest)) return &role;
  }
  return nullptr;
}

std::string roles_of(Side side) {
  std::string list;
  for (const Role& role : kRoles)
    if (!role.side || *role.side == side)
      list += fmt::format("{}{}{}", list.empty() ? "" : ", ", role.name, role.number == Number::needed ? "-0" : "");
  return list;
}

Error bad(std::string what) { return {Code::bad_input, std::move(what), "", 0, {}}; }

template <class T>
Result<void> needs(const hal::Rig& rig, std::string_view role, std::string_view what) {
  if (rig.find<T>(role) != nullptr) return {};
  return bad(fmt::format("expected a device with role={} ({}): nothing works without it", role, what));
}

}  // namespace

Result<void> check_role(Side side, std::string_view text) {
  const Role* role = find_role(text);
  if (role != nullptr && (!role->side || *role->side == side)) return {};
  return bad(fmt::format("role=… to be one of {} here, not \"{}\"", roles_of(side), text));
}

Result<void> check_player(std::string_view text, const hal::Device& device) {
  const Role* role = find_role(text);
  if (role == nullptr) return bad(fmt::format("there is no role \"{}\"", text));
  const hal::DeviceInfo info = device.info();
  if (device.kind() != role->kind)
    return bad(fmt::format("role={}: expected a {}, {} {} is a {}", text, to_string(role->kind), info.driver,
                           info.serial, to_string(device.kind())));
  if (role->name == "source" && dynamic_cast<const hal::PulsedSource*>(&device) == nullptr)
    return bad(fmt::format("role={}: expected a source that prepares slots, {} {} is a laser (role=pump)", text,
                           info.driver, info.serial));
  return {};
}

Result<void> check_cast(Side side, const hal::Rig& rig) {
  if (side == Side::alice) {
    if (auto there = needs<hal::PulsedSource>(rig, "source", "a pulsed source"); !there) return there;
    const hal::SourceCaps caps = rig.find<hal::PulsedSource>("source")->caps();
    if (caps.source == hal::SourceKind::heralded)
      if (auto there = needs<hal::TimeTagger>(rig, "tagger", "for the heralds"); !there) return there;
    if (caps.record == hal::PreparationRecord::motor_setting)
      return needs<hal::RotationStage>(rig, "waveplate", "a mount");
    return {};
  }
  if (auto there = needs<hal::TimeTagger>(rig, "tagger", "a time tagger"); !there) return there;
  if (rig.receiver == hal::ReceiverKind::active)
    if (auto there = needs<hal::RotationStage>(rig, "waveplate", "a mount"); !there) return there;
  for (const hal::CompensatorPlate& plate : rig.compensator)
    if (auto there = needs<hal::RotationStage>(rig, plate.role, "a mount"); !there) return there;
  return {};
}

bool opens_for_light(const hal::Rig::Entry& entry) noexcept {
  return entry.role == "shutter" && dynamic_cast<hal::Shutter*>(entry.device.get()) != nullptr;
}

bool counts_light(const hal::Rig& rig, const hal::Rig::Entry& entry) noexcept {
  return rig.receiver != hal::ReceiverKind::none && entry.role.starts_with("detector-") &&
         dynamic_cast<hal::Detector*>(entry.device.get()) != nullptr;
}

}  // namespace nicol::service
