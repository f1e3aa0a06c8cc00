// SPDX-License-Identifier: Apache-2.0
// How unlikely a count is, in logarithms: a real peak's p-value is far below what a double can hold.
#pragma once

namespace nicol::detection::pairs {

/// ln P[X >= count] for X Poisson of this mean; 0 for a count at or below the mean (no excess). `count` need not be
/// whole: the regularised lower incomplete gamma function P(count, mean), DLMF 8.11.4.
double log_poisson_tail(double count, double mean);

/// z with ln P[Z >= z] = log_p for a standard normal Z; 0 where log_p >= ln 1/2.
double normal_equivalent(double log_p);

/// ln P[Z >= z], z >= 0.
double log_normal_tail(double z);

}  // namespace nicol::detection::pairs
