// SPDX-License-Identifier: Apache-2.0
// Finite-key lengths, one pure function each, named as SECURITY-FORMULAS and `nicol keylength` name them.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "drivers/hal/result.hpp"

namespace nicol::distillation {

double binary_entropy(double x) noexcept;  // h2: 0 outside (0,1)
double phase_entropy(double x) noexcept;   // hph: 1 for x >= 1/2

/// Exact upper limit on errors in the n key bits given c among k test bits (1.2 A4). Returns n when nothing is
/// excluded. Ties and rounding fall on the side of more errors. bad_input: c > k, n + k > 1e12, p_fail outside (0,1).
Result<std::uint64_t> hypergeom_key_errors(std::uint64_t n, std::uint64_t k, std::uint64_t c, double p_fail);
/// Relative-entropy tail for sampling without replacement (1.2 A5); real arguments.
Result<double> ekey_kl(double n, double k, double c, double p_fail);

struct MismatchDeltas {
  double delta1 = 0, delta2 = 0;
};
/// Tupkary et al. 2025 (1.2 A6), active receiver: efficiencies in eta(1 +- delta_eta), dark counts in dc(1 +-
/// delta_dc); random_swap: Bob exchanges the roles of his two detectors at random.
Result<MismatchDeltas> mismatch_deltas(double delta_eta, double delta_dc, double dc, bool random_swap);

enum class Bound : std::uint8_t { hypergeom, kl, serfling };
std::string_view to_string(Bound bound) noexcept;

inline constexpr double kAbsent = std::numeric_limits<double>::quiet_NaN();

/// Common result; NaN where a field does not apply to the function or was not reached. bits is at most floor(ell) of
/// the real-number formula: what rounding may have added is taken off before the floor. w_max is K_U - c - 1 without
/// the slack; phase includes it and is not clamped.
struct KeyLength {
  double ell = -1;
  std::uint64_t bits = 0;
  std::string abort;  // empty unless the bound cannot be evaluated; then ell = -1
  double phase = kAbsent, gamma_serf = kAbsent, gamma1 = kAbsent, gamma2 = kAbsent;
  double w_max = kAbsent, mp_key = kAbsent, mp_test = kAbsent, n1 = kAbsent, k1 = kAbsent;
};

/// eps_at is eps_ATa where a mismatch is given; eps_atb and eps_atc default to it. slack is added to w_max (1.2 A4:
/// 1 where n and k are only bounds). deltas go with the Serfling bound only; hypergeom wants whole numbers.
struct SpVariableInputs {
  double n = 0, k = 0, errors_k = 0, leak_ec = 0, eps_at = 0, eps_pa = 0, eps_ev = 0;
  Bound bound = Bound::hypergeom;
  double delta1 = 0, delta2 = 0;
  std::optional<double> eps_atb, eps_atc;
  double slack = 0;
};
Result<KeyLength> sp_variable(const SpVariableInputs& in);

/// sent_key, sent_test: expected kept slots of both bases equal that belong to the key and to the test part.
struct SpsG2Inputs {
  double sent_key = 0, sent_test = 0, n = 0, k = 0, errors_k = 0, p_multi = 0, leak_ec = 0, eps_at = 0, eps_pa = 0,
         eps_ev = 0, eps_mp = 0;
  Bound bound = Bound::hypergeom;
};
Result<KeyLength> sps_g2(const SpsG2Inputs& in);

/// 2 log2(1/(2 eps_PA)) + log2(2/eps_EV): what privacy amplification and verification cost in every length (1.2 A4).
double fixed_cost(double eps_pa, double eps_ev) noexcept;
/// q = -log2((1 + sin 2 delta)/2), delta = relative error between Alice's bases in radian (amendment 12; TLGR 2012).
double preparation_quality(double error_rad) noexcept;
/// What rounding can have added to a length made of terms of this size.
double rounding_margin(double size) noexcept;

/// Subset statistics (2.1). Probability that k compared bits show no error under intercept-resend of a fraction f.
double subset_unnoticed(double k, double f);
/// Smallest k with (1 - f/4)^k <= p; bad_input unless 0 < p < 1 and 0 < f <= 1.
Result<std::uint64_t> subset_size(double p, double f);
/// Sifted QBER under intercept-resend (random basis or Breidbart) of a fraction f with intrinsic error e0.
double qber_intercept(double f, double e0);
/// Pr[at most t errors among k] at true error rate q; NaN for q outside [0,1].
double accept_probability(std::uint64_t k, std::uint64_t t, double q);

/// One-sided Clopper-Pearson lower limit of a binomial rate: the p at which Pr[X >= errors] = p_fail; 0 for no error.
double binomial_lower_limit(std::uint64_t errors, std::uint64_t trials, double p_fail);

}  // namespace nicol::distillation
