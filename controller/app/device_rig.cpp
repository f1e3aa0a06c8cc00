// SPDX-License-Identifier: Apache-2.0
#include "controller/app/device_rig.hpp"

#include <fmt/format.h>

#include "controller/app/device_settings.hpp"
#include "controller/app/key_file_seal.hpp"
#include "controller/service/roles.hpp"
#include "drivers/catalogue/register_all.hpp"
#include "sim/devices/timing.hpp"

namespace nicol::app {
namespace {

std::string text_of(const hal::DeviceArgs& args) {
  std::string text;
  for (const auto& [key, value] : args) text += fmt::format("{}{}={}", text.empty() ? "" : ",", key, value);
  return text;
}

/// The entry of the role that an error names; of a role that is missing, where the list begins.
std::string place_of(const Error& error, const std::vector<service::RigDevice>& devices) {
  for (const service::RigDevice& entry : devices)
    if (error.message.find(fmt::format("role={}:", hal::argument(entry.args, "role"))) != std::string::npos)
      return entry.place;
  return devices.empty() ? std::string("rig.devices") : devices.front().place;
}

}  // namespace

Result<std::unique_ptr<Instruments>> make_instruments() {
  auto instruments = std::make_unique<Instruments>();
  if (auto r = register_all(instruments->registry, instruments->hub, key_file_seal); !r) return std::move(r).error();
  return instruments;
}

Result<void> add_devices(hal::Rig& rig, const hal::Registry& registry, const std::vector<service::RigDevice>& devices) {
  for (const service::RigDevice& entry : devices) {
    const auto bad = [&](Code code, const std::string& why) {
      return Error{code, fmt::format("{} \"{}\": {}", entry.place, text_of(entry.args), why), "", 0, {}};
    };
    const auto role = entry.args.find("role");
    if (role == entry.args.end()) return bad(Code::bad_input, "expected a role=…");
    const DeviceEntry split = split_settings(entry.args);
    auto device = registry.make(split.args);
    if (!device) return bad(device.error().code, describe(device.error()));
    if (auto fits = service::check_player(role->second, **device); !fits)
      return bad(fits.error().code, describe(fits.error()));
    if (auto set = apply_settings(**device, split.settings); !set) return bad(set.error().code, describe(set.error()));
    rig.add(role->second, role->second, *std::move(device));
  }
  return {};
}

session::Protocol protocol_of(const sim::Scenario& link) {
  return link.protocol.kind == sim::ProtocolKind::bbm92 ? session::Protocol::bbm92 : session::Protocol::bb84;
}

Result<void> check_roles(session::Side side, session::Protocol protocol,
                         const std::vector<service::RigDevice>& devices) {
  for (const service::RigDevice& entry : devices)
    if (auto r = service::check_role(side, protocol, hal::argument(entry.args, "role")); !r)
      return Error{r.error().code, fmt::format("{}: expected {}", entry.place, r.error().message), "", 0, {}};
  return {};
}

std::unique_ptr<hal::Rig> declared_rig(session::Side side, const sim::Scenario& link) {
  auto rig = std::make_unique<hal::Rig>();
  const bool alice = side == session::Side::alice;
  rig->clock = make_steady_rig_clock();
  rig->timing = alice ? sim::alice_timing(link) : sim::bob_timing(link);
  rig->model = sim::device_model(link);
  rig->model.simulated = false;
  if (!alice) {
    rig->receiver = link.receiver.kind;
    rig->compensator = sim::compensator_plates(link);
  } else if (sim::makes_pairs(link.source.type)) {
    rig->receiver = link.alice.receiver.kind;
  }
  rig->description = fmt::format("{} on devices, optics as in {}", alice ? "Alice" : "Bob", link.name);
  return rig;
}

Result<std::unique_ptr<hal::Rig>> make_device_rig(session::Side side, const sim::Scenario& link,
                                                  const std::vector<service::RigDevice>& devices) {
  auto instruments = make_instruments();
  if (!instruments) return std::move(instruments).error();
  const session::Protocol protocol = protocol_of(link);
  if (auto r = check_roles(side, protocol, devices); !r) return std::move(r).error();
  auto rig = declared_rig(side, link);
  const hal::Registry& registry = (*instruments)->registry;
  rig->world = std::shared_ptr<Instruments>(*std::move(instruments));  // goes after the devices
  if (auto r = add_devices(*rig, registry, devices); !r) return std::move(r).error();
  if (auto r = service::check_cast(side, protocol, *rig); !r)
    return Error{r.error().code, fmt::format("{}: {}", place_of(r.error(), devices), r.error().message), "", 0, {}};
  return rig;
}

}  // namespace nicol::app
