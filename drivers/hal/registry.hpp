// SPDX-License-Identifier: Apache-2.0
// Drivers are listed by hand: no plug-ins, no static initialisers, no singletons.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/hal/device.hpp"

namespace nicol::hal {

using DeviceArgs = std::map<std::string, std::string, std::less<>>;  // "driver=elliptec,serial=11400517"
Result<DeviceArgs> parse_device_args(std::string_view text);
/// What stands under `key`, or `otherwise` where nothing does.
std::string argument(const DeviceArgs& args, std::string_view key, std::string_view otherwise = {});

/// The functions hold whatever the driver shares among its devices (a bus, a USB context), by reference.
struct Driver {
  std::string name;
  std::vector<DeviceKind> kinds;
  /// Passive: looks at descriptors only, opens nothing unless args has probe=1. Each entry has "driver" and, as far as
  /// known, "model", "serial", "port", "unit"; where a permission is missing "missing" says which and how to get it.
  std::function<Result<std::vector<DeviceArgs>>(const DeviceArgs& args, Deadline deadline)> find;
  std::function<Result<std::unique_ptr<Device>>(const DeviceArgs& args)> make;
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
