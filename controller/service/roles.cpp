// SPDX-License-Identifier: Apache-2.0
#include "controller/service/roles.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

namespace nicol::service {
namespace {

using hal::DeviceKind;
using session::Protocol;
using session::Side;

enum class Number : std::uint8_t { none, needed, allowed };
struct Role {
  std::string_view name;
  DeviceKind kind;
  Number number = Number::allowed;        // "detector-2"
  std::optional<Side> side = {};          // empty: either
  std::optional<Protocol> protocol = {};  // empty: any
};

// Those of the light first; the node only watches over the others, and makes them safe.
constexpr std::array<Role, 18> kRoles{{
    {"source", DeviceKind::photon_source, Number::none, Side::alice, Protocol::bb84},
    {"tagger", DeviceKind::time_tagger, Number::none},
    {"shutter", DeviceKind::shutter, Number::none},
    {"waveplate", DeviceKind::rotation_stage, Number::none, {}, Protocol::bb84},
    {"compensator", DeviceKind::rotation_stage, Number::needed, Side::bob},
    {"detector", DeviceKind::detector, Number::needed, Side::bob},
    {"detector", DeviceKind::detector, Number::needed, Side::alice, Protocol::bbm92},
    {"herald", DeviceKind::detector, Number::allowed, Side::alice, Protocol::bb84},
    {"pump", DeviceKind::photon_source, Number::allowed, Side::alice},
    {"oven", DeviceKind::temperature_controller, Number::none, Side::alice, Protocol::bbm92},
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

/// Where a role may be played; what is empty does not matter.
struct Place {
  std::optional<Side> side;
  std::optional<Protocol> protocol;
  bool has(const Role& role) const {
    return (!side || !role.side || *role.side == *side) && (!protocol || !role.protocol || *role.protocol == *protocol);
  }
};

const Role* find_role(std::string_view text, const Place& place) {
  for (const Role& role : kRoles) {
    if (!text.starts_with(role.name) || !place.has(role)) continue;
    const std::string_view rest = text.substr(role.name.size());
    if (rest.empty() ? role.number != Number::needed : role.number != Number::none && has_number(rest)) return &role;
  }
  return nullptr;
}

std::string roles_of(const Place& place) {
  std::string list, last;
  for (const Role& role : kRoles) {
    if (!place.has(role) || role.name == last) continue;
    last = role.name;
    list += fmt::format("{}{}{}", list.empty() ? "" : ", ", role.name, role.number == Number::needed ? "-0" : "");
  }
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
  const Place here{side, {}};
  if (find_role(text, here) != nullptr) return {};
  return bad(fmt::format("role=… to be one of {} here, not \"{}\"", roles_of(here), text));
}

Result<void> check_role(Side side, Protocol protocol, std::string_view text) {
  const Place here{side, protocol};
  if (find_role(text, here) != nullptr) return {};
  return bad(fmt::format("role=… to be one of {} where {}, not \"{}\"", roles_of(here),
                         protocol == Protocol::bbm92 ? "pairs are shared" : "light is prepared", text));
}

Result<void> check_source_role(std::string_view text) {
  // Not "pump-2": what would it be for?
  for (const std::string_view role : {"pump", "oven", "shutter", "thermostat", "power-meter"})
    if (text == role) return {};
  return bad(
      fmt::format("role=… to be one of pump, oven, shutter, thermostat, power-meter at a source, not \"{}\"", text));
}

Result<void> check_source_cast(const hal::Rig& rig) {
  return needs<hal::PhotonSource>(rig, "pump", "the laser before the crystal");
}

Result<void> check_player(std::string_view text, const hal::Device& device) {
  const Role* role = find_role(text, {});
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

namespace {

/// "detector-3" is 3.
std::size_t number_of(std::string_view role) {
  std::size_t n = 0;
  for (const char c : role.substr(role.find('-') + 1)) n = 10 * n + static_cast<std::size_t>(c - '0');
  return n;
}

/// Both sides of a pair link measure: the tagger sees all of the receiver's detectors, and no detector is one too many.
Result<void> check_receiver_of_pairs(const hal::Rig& rig) {
  if (auto there = needs<hal::TimeTagger>(rig, "tagger", "a time tagger: both sides of a pair link measure"); !there)
    return there;
  if (rig.receiver != hal::ReceiverKind::passive)
    return bad("pairs need a passive receiver on both sides: no slot says which basis was set");
  std::size_t detectors = 0, last = 0;
  for (const hal::ChannelLayout& c : rig.timing.channels) {
    if (c.role != hal::ChannelRole::detector) continue;
    ++detectors;
    last = std::max<std::size_t>(last, c.channel);
  }
  const hal::TimeTagger& tagger = *rig.find<hal::TimeTagger>("tagger");
  if (const std::size_t channels = tagger.caps().channels; channels <= last)
    return bad(fmt::format("role=tagger: {} {} has {} channels, this receiver's {} detectors need {}",
                           tagger.info().driver, tagger.info().serial, channels, detectors, last + 1));
  for (const hal::Rig::Entry& entry : rig.entries())
    if (entry.role.starts_with("detector-") && number_of(entry.role) >= detectors)
      return bad(fmt::format("role={}: this receiver has {} detectors, from detector-0", entry.role, detectors));
  return {};
}

Result<void> check_pairs(Side side, const hal::Rig& rig) {
  if (auto receives = check_receiver_of_pairs(rig); !receives) return receives;
  if (side == Side::alice && rig.find<hal::PhotonSource>("pump") == nullptr && rig.find<hal::Device>("oven") != nullptr)
    return bad(
        "role=oven: expected a device with role=pump beside it; where the source stands at a third place, both belong "
        "to `nicol source`, and an oven that is only watched has role=thermostat");
  return {};
}

Result<void> check_prepared(Side side, const hal::Rig& rig) {
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
  if (rig.receiver == hal::ReceiverKind::active) return needs<hal::RotationStage>(rig, "waveplate", "a mount");
  return {};
}

}  // namespace

Result<void> check_cast(Side side, Protocol protocol, const hal::Rig& rig) {
  auto whole = protocol == Protocol::bbm92 ? check_pairs(side, rig) : check_prepared(side, rig);
  if (!whole) return whole;
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
