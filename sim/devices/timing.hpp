// SPDX-License-Identifier: Apache-2.0
// Times that both halves of the simulated world must agree on, from the scenario alone.
#pragma once

#include "drivers/hal/rig.hpp"
#include "sim/scenario/scenario.hpp"

namespace nicol::sim {

Picoseconds slot_period(const Scenario& scenario);
/// How long before its slot's start a photon can come (pulses that are wide or early).
Picoseconds earliest_before_slot(const Scenario& scenario);
/// How long after its slot's start the last tag of it can come.
Picoseconds latest_after_slot(const Scenario& scenario);
/// All detectors count as blind so long after a tag: the longest dead time and the jitter that hides its end.
Picoseconds blind_time(const Scenario::Receiver& receiver);
/// Darkness before slot 0 and after the last slot: longer than anything a tag can still change.
Picoseconds quiet_time(const Scenario& scenario);

/// Darkness from the start of a block, or of light after a pause, to the first slot: at least the quiet time and the
/// scenario's lead; with a pulse a second to the next of Alice's seconds.
Picoseconds light_begins(const Scenario& scenario, Picoseconds now);

/// What detection needs to know, with the nominal delays (declared, not measured).
hal::TimingLayout alice_timing(const Scenario& scenario);
hal::TimingLayout bob_timing(const Scenario& scenario);
hal::DeviceModel device_model(const Scenario& scenario);
/// Bob's compensator as the scenario sets it; the stages have the roles compensator_role(0)... Empty: none.
std::vector<hal::CompensatorPlate> compensator_plates(const Scenario& scenario);
std::string compensator_role(std::size_t plate);

}  // namespace nicol::sim
