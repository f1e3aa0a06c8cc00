// SPDX-License-Identifier: Apache-2.0
// The peak of a detector's arrival times, and whether those of two detectors are alike.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "controller/calibration/plate_fit.hpp"
#include "drivers/hal/units.hpp"

namespace nicol::calibration {

struct PeakFit {
  Estimate centre_ps;            // of the Gaussian
  Estimate width_ps;             // its standard deviation
  Estimate tail_share, tail_ps;  // of clicks that come later by an exponential; 0 where none stands out
  Estimate background;           // clicks a nanosecond
  bool has_tail = false;
  double chi_squared = 0;
  int degrees = 0;
};

/// off_ps: arrivals after the middle of the gate, anywhere in the slot. Coarsely the richest nanosecond of the whole
/// slot (which is a ring); then background and a Gaussian of which a share comes later by an exponential, by Poisson
/// maximum likelihood. Empty where no peak stands out of the background.
std::optional<PeakFit> fit_peak(std::span<const std::int32_t> off_ps, Picoseconds period);

/// Chance that two detectors' arrivals within `half_width` of their centres differ so much by chance: chi-square of
/// detector against time, in up to 16 bins of equal population. 1 where there are too few.
double alike(std::span<const std::int32_t> one, double centre_one, std::span<const std::int32_t> other,
             double centre_other, Picoseconds half_width, Picoseconds period);

}  // namespace nicol::calibration
