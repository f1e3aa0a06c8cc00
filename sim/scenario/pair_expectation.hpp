// SPDX-License-Identifier: Apache-2.0
// What theory says of a link with entangled pairs. Continuous pumps: true pairs under the jitter of both detectors,
// accidentals S_A S_B tau (Neumann et al., PRA 104, 022406 (2021)). Pulsed pumps: all pairs of a pulse (Ma, Fung, Lo,
// PRA 76, 012307 (2007)), for any analyser and detector.
#pragma once

#include <array>

#include "sim/scenario/scenario.hpp"

namespace nicol::sim {

/// [Alice's detector][Bob's detector], in the order rectilinear 0, 1, diagonal 0, 1; a second.
using PairRates = std::array<std::array<double, 4>, 4>;

struct PairExpectation {
  std::array<double, 4> singles_alice{}, singles_bob{};
  PairRates genuine{};     // of one pair; pulsed: of one pulse
  PairRates accidental{};  // of what only came at the same time; pulsed: of dark counts and neighbouring pulses
  double rate(std::size_t alice, std::size_t bob) const { return genuine[alice][bob] + accidental[alice][bob]; }
  /// Coincidences of one basis at both sides, and of any two.
  double sifted(std::size_t basis) const;
  double coincidences() const;
  /// Of sifted(basis): psi-minus agrees wrongly, phi-plus differs wrongly. Double clicks count as both.
  double qber(std::size_t basis, PairState state) const;
};

/// With pump power `pump_mw` at phase matching and coincidences |t_B - t_A| <= window / 2 about the peak. Dead time is
/// allowed for in the rates of continuous pumps; afterpulses, drift and fading are not.
PairExpectation expect_pairs(const Scenario& scenario, double pump_mw, Picoseconds window);

}  // namespace nicol::sim
