// SPDX-License-Identifier: Apache-2.0
#include "controller/app/device_rig.hpp"

#include <fmt/format.h>

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
    auto device = registry.make(entry.args);
    if (!device) return bad(device.error().code, describe(device.error()));
    if (auto fits = service::check_player(role->second, **device); !fits)
      return bad(fits.error().code, describe(fits.error()));
    rig.add(role->second, role->second, *std::move(device));
  }
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
  }
  rig->description = fmt::format("{} on devices, optics as in {}", alice ? "Alice" : "Bob", link.name);
  return rig;
}

Result<std::unique_ptr<hal::Rig>> make_device_rig(session::Side side, const sim::Scenario& link,
                                                  const std::vector<service::RigDevice>& devices) {
  auto instruments = make_instruments();
  if (!instruments) return std::move(instruments).error();
  auto rig = declared_rig(side, link);
  const hal::Registry& registry = (*instruments)->registry;
  rig->world = std::shared_ptr<Instruments>(*std::move(instruments));  // goes after the devices
  if (auto r = add_devices(*rig, registry, devices); !r) return std::move(r).error();
  if (auto r = service::check_cast(side, *rig); !r) {
    const std::string file = devices.empty() ? std::string("rig.devices") : devices.front().place;
    return Error{r.error().code, fmt::format("{}: {}", file, r.error().message), "", 0, {}};
  }
  return rig;
}

}  // namespace nicol::app
