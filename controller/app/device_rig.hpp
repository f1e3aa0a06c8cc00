// SPDX-License-Identifier: Apache-2.0
// A rig of real devices: each entry of rig.devices goes through its driver and takes its role; what the optics are is
// said by a scenario file, as declared by its author.
#pragma once

#include <memory>
#include <vector>

#include "controller/session/session.hpp"
#include "drivers/hal/registry.hpp"
#include "drivers/hal/rig.hpp"
#include "drivers/transport/hub.hpp"
#include "sim/scenario/scenario.hpp"

namespace nicol::app {

/// The drivers of this program and what they share. Outlives the devices it makes.
struct Instruments {
  transport::Hub hub;
  hal::Registry registry;
};
/// Every driver of this build.
Result<std::unique_ptr<Instruments>> make_instruments();

/// All entries through `registry`; the first that fails is named, and none is kept. Each needs "driver" and "role".
Result<void> add_devices(hal::Rig& rig, const hal::Registry& registry, const std::vector<hal::DeviceArgs>& devices);
/// Timing, receiver, compensator and model as the scenario declares them; a steady clock.
std::unique_ptr<hal::Rig> declared_rig(session::Side side, const sim::Scenario& link);
/// Both, over the drivers of this build.
Result<std::unique_ptr<hal::Rig>> make_device_rig(session::Side side, const sim::Scenario& link,
                                                  const std::vector<hal::DeviceArgs>& devices);

}  // namespace nicol::app
