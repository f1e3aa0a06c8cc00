// SPDX-License-Identifier: Apache-2.0
// From the errors of the disclosed sample to an upper limit on those of the key: sampling without replacement.
#include <fmt/core.h>

#include <cmath>

#include "controller/distillation/keylength.hpp"
#include "controller/distillation/tails.hpp"

namespace nicol::distillation {
namespace {

Error refused(std::string message) { return {Code::bad_input, std::move(message), {}, 0, {}}; }

}  // namespace

// Sakakibara & Matsumoto 2014; Mannalath, Zapatero & Curty 2025 (arXiv:2410.04095); proof in SECURITY-FORMULAS 1.2 A4.
Result<std::uint64_t> hypergeom_key_errors(std::uint64_t n, std::uint64_t k, std::uint64_t c, double p_fail) {
  if (!(p_fail > 0 && p_fail < 1)) return refused(fmt::format("p_fail = {} is outside (0,1)", p_fail));
  if (c > k) return refused(fmt::format("c = {} exceeds k = {}", c, k));
  if (n > kLargestCount || k > kLargestCount)
    return refused(fmt::format("n = {}, k = {}: more than {} bits", n, k, kLargestCount));
  // K_U(c) = min{K : Pr[X <= c | K] <= p_fail}; the tail falls with K. A K is excluded only if its tail lies below
  // p_fail by more than rounding, so that the limit is never too small.
  std::uint64_t possible = c, excluded = n + c + 1;
  while (excluded - possible > 1) {
    const std::uint64_t middle = possible + (excluded - possible) / 2;
    const bool out = hypergeometric_cdf(c, n, k, middle) * (1 + kTailMargin) <= static_cast<long double>(p_fail);
    (out ? excluded : possible) = middle;
  }
  return excluded - c - 1;
}

// Hoeffding 1963, theorems 1 and 4: Pr[X <= c | K = N Q] <= exp(-k D(c/k || Q)); SECURITY-FORMULAS 1.2 A5.
Result<double> ekey_kl(double n, double k, double c, double p_fail) {
  if (!(p_fail > 0 && p_fail < 1)) return refused(fmt::format("p_fail = {} is outside (0,1)", p_fail));
  if (!(n > 0 && std::isfinite(n))) return refused(fmt::format("n = {} is not a positive number", n));
  if (!(k > 0 && std::isfinite(k))) return refused(fmt::format("k = {} is not a positive number", k));
  if (!(c >= 0 && c <= k)) return refused(fmt::format("c = {} is outside 0..k = {}", c, k));
  const long double trials = k, errors = c;
  const long double limit = -std::log(static_cast<long double>(p_fail));
  // Q_U = sup{Q >= c/k : k D(c/k || Q) <= ln(1/p_fail)}; the upper end of the bracket is the safe one.
  long double low = errors / trials, high = 1;
  for (int i = 0; i < 200 && high - low > 1e-18L * high; ++i) {
    const long double middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) break;
    const long double exponent = deviance(errors, trials * middle) + deviance(trials - errors, trials * (1 - middle));
    (exponent <= limit ? low : high) = middle;
  }
  const long double total = static_cast<long double>(n) + trials;
  return static_cast<double>((total * high - errors) / static_cast<long double>(n));
}

}  // namespace nicol::distillation
