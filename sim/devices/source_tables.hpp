// SPDX-License-Identifier: Apache-2.0
// What one slot of the source can hold, with all loss up to the best detector already taken: so that only slots in
// which something is left to happen are ever visited.
#pragma once

#include <array>

#include "sim/devices/light.hpp"
#include "sim/scenario/scenario.hpp"

namespace nicol::sim {

/// An event is a herald or at least one surviving photon. Shares are of an event for the brightest state; for the
/// others the photons of an event are kept with probability `keep`.
struct SourceTables {
  double mean_gap = 0;  // -1 / log(1 - P(event)), slots
  double event = 0;
  double herald_and_photon = 0,
         herald_or_photon_only = 0;  // shares: < first: both; < second: photon alone; else herald
  bool all_alike = true;
  std::array<double, 4> keep{};
  /// P(at most 1, 2, ... survivors | at least one), by state.
  std::array<std::array<double, kSlotPhotons>, 4> at_most{};
};
SourceTables make_source_tables(const Scenario::Source& source, double transmittance);

}  // namespace nicol::sim
