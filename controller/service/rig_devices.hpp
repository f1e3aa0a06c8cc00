// SPDX-License-Identifier: Apache-2.0
// rig.devices of a config file: one line a device, its role, its driver, and what the driver must know to find it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "controller/service/toml_table.hpp"
#include "drivers/hal/registry.hpp"

namespace nicol::service {

/// One entry of rig.devices, and where it stands, as errors begin.
struct RigDevice {
  hal::DeviceArgs args;
  std::string place = "rig.devices";
};

/// Empty where there is none. An entry without role= or driver=, a role given twice, and a role that `check` refuses
/// fail the table; whoever reads on sees that in done().
using RoleCheck = std::function<Result<void>(std::string_view role)>;
std::vector<RigDevice> read_devices(TomlTable& rig, const RoleCheck& check);

}  // namespace nicol::service
