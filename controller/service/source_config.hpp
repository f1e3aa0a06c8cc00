// SPDX-License-Identifier: Apache-2.0
// The file of a source at a third place: simulated, or the devices that it has.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "controller/service/rig_devices.hpp"

namespace nicol::service {

struct SourceConfig {
  std::filesystem::path file;
  std::string scenario;            // with `pump`: simulated
  std::filesystem::path pump;      // the socket that Alice's rig.pump names
  std::vector<RigDevice> devices;  // real: exactly one of both
};

/// Relative paths are taken from the file's folder. bad_input with file, line, field and what was expected.
Result<SourceConfig> load_source_config(const std::filesystem::path& file);

}  // namespace nicol::service
