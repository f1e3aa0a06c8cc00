// SPDX-License-Identifier: Apache-2.0
// "set.current=0.045" in an entry of rig.devices: what a device is set to when it is made. An instrument that forgets
// its settings, or was used by somebody else, begins as the config says.
#pragma once

#include "drivers/hal/registry.hpp"

namespace nicol::app {

struct DeviceEntry {
  hal::DeviceArgs args;      // for the driver
  hal::DeviceArgs settings;  // by property, without "set."
};
DeviceEntry split_settings(const hal::DeviceArgs& args);

/// In order of their keys. bad_input names a property that the device has not, or a value that is none of its type;
/// else the device's own error.
Result<void> apply_settings(hal::Device& device, const hal::DeviceArgs& settings);

}  // namespace nicol::app
