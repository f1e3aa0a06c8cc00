// SPDX-License-Identifier: Apache-2.0
// Exact tails of the binomial and hypergeometric laws down to 1e-30 and below, for counts to 1e12: what the key length
// and the abort rule rest on. Own, without lgamma, whose rounding at 1e8 is larger than what is compared.
#pragma once

#include <cstdint>

namespace nicol::distillation {

/// Relative error that the tails below may have, with two decades to spare.
inline constexpr long double kTailMargin = 1e-11L;
inline constexpr std::uint64_t kLargestCount = 1'000'000'000'000;

/// x ln(x/mean) + mean - x without cancellation near x = mean; x >= 0, mean > 0 (Loader 2000, bd0).
long double deviance(long double x, long double mean) noexcept;

/// Pr[X <= c] for X errors among k bits drawn without replacement from n + k bits that hold `errors` errors.
long double hypergeometric_cdf(std::uint64_t c, std::uint64_t n, std::uint64_t k, std::uint64_t errors) noexcept;

/// Pr[X <= c], X binomial(trials, p), 0 < p < 1 and q = 1 - p.
long double binomial_cdf(std::uint64_t c, std::uint64_t trials, long double p, long double q) noexcept;

}  // namespace nicol::distillation
