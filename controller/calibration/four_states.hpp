// SPDX-License-Identifier: Apache-2.0
// How the four states of a source stand to one another: how near they are to the ideal ones, and what that costs a key.
#pragma once

#include <array>

#include "controller/calibration/optics_fit.hpp"

namespace nicol::calibration {

/// <ideal| state |ideal> of each state, once all are turned together as well as can be: behind a fibre that nobody
/// knows only their geometry is left.
std::array<double, 4> fidelities(const Optics& optics);

struct Preparation {
  std::array<Estimate, 4> fidelity;
  Estimate mean_fidelity;
  /// Scalar products of the directions of rectilinear states 0 and 1 with diagonal 0 and 1: 00, 01, 10, 11; ideally 0.
  std::array<Estimate, 4> overlap;
  /// Of half the sum of each basis's states: how far the two averages are apart, as chi-squared of three degrees.
  double average_apart = 0;  // length on the sphere
  double average_chi_squared = 0;
};
Preparation prepared(const OpticsFit& fit);

/// delta: upper limit of how far the bases are from unbiased, radians, sin 2 delta = the largest |overlap|: |<x|z>|^2 =
/// (1 + sin 2 delta)/2 (Tomamichel, Lim, Gisin, Renner, Nat. Commun. 3, 634 (2012)). All four overlaps are below it but
/// for `risk`. Directions, not lengths: states that are mixed are no nearer to one another than pure ones.
double preparation_error(const Preparation& preparation, double risk);

/// Whether the averages of the two bases differ, at this risk: then no proof holds that takes them for one.
bool averages_differ(const Preparation& preparation, double risk);

}  // namespace nicol::calibration
