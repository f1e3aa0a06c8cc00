// SPDX-License-Identifier: Apache-2.0
#include "controller/distillation/length_case.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

namespace nicol::distillation {
namespace {

double real(std::uint64_t x) { return static_cast<double>(x); }

/// Share of the kept slots in which Alice prepared and Bob measured this basis. A passive receiver chooses where Eve
/// can see to it, so its p_B is dropped (amendment 4).
double both_in(const LengthInputs& in, Basis basis) {
  const auto probability = [basis](double diagonal) { return basis == Basis::diagonal ? diagonal : 1 - diagonal; };
  const double bob = in.receiver == hal::ReceiverKind::active ? probability(in.p_bob_diagonal) : 1;
  return probability(in.p_alice_diagonal) * bob;
}

/// Coins are thrown with 32-bit thresholds, rounded down: the key's share may be larger by that much.
double key_share(double sample_share) { return sample_share < 1 ? std::min(1.0, 1 - sample_share + 0x1p-32) : 0; }

SpsG2Inputs sps_case(const BlockFacts& facts, Basis key_basis, double share) {
  const LengthInputs& in = facts.inputs;
  const std::size_t key = index(key_basis), test = index(other(key_basis));
  SpsG2Inputs out;
  // N p_A(b) p_B(b) r: r is the coins' share of the part (amendment 4).
  out.sent_key = real(facts.slots_kept) * both_in(in, key_basis) * key_share(facts.sample_share[key]);
  out.sent_test = real(facts.slots_kept) * both_in(in, other(key_basis)) * facts.sample_share[test];
  out.n = real(facts.key_bits[key]);
  out.k = real(facts.sample[test].bits);
  out.errors_k = real(facts.sample[test].errors);
  out.p_multi = std::max(in.p_multi, in.model.p_multi);
  out.leak_ec = real(facts.ledger.total_cost());
  out.eps_at = in.epsilon.at * std::sqrt(share);
  out.eps_mp = in.epsilon.mp * std::sqrt(share);
  out.eps_pa = in.epsilon.pa;
  out.eps_ev = in.epsilon.ev;
  return out;
}

SpVariableInputs sp_case(const BlockFacts& facts, Basis key_basis, double share) {
  const LengthInputs& in = facts.inputs;
  const std::size_t test = index(other(key_basis));
  SpVariableInputs out;
  out.n = real(facts.key_bits[index(key_basis)]);
  out.k = real(facts.sample[test].bits);
  out.errors_k = real(facts.sample[test].errors);
  out.leak_ec = real(facts.ledger.total_cost());
  out.eps_at = in.epsilon.at * std::sqrt(share);
  out.eps_pa = in.epsilon.pa;
  out.eps_ev = in.epsilon.ev;
  return out;
}

/// Serfling with deltas, for an active receiver and a source of one photon or pairs (amendment 5). Its detectors' roles
/// are taken as fixed and their dark counts as equal: the model says nothing of either.
Result<LengthCase> mismatched_case(const BlockFacts& facts, Basis key_basis, double share) {
  const LengthInputs& in = facts.inputs;
  const bool proven = in.function == LengthFunction::sp_variable && in.receiver == hal::ReceiverKind::active &&
                      in.model.efficiency_mismatch > 0;
  if (!proven) return Error{Code::refused, "no proof for this receiver", {}, 0, {}};
  auto deltas = mismatch_deltas(in.model.efficiency_mismatch, 0, 0, false);
  if (!deltas) return Error{Code::refused, "no proof for this receiver", {}, 0, {}}.because(std::move(deltas).error());
  SpVariableInputs out = sp_case(facts, key_basis, share);
  out.bound = Bound::serfling;
  out.delta1 = deltas->delta1;
  out.delta2 = deltas->delta2;
  out.eps_at /= std::sqrt(3.0);  // eps_AT^2 = eps_ATa^2 + eps_ATb^2 + eps_ATc^2 (A6)
  out.eps_atb = out.eps_atc = out.eps_at;
  return LengthCase(out);
}

std::string json(const SpVariableInputs& in) {
  std::string text = fmt::format(
      R"({{"function":"sp_variable","inputs":{{"n":{},"k":{},"errors_k":{},"leak_ec":{},"eps_at":{},"eps_pa":{},)"
      R"("eps_ev":{},"bound":"{}","delta1":{},"delta2":{},"slack":{})",
      in.n, in.k, in.errors_k, in.leak_ec, in.eps_at, in.eps_pa, in.eps_ev, to_string(in.bound), in.delta1, in.delta2,
      in.slack);
  if (in.eps_atb) text += fmt::format(R"(,"eps_atb":{})", *in.eps_atb);
  if (in.eps_atc) text += fmt::format(R"(,"eps_atc":{})", *in.eps_atc);
  return text + "}}";
}

std::string json(const SpsG2Inputs& in) {
  return fmt::format(
      R"({{"function":"sps_g2","inputs":{{"sent_key":{},"sent_test":{},"n":{},"k":{},"errors_k":{},"p_multi":{},)"
      R"("leak_ec":{},"eps_at":{},"eps_pa":{},"eps_ev":{},"eps_mp":{},"bound":"{}"}}}})",
      in.sent_key, in.sent_test, in.n, in.k, in.errors_k, in.p_multi, in.leak_ec, in.eps_at, in.eps_pa, in.eps_ev,
      in.eps_mp, to_string(in.bound));
}

}  // namespace

Result<KeyLength> evaluate(const LengthCase& length_case) {
  if (const auto* sp = std::get_if<SpVariableInputs>(&length_case)) return sp_variable(*sp);
  return sps_g2(std::get<SpsG2Inputs>(length_case));
}

std::string to_json(const LengthCase& length_case) {
  return std::visit([](const auto& inputs) { return json(inputs); }, length_case);
}

bool mismatch_present(const hal::DeviceModel& model) noexcept {
  const bool declared = model.mismatch_provenance == hal::Provenance::declared && model.efficiency_mismatch != 0;
  return declared || !model.basis_independent_detection;
}

Result<LengthCase> length_case(const BlockFacts& facts, Basis key_basis, double share) {
  if (mismatch_present(facts.inputs.model)) return mismatched_case(facts, key_basis, share);
  if (facts.inputs.function == LengthFunction::sps_g2) return LengthCase(sps_case(facts, key_basis, share));
  return LengthCase(sp_case(facts, key_basis, share));
}

std::uint64_t preparation_cost(std::uint64_t key_bits, const hal::DeviceModel& model) noexcept {
  if (model.preparation_error_rad == 0) return 0;
  const double lost = 1 - preparation_quality(model.preparation_error_rad);
  return static_cast<std::uint64_t>(std::ceil(std::clamp(lost, 0.0, 1.0) * real(key_bits) * (1 + 1e-12)));
}

}  // namespace nicol::distillation
