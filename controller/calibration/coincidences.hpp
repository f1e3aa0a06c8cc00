// SPDX-License-Identifier: Apache-2.0
// Clicks of several detectors in one slot: what they say of how many photons a pulse holds.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace nicol::calibration {

/// Of one sent state, in the slots that count (the heralded ones of a heralded source). Accidentals and dark counts are
/// in it and stay in it: of what light brings they only ever add to the coincidences more than they hide.
struct CoincidenceCounts {
  std::uint64_t slots = 0;
  std::array<std::uint64_t, 4> singles{};   // slots in which this detector clicked, alone or not
  std::array<std::uint64_t, 5> multiple{};  // slots in which so many detectors clicked; [0] is not counted

  /// The clicks of a slot in which something clicked: bit d is detector d. Leaves `slots` alone.
  void add(std::uint8_t seen);
  CoincidenceCounts& operator+=(const CoincidenceCounts& other);
};

struct Limited {
  double value = 0, error = 0;  // standard error
  double upper = 0;             // exceeded by the truth with probability at most the risk
};

/// g2(0) = <n(n-1)>/<n>^2, from pairs of detectors that click together against what their singles of the same sent
/// state would do by chance. Where a pulse holds two photons at most, or a Poisson number, it is nowhere below the
/// truth; bunched light seen well (x clicks a slot) it takes for less bunched, by a part of about 3 x / 4 for thermal
/// light. Infinite limit: nothing clicked.
Limited g2_of(std::span<const CoincidenceCounts> states, double risk);

/// What share of the light at the source's output makes a click in its gate, at least: the fibre, the receiver and the
/// detectors with their dead times. Somebody measured or vouches for it.
struct Transmission {
  double at_least = 0;
};

/// P(two or more photons) in a slot that counts, at the source's output, the mean over these states, whatever their
/// distribution: detectors click together the more often the more photons there are, so two or more do so at least as
/// often as two would.
Limited multi_photon_probability(std::span<const CoincidenceCounts> states, Transmission transmission, double risk);

/// Photons a slot at the source's output, where it holds two at most.
Limited mean_photon_number(const CoincidenceCounts& counts, Transmission transmission, double risk);

}  // namespace nicol::calibration
