// SPDX-License-Identifier: Apache-2.0
// Bit monitors: what disclosed bits say about the link. They warn and show; none of them enters a key length.
#pragma once

#include <array>
#include <cstdint>

#include "controller/sifting/sifting.hpp"

namespace nicol::sifting {

/// E(a,b) = P(same) - P(different) of mismatched bases with its standard error; NaN without data. An in-plane rotation
/// by theta gives E(Z,X) = +sin 2 theta = -E(X,Z) (SECURITY-FORMULAS 2.2); no sign names a cause (amendment 7).
struct Correlator {
  double value = 0, sigma = 0;
  std::uint64_t counts = 0;
};
/// Index: Alice's basis.
std::array<Correlator, 2> correlators(const Mismatched& counts);

/// A test of an honest hypothesis. p-values are uniform over honest blocks, up to the steps of whole counts.
struct Monitor {
  double statistic = 0, p_value = 1;
  std::uint64_t counts = 0;
};

/// Zeros and ones of the disclosed bits of each basis are equally often: chi-square, one degree of freedom a basis.
Monitor state_balance(const std::array<PublicBits, 2>& disclosed);
/// Neighbouring disclosed bits are independent, whatever their bias (Wald-Wolfowitz runs): dead time and self-blinding
/// show here.
Monitor lag_one(const PublicBits& disclosed);
/// Bases of Bob's clicks against the share of diagonal ones that the receiver's splitter or choice gives.
Monitor basis_balance(const PublicBits& bases, double diagonal_share);

/// P(X >= x) of chi-square with k degrees of freedom.
double chi_square_tail(double x, unsigned k);

}  // namespace nicol::sifting
