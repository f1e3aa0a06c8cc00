// SPDX-License-Identifier: Apache-2.0
// Finite-key lengths, one pure function each, named as SECURITY-FORMULAS and `nicol keylength` name them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "drivers/hal/result.hpp"

namespace nicol::distillation {

double binary_entropy(double x) noexcept;  // h2: 0 outside (0,1)
double phase_entropy(double x) noexcept;   // hph: 1 for x >= 1/2

/// Exact upper limit on errors in the n key bits given c among k test bits (1.2 A4). Returns n when nothing is
/// excluded.
Result<std::uint64_t> hypergeom_key_errors(std::uint64_t n, std::uint64_t k, std::uint64_t c, double p_fail);
/// Relative-entropy tail for sampling without replacement (1.2 A5); real arguments.
Result<double> ekey_kl(double n, double k, double c, double p_fail);

struct MismatchDeltas {
  double delta1 = 0, delta2 = 0;
};
Result<MismatchDeltas> mismatch_deltas(double delta_eta, double delta_dc, double dc, bool random_swap);

enum class Bound : std::uint8_t { hypergeom, kl, serfling };

/// Common result; NaN where a field does not apply to the function or was not reached.
struct KeyLength {
  double ell = -1;
  std::uint64_t bits = 0;
  std::string abort;  // empty unless the bound cannot be evaluated
  double phase = 0, gamma_serf = 0, gamma1 = 0, gamma2 = 0;
  double w_max = 0, mp_key = 0, mp_test = 0, n1 = 0, k1 = 0;
};

struct SpVariableInputs {
  double n = 0, k = 0, errors_k = 0, leak_ec = 0, eps_at = 0, eps_pa = 0, eps_ev = 0;
  Bound bound = Bound::hypergeom;
  double delta1 = 0, delta2 = 0;
  std::optional<double> eps_atb, eps_atc;
  double slack = 0;
};
Result<KeyLength> sp_variable(const SpVariableInputs& in);

struct SpsG2Inputs {
  double sent_key = 0, sent_test = 0, n = 0, k = 0, errors_k = 0, p_multi = 0, leak_ec = 0, eps_at = 0, eps_pa = 0,
         eps_ev = 0, eps_mp = 0;
  Bound bound = Bound::hypergeom;
};
Result<KeyLength> sps_g2(const SpsG2Inputs& in);

/// Subset statistics (2.1).
double subset_unnoticed(double k, double f);
Result<std::uint64_t> subset_size(double p, double f);
double qber_intercept(double f, double e0);
double accept_probability(std::uint64_t k, std::uint64_t t, double q);

/// One-sided Clopper-Pearson lower limit of a binomial rate.
double binomial_lower_limit(std::uint64_t errors, std::uint64_t trials, double p_fail);

}  // namespace nicol::distillation
