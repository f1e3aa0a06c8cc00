// SPDX-License-Identifier: Apache-2.0
// How unlike two detectors of a basis are, whatever the fibre does to the light, however bright each state is and
// however much the polarisers leak.
#pragma once

#include <array>
#include <optional>

#include "controller/calibration/stack_fit.hpp"

namespace nicol::calibration {

/// z with P(|normal| > z) = risk.
double normal_quantile(double risk);

/// D = (eta1 - eta0)/(eta1 + eta0) of a basis.
struct Mismatch {
  Estimate log_ratio;  // ln eta1/eta0
  Estimate d;
  /// Ends of D's two-sided interval that is wrong with this probability in all.
  std::array<double, 2> interval(double risk) const;
};

struct MismatchFit {
  std::array<Mismatch, 2> bases;  // rectilinear, diagonal
  double chi_squared = 0;         // one degree of freedom
};

/// background[d]: expected clicks of detector d among its counts that no light brought, evenly of the four states.
/// A polariser's two ports share all the light: with n1/eta1 + n0/eta0 a basis counts what came, and as much in one
/// basis as in the other of every state, whose brightness cancels: four equations, three numbers. The light must lie in
/// different ports for different states: empty where it does not (a fibre that makes it circular), or for few counts.
std::optional<MismatchFit> fit_mismatch(const StateTable& seen, const std::array<double, 4>& background);

}  // namespace nicol::calibration
