// SPDX-License-Identifier: Apache-2.0
// What the times between neighbouring clicks of one detector tell of it: when it is alive again, and how often it
// clicks once more without a photon.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "controller/calibration/plate_fit.hpp"
#include "drivers/hal/units.hpp"

namespace nicol::calibration {

/// Where the gaps of pulsed light lie: within `half_width` of multiples of `period`. A period of 0: no pulses.
struct LightComb {
  Picoseconds period, half_width;
};

struct DeadTimeFit {
  Estimate dead_ps;
  std::int64_t shortest_ps = 0;  // gap seen
  /// The gap at which it ends is also one of pulses: no click could show it more closely than their clicks do.
  bool at_a_pulse = false;
};
/// gaps: sorted, ps. `resolution_ps`: one standard deviation of a gap (both clicks' jitter and the tagger's ticks). The
/// posterior's mean and spread for a density that begins at the dead time, smeared by the resolution; a rule that holds
/// from sharp to smeared. Empty for fewer than ten gaps near the shortest.
std::optional<DeadTimeFit> fit_dead_time(std::span<const std::int64_t> gaps, double resolution_ps,
                                         const LightComb& comb);

/// Standard deviation of a gap from the width of the comb's teeth; 0 where there are none.
double gap_resolution(std::span<const std::int64_t> gaps, const LightComb& comb);

struct AfterpulseFit {
  Estimate probability;     // that a click brings another one of its own
  Estimate decay_ps;        // of them, after the dead time
  Estimate background_hz;   // of clicks between the pulses of light
  double significance = 0;  // twice the log-likelihood gained over no afterpulses
  double chi_squared = 0;   // of bins that expect enough
  int degrees = 0;
};
/// gaps: sorted, ps. Poisson maximum likelihood of the hazard r + A exp(-(g - dead)/tau) on 1 ns bins of the first
/// 4 us after the dead time, without the comb's teeth; whatever ends a gap otherwise only takes it out of those at risk
/// (Cox, J. R. Stat. Soc. B 34, 187 (1972)). probability = 1 - exp(-A tau). Empty where hardly a click lies there.
std::optional<AfterpulseFit> fit_afterpulses(std::span<const std::int64_t> gaps, double dead_ps, double resolution_ps,
                                             const LightComb& comb);

}  // namespace nicol::calibration
