// SPDX-License-Identifier: Apache-2.0
// A rig of real devices: each entry of rig.devices goes through its driver and takes its role; what the optics are is
// said by a scenario file, as declared by its author.
#pragma once

#include <memory>
#include <vector>

#include "controller/service/config.hpp"
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

/// All entries through `registry`; the first that fails is named with its place: a device that cannot be had, or whose
/// kind cannot play its role (bad_input).
Result<void> add_devices(hal::Rig& rig, const hal::Registry& registry, const std::vector<service::RigDevice>& devices);
session::Protocol protocol_of(const sim::Scenario& link);
/// Every entry has a role that such a link knows on this side; else bad_input with its place.
Result<void> check_roles(session::Side side, session::Protocol protocol,
                         const std::vector<service::RigDevice>& devices);
/// Timing, receiver, compensator and model as the scenario declares them; a steady clock.
std::unique_ptr<hal::Rig> declared_rig(session::Side side, const sim::Scenario& link);
/// Both, over the drivers of this build. bad_input where a role is empty that the node cannot do without.
Result<std::unique_ptr<hal::Rig>> make_device_rig(session::Side side, const sim::Scenario& link,
                                                  const std::vector<service::RigDevice>& devices);

}  // namespace nicol::app
