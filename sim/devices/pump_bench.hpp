// SPDX-License-Identifier: Apache-2.0
// What stands before the crystal: pump laser, oven and shutter; together they say how many pairs are made.
#pragma once

#include <string>

#include "sim/devices/controls.hpp"
#include "sim/devices/pump_laser.hpp"
#include "sim/devices/shutter.hpp"
#include "sim/scenario/scenario.hpp"

namespace nicol::sim {

/// All outlive its use.
struct PumpBench {
  const PumpLaser* pump = nullptr;
  TemperatureController* oven = nullptr;
  const Shutter* shutter = nullptr;
};

/// Pairs made a second at this instant: pump power times what the crystal's temperature leaves of phase matching.
double pairs_per_second(const PumpBench& bench, const Scenario::Source::Pairs& source, Picoseconds t);

/// A diode that reaches the scenario's pump power in the middle of its range, set for it.
PumpLaserConfig pump_config(const Scenario::Source::Pairs& source);
TemperatureConfig oven_config(const Scenario::Source::Pairs& source);

}  // namespace nicol::sim
