// SPDX-License-Identifier: Apache-2.0
// Statistics of compared bits (SECURITY-FORMULAS 2.1): a detector of Eve, not a proof, and the limit of the abort rule.
#include <cmath>

#include "controller/distillation/input_checks.hpp"
#include "controller/distillation/keylength.hpp"
#include "controller/distillation/tails.hpp"

namespace nicol::distillation {

double subset_unnoticed(double k, double f) { return std::exp(k * std::log1p(-f / 4)); }

Result<std::uint64_t> subset_size(double p, double f) {
  InputChecks checks;
  checks.probability("p", p);
  if (!(f == 1)) checks.probability("f", f);
  if (auto bad = checks.result(); !bad) return bad.error();
  const double size = std::ceil(std::log(p) / std::log1p(-f / 4));
  if (!(size < 9e15)) return checks.whole("subset size", size).result().error();
  auto k = static_cast<std::uint64_t>(size);
  while (k > 0 && subset_unnoticed(static_cast<double>(k - 1), f) <= p) --k;
  while (subset_unnoticed(static_cast<double>(k), f) > p) ++k;
  return k;
}

double qber_intercept(double f, double e0) { return e0 + (1 - 2 * e0) * f / 4; }

double accept_probability(std::uint64_t k, std::uint64_t t, double q) {
  if (!(q >= 0 && q <= 1)) return kAbsent;
  if (t >= k || q == 0) return 1;
  if (q == 1) return 0;
  return static_cast<double>(binomial_cdf(t, k, q, 1 - static_cast<long double>(q)));
}

// Clopper & Pearson 1934; Pr[X >= e | p] is the regularised incomplete beta function I_p(e, trials - e + 1).
double binomial_lower_limit(std::uint64_t errors, std::uint64_t trials, double p_fail) {
  if (errors == 0 || errors > trials) return 0;
  long double low = 0, high = 1;
  for (int i = 0; i < 200 && high - low > 1e-15L * high; ++i) {
    const long double p = (low + high) / 2;
    // Pr[X >= e] as the lower tail of the correct bits: no difference of numbers near 1.
    const long double tail = binomial_cdf(trials - errors, trials, 1 - p, p);
    (tail <= static_cast<long double>(p_fail) ? low : high) = p;
  }
  return static_cast<double>(low);
}

}  // namespace nicol::distillation
