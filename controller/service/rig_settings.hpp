// SPDX-License-Identifier: Apache-2.0
// What people set on devices outlives a pulled cable: a device that comes back with other persistent properties gets
// its own again, and is asked whether it took them, before light goes on.
#pragma once

#include <map>
#include <string>

#include "drivers/hal/rig.hpp"

namespace nicol::service {

class RigSettings {
 public:
  /// Every device holds what it held when first asked; one that never was is
  /// remembered now. What differs is set again and
  /// read back. hardware_fault names device, property and both values; else the device's own error.
  Result<void> hold(const hal::Rig& rig);

 private:
  static Result<void> bring_back(hal::Device& device, const std::string& name, const hal::State& wanted);
  std::map<std::string, hal::State> wanted_;  // by the device's name in the rig
};

}  // namespace nicol::service
