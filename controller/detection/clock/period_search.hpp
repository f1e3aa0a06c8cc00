// SPDX-License-Identifier: Apache-2.0
// Stage 1 of the lock: the pulse period and phase from arrival times alone, by the largest line of their periodogram.
#pragma once

#include <complex>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "controller/detection/clock/arrival_phase.hpp"

namespace nicol::detection {

/// Time in units of the stream. Slots first + k start at epoch + phase + k * nominal * (1 + offset) + bend * s^2 for k
/// around 0 and s units from the epoch; phase and offset are uncorrelated there.
struct PulseTrain {
  std::int64_t epoch = 0, first = 0;
  double phase = 0, phase_sigma = 0;
  double period = 0;  // nominal * (1 + offset)
  double offset = 0, offset_sigma = 0;
  double bend = 0;       // as it was given
  double log_false = 0;  // of the probability that times without a period show such a line anywhere in the band
  ArrivalPhase arrivals;

  /// Slots, with their fraction, from `first` to a time.
  double slots_to(std::int64_t t) const noexcept {
    const auto since = static_cast<double>(t - epoch);
    return (since - bend * since * since - phase) / period;
  }
};

struct PeriodBand {
  std::int64_t nominal = 0;  // period in units
  double centre = 0;         // expected relative offset of the period
  double reach = 100e-6;     // searched on either side
  double bend = 0;           // known drift: half of it a unit of time
};

class PeriodSearch {
 public:
  /// Nothing where the line is not significant (kFalseLine). At least two times, sorted, spanning at least one period.
  std::optional<PulseTrain> operator()(std::span<const std::int64_t> times, const PeriodBand& band);
  static constexpr double kFalseLine = 1e-9;
  /// Times may span this many units; more would need too large a transform.
  static double longest(const PeriodBand& band) noexcept;

 private:
  std::vector<std::complex<float>> grid_;  // kept between searches
};

}  // namespace nicol::detection
