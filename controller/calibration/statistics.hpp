// SPDX-License-Identifier: Apache-2.0
// Exact tails of counting that the routines' limits rest on.
#pragma once

#include <cstdint>

namespace nicol::calibration {

/// P(a, x) and Q(a, x) = 1 - P, the regularised incomplete gamma functions (DLMF 8.2.4), a > 0, x >= 0.
double gamma_p(double a, double x);
double gamma_q(double a, double x);

/// P(chi^2 with so many degrees of freedom is at least so large).
double chi_squared_tail(double chi_squared, int degrees);

/// Limits on the mean of a Poisson count: each is on the wrong side with probability at most `risk` (Garwood,
/// Biometrika 28, 437 (1936)).
double poisson_lower(std::uint64_t count, double risk);
double poisson_upper(std::uint64_t count, double risk);

/// How many standard deviations a count is off another one of `times` as much exposure, given they are of one rate:
/// positive where the first is larger. From the square roots, whose variance does not depend on the rate (Anscombe,
/// Biometrika 35, 246 (1948)).
double rate_difference_sigmas(std::uint64_t count, std::uint64_t other, double times);

}  // namespace nicol::calibration
