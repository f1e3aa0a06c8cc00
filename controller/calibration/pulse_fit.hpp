// SPDX-License-Identifier: Apache-2.0
// Clicks against the discriminator's threshold: where the line's noise ends and where the detector's pulses do.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace nicol::calibration {

/// As long each, with light and without.
struct ThresholdCounts {
  double volts = 0;
  std::uint64_t lit = 0, dark = 0;
};

struct PulseFit {
  double height_v = 0, height_error = 0;  // of half of the pulses; standard errors
  double spread_v = 0, spread_error = 0;  // one standard deviation
  double noise_ends_v = 0;                // the lowest threshold looked at that noise does not cross
  double threshold_v = 0;                 // between noise and pulses; the best one where they overlap
  bool apart = false;                     // nothing but pulses, and all but 3e-5 of them, cross it

  /// Of the pulses.
  double seen_at(double volts) const;
};

/// Rising thresholds. Nothing: no light in it, or no threshold so high that half of the pulses are lost.
std::optional<PulseFit> fit_pulses(std::span<const ThresholdCounts> counts);

/// Where half of the light's clicks are lost, and how far from there an edge may reach: where to look closer. Nothing
/// as above.
struct PulseEdge {
  double begin_v = 0, middle_v = 0, end_v = 0;
};
std::optional<PulseEdge> pulse_edge(std::span<const ThresholdCounts> counts);

}  // namespace nicol::calibration
