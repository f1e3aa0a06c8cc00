// SPDX-License-Identifier: Apache-2.0
// Variable-length finite-key formulas for single photons and pairs (sp_variable) and for a source of known g2 (sps_g2).
#include "controller/distillation/keylength.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "controller/distillation/input_checks.hpp"

namespace nicol::distillation {
namespace {

constexpr double kLog2E = std::numbers::log2e;

KeyLength aborted(KeyLength result, std::string why) {
  result.ell = -1;
  result.bits = 0;
  result.abort = std::move(why);
  return result;
}

/// bits from ell; size = the largest term that went into it.
KeyLength with_length(KeyLength result, double ell, double size) {
  result.ell = ell;
  const double floor = std::floor(ell - rounding_margin(size));
  result.bits = floor > 0 ? static_cast<std::uint64_t>(floor) : 0;
  return result;
}

/// 2 log2(1/(2 eps_PA)) + log2(2/eps_EV) and leak come off once (SECURITY-FORMULAS 1.2 A4; Tupkary et al. 2025).
KeyLength hashed(KeyLength result, double n, double leak_ec, double eps_pa, double eps_ev) {
  const double ell = n * (1 - phase_entropy(result.phase)) - leak_ec - fixed_cost(eps_pa, eps_ev);
  return with_length(std::move(result), ell, n + leak_ec);
}

/// sqrt((n+k)(k+1)/(n k^2) ln(1/eps)) (Serfling; Tomamichel et al. 2012, Supplementary Note 2).
double serfling_gamma(double n, double k, double eps) {
  return std::sqrt((n + k) / n * ((k + 1) / k) / k * std::log(1 / eps));
}

/// sqrt(ln(1/eps)/n): Hoeffding deviation of the filter's binomials (Tupkary et al. 2025).
double filter_gamma(double n, double eps) { return std::sqrt(std::log(1 / eps) / n); }

Result<KeyLength> hypergeom_phase(const SpVariableInputs& in) {
  const auto whole = [](double x) { return static_cast<std::uint64_t>(x); };
  auto w = hypergeom_key_errors(whole(in.n), whole(in.k), whole(in.errors_k), in.eps_at * in.eps_at);
  if (!w) return std::move(w).error();
  KeyLength result;
  result.w_max = static_cast<double>(*w);
  result.phase = (result.w_max + in.slack) / in.n;
  return result;
}

Result<KeyLength> kl_phase(const SpVariableInputs& in) {
  auto phase = ekey_kl(in.n, in.k, in.errors_k, in.eps_at * in.eps_at);
  if (!phase) return std::move(phase).error();
  KeyLength result;
  result.phase = *phase;
  return result;
}

/// e_ph^U = (e_obs + gamma_serf + delta1 + gamma1)/(1 - delta2 - gamma2) (Tupkary et al. 2025; SECURITY-FORMULAS A6).
KeyLength serfling_phase(const SpVariableInputs& in) {
  KeyLength result;
  result.gamma_serf = serfling_gamma(in.n, in.k, in.eps_at);
  const double observed = in.errors_k / in.k;
  if (in.delta1 == 0 && in.delta2 == 0) {
    result.phase = observed + result.gamma_serf;
    return result;
  }
  result.gamma1 = filter_gamma(in.n, in.eps_atb.value_or(in.eps_at));
  result.gamma2 = filter_gamma(in.n, in.eps_atc.value_or(in.eps_at));
  const double kept = 1 - in.delta2 - result.gamma2;
  if (!(kept > 0)) return aborted(std::move(result), "detector mismatch too large");
  result.phase = (observed + result.gamma_serf + in.delta1 + result.gamma1) / kept;
  return result;
}

Result<KeyLength> bounded_phase(const SpVariableInputs& in) {
  switch (in.bound) {
    case Bound::hypergeom:
      return hypergeom_phase(in);
    case Bound::kl:
      return kl_phase(in);
    case Bound::serfling:
      return serfling_phase(in);
  }
  return Error{Code::bad_input, "bound is none of hypergeom, kl, serfling", {}, 0, {}};
}

Result<void> check(const SpVariableInputs& in) {
  InputChecks checks;
  checks.count("n", in.n).count("k", in.k).count("errors_k", in.errors_k).at_most("errors_k", in.errors_k, "k", in.k);
  checks.count("leak_ec", in.leak_ec).count("slack", in.slack);
  checks.probability("eps_at", in.eps_at).probability("eps_pa", in.eps_pa).probability("eps_ev", in.eps_ev);
  checks.probability("eps_atb", in.eps_atb.value_or(in.eps_at));
  checks.probability("eps_atc", in.eps_atc.value_or(in.eps_at));
  checks.count("delta1", in.delta1).count("delta2", in.delta2);
  if (in.bound != Bound::serfling) checks.zero("delta1", in.delta1, in.bound).zero("delta2", in.delta2, in.bound);
  if (in.bound == Bound::hypergeom) checks.whole("n", in.n).whole("k", in.k).whole("errors_k", in.errors_k);
  return checks.result();
}

Result<void> check(const SpsG2Inputs& in) {
  InputChecks checks;
  checks.count("sent_key", in.sent_key).count("sent_test", in.sent_test).count("leak_ec", in.leak_ec);
  checks.count("n", in.n).count("k", in.k).count("errors_k", in.errors_k).at_most("errors_k", in.errors_k, "k", in.k);
  checks.fraction("p_multi", in.p_multi);
  checks.probability("eps_at", in.eps_at).probability("eps_pa", in.eps_pa).probability("eps_ev", in.eps_ev);
  checks.probability("eps_mp", in.eps_mp);
  if (in.bound == Bound::hypergeom) checks.whole("n", in.n).whole("k", in.k).whole("errors_k", in.errors_k);
  return checks.result();
}

/// ceil of mean + L/2 + sqrt(L^2/4 + 2 mean L), L = ln(1/eps^2): multiplicative Chernoff (SECURITY-FORMULAS 1.7).
double multi_photon_limit(double mean, double eps) {
  const double l = -2 * std::log(eps);
  const double limit = mean + l / 2 + std::sqrt(l * l / 4 + 2 * mean * l);
  return std::ceil(limit * (1 + 1e-15));
}

}  // namespace

double binary_entropy(double x) noexcept {
  if (!(x > 0 && x < 1)) return 0;
  return -(x * std::log(x) + (1 - x) * std::log1p(-x)) * kLog2E;
}

double phase_entropy(double x) noexcept { return x < 0.5 ? binary_entropy(x) : 1; }

std::string_view to_string(Bound bound) noexcept {
  switch (bound) {
    case Bound::hypergeom:
      return "hypergeom";
    case Bound::kl:
      return "kl";
    case Bound::serfling:
      return "serfling";
  }
  return "unknown";
}

double fixed_cost(double eps_pa, double eps_ev) noexcept {
  return 2 * std::log2(1 / (2 * eps_pa)) + std::log2(2 / eps_ev);
}

// -log2((1 + sin 2 delta)/2) = 1 - log2(1 + sin 2 delta), TLGR 2012; amendment 12.
double preparation_quality(double error_rad) noexcept { return 1 - std::log1p(std::sin(2 * error_rad)) * kLog2E; }

// SECURITY-FORMULAS 5.6. A dozen double operations err by about 2e-15 of their size; fifty times that is taken off.
double rounding_margin(double size) noexcept { return 1e-13 * std::abs(size) + 1e-9; }

Result<KeyLength> sp_variable(const SpVariableInputs& in) {
  if (auto bad = check(in); !bad) return bad.error();
  if (in.n == 0 || in.k == 0) return aborted({}, "empty sample");
  auto phase = bounded_phase(in);
  if (!phase || !phase->abort.empty()) return phase;
  return hashed(*std::move(phase), in.n, in.leak_ec, in.eps_pa, in.eps_ev);
}

Result<KeyLength> sps_g2(const SpsG2Inputs& in) {
  if (auto bad = check(in); !bad) return bad.error();
  KeyLength counts;
  counts.mp_key = multi_photon_limit(in.sent_key * in.p_multi, in.eps_mp);
  counts.mp_test = multi_photon_limit(in.sent_test * in.p_multi, in.eps_mp);
  counts.n1 = in.n - counts.mp_key;
  counts.k1 = in.k - counts.mp_test;
  if (counts.n1 <= 0 || counts.k1 <= 0) return aborted(std::move(counts), "no guaranteed single-photon rounds");
  SpVariableInputs single;
  single.n = counts.n1;
  single.k = counts.k1;
  single.errors_k = in.errors_k;
  single.eps_at = in.eps_at;
  single.bound = in.bound;
  single.slack = 1;  // n1 and k1 are only bounds (1.2 A4)
  // All test errors are charged to the single-photon rounds; the exact tails know no more errors than bits.
  if (in.bound != Bound::serfling) single.errors_k = std::min(in.errors_k, counts.k1);
  auto phase = bounded_phase(single);
  if (!phase) return phase;
  counts.phase = phase->phase;
  counts.gamma_serf = phase->gamma_serf;
  counts.w_max = phase->w_max;
  return hashed(std::move(counts), counts.n1, in.leak_ec, in.eps_pa, in.eps_ev);
}

}  // namespace nicol::distillation
