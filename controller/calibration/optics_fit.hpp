// SPDX-License-Identifier: Apache-2.0
// All that stands between a source of four states and the detectors of two bases, from counts behind many settings of
// the plates: the states as they arrive, where the axes are and how far the plates retard, where the analysers point.
// The mounts' scales are the only ruler; nothing else is believed.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <span>

#include "controller/calibration/stack_fit.hpp"

namespace nicol::calibration {

struct Optics {
  std::array<Stokes, 4> sent;  // as they reach the first plate
  PlateStack stack;
  std::array<double, 3> offset{};  // radians: of the axes against what the mounts are believed to say
  std::array<double, 3> play{};    // radians: so much further on stands what its mount left coming from above
  double skew = 0;  // radians on the sphere: of the diagonal analyser, from square to the rectilinear one
  std::array<double, 2> ellipticity{};                              // radians on the sphere: of each analyser
  std::array<std::array<double, 2>, 2> contrast{{{1, 1}, {1, 1}}};  // [basis][bit] of the port
  std::array<double, 2> log_gain{};  // of each basis: ln of the efficiency of the detector of 1 over that of 0

  /// How much of a state shows in the port that shows most. States and contrasts only ever meet as products: light that
  /// is not quite polarised and a polariser that leaks look alike.
  double most_contrast() const;
  /// A lower limit, therefore: all that is lost of the contrast is charged to the state.
  double length(std::size_t state) const { return sent[state].norm() * most_contrast(); }
};

/// What one setting showed. As many slots of each state were sent.
struct ScanPoint {
  PlateAngles angles;                  // axes, as the mounts are believed to stand
  std::array<double, 3> from_above{};  // 1: the mount came from above; 0: from below
  StateTable seen{};
};

struct OpticsFit {
  Optics optics;
  Eigen::MatrixXd covariance;  // of the fit's own numbers; see estimate()
  double chi_squared = 0;
  int degrees = 0;
  /// Of any function that does not ask what cannot be told (see fit_optics), by the first derivatives.
  Estimate estimate(const std::function<double(const Optics&)>& f) const;
  Eigen::Matrix3d covariance_of(const std::function<Stokes(const Optics&)>& f) const;
};

/// Binomial maximum likelihood, p(1 | sent, basis) = g (1 + c1 x) / (g (1 + c1 x) + 1 - c0 x), x = analysed . (plates
/// sent), hedged with the square roots of the states' determinants, which keeps all states inside their sphere
/// (Blume-Kohout, PRL 105, 200504 (2010)). Retardances are those of `stack` within `tolerance` radians (one standard
/// deviation). Of what counts cannot tell the answer nearest to what is believed is given: the common scale of states
/// and contrasts; fast axes for slow ones of all plates at once (everything mirrored); a turn of the first plate with
/// half of it of a perfect half-wave plate behind it. Empty where the settings leave more than that open.
std::optional<OpticsFit> fit_optics(const PlateStack& stack, double tolerance, std::span<const ScanPoint> points);

/// p(1 | sent, basis) at these angles, for each state and basis.
std::array<std::array<double, 2>, 4> chances(const Optics& optics, const ScanPoint& point);

}  // namespace nicol::calibration
