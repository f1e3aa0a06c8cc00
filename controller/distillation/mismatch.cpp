// SPDX-License-Identifier: Apache-2.0
// What unequal detectors add to the phase-error bound of an active receiver (Tupkary, Nahar, Sinha & Luetkenhaus,
// Quantum 9, 1937 (2025); formulas of SECURITY-FORMULAS 1.2 A6).
#include <algorithm>
#include <cmath>

#include "controller/distillation/input_checks.hpp"
#include "controller/distillation/keylength.hpp"

namespace nicol::distillation {
namespace {

/// 4 (1 - sqrt(1 - x)) without cancellation.
double four_root(double x) { return 4 * x / (1 + std::sqrt(std::max(0.0, 1 - x))); }

MismatchDeltas fixed_roles(double loss, double d_min, double d_max) {
  MismatchDeltas deltas{.delta1 = four_root(loss), .delta2 = loss};
  if (d_max == 0) return deltas;
  const double a = d_min * (2 - d_min), b = d_max * (2 - d_max);  // 1 - (1-d)^2
  const double z2 = (b - a) / b, z1 = z2 * d_max * (2 - d_min) / a;
  return {.delta1 = std::max(deltas.delta1, z1), .delta2 = std::max(deltas.delta2, z2)};
}

}  // namespace

Result<MismatchDeltas> mismatch_deltas(double delta_eta, double delta_dc, double dc, bool random_swap) {
  InputChecks checks;
  checks.fraction("delta_eta", delta_eta).fraction("delta_dc", delta_dc).fraction("dc", dc);
  checks.fraction("dc (1 + delta_dc)", dc * (1 + delta_dc));
  if (auto bad = checks.result(); !bad) return bad.error();
  const double d_min = dc * (1 - delta_dc), d_max = dc * (1 + delta_dc);
  const double q = (1 - d_min) * (1 - d_min);
  const double missing = 2 * delta_eta / (1 + delta_eta);  // 1 - r, r = (1-D)/(1+D)
  if (!random_swap) return fixed_roles(q * missing, d_min, d_max);
  const double loss = q * missing * missing / 2;
  return MismatchDeltas{.delta1 = four_root(loss), .delta2 = loss};
}

}  // namespace nicol::distillation
