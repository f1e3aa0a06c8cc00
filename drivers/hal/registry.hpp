// SPDX-License-Identifier: Apache-2.0
// Drivers are listed by hand: no plug-ins, no static initialisers, no singletons.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/hal/device.hpp"

namespace nicol::hal {

using DeviceArgs = std::map<std::string, std::string, std::less<>>;  // "driver=elliptec,serial=11400517"
Result<DeviceArgs> parse_device_args(std::string_view text);

struct Driver {
  std::string name;
  DeviceKind kind = DeviceKind::rotation_stage;
  /// Passive: looks at descriptors only, opens nothing unless args has probe=1.
  Result<std::vector<DeviceArgs>> (*find)(const DeviceArgs& args, Deadline deadline) = nullptr;
  Result<std::unique_ptr<Device>> (*make)(const DeviceArgs& args) = nullptr;
};

class Registry {
 public:
  Result<void> add(Driver driver);  // refused when the name is taken
  const std::vector<Driver>& drivers() const { return drivers_; }
  /// One driver, or all; a driver whose look fails is listed by "driver" and "error", so that it hides no other.
  Result<std::vector<DeviceArgs>> find(const DeviceArgs& args, Deadline deadline) const;
  /// An exception from a driver's construction comes back as an Error.
  Result<std::unique_ptr<Device>> make(const DeviceArgs& args) const;

 private:
  std::vector<Driver> drivers_;
};

}  // namespace nicol::hal
