// SPDX-License-Identifier: Apache-2.0
// How long the key of a block may be: the proof that applies to this rig, the formula, and a last look whether the
// answer can be true at all.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <span>

#include "controller/distillation/amplification.hpp"
#include "controller/distillation/length_case.hpp"

namespace nicol::distillation {
namespace {

constexpr std::array kRectilinearOnly = {Basis::rectilinear};

std::span<const Basis> key_bases(const LengthInputs& in) {
  if (in.key_bases == KeyBases::both) return detection::kBases;
  return kRectilinearOnly;
}

/// A preparation that the uncertainty relation does not cover: basis states half-way to one another or worse.
bool preparation_in_proof(const hal::DeviceModel& model) {
  return std::abs(model.preparation_error_rad) < std::numbers::pi / 4;  // false for NaN
}

Error broken(std::string message) { return {Code::internal, std::move(message), {}, 0, {}}; }

/// The counts of a block must be possible before a formula is asked about them.
Result<void> check_facts(const BlockFacts& facts) {
  std::uint64_t key_bits = 0;
  for (const Basis basis : detection::kBases) {
    const std::size_t b = index(basis);
    key_bits += facts.key_bits[b];
    if (facts.sample[b].errors > facts.sample[b].bits) return broken("more sample errors than sample bits");
    if (facts.key_bits[b] + facts.sample[b].bits > facts.sifted[b]) return broken("key and sample share bits");
    if (!(facts.sample_share[b] >= 0 && facts.sample_share[b] <= 1)) return broken("sample share is no probability");
  }
  if (facts.inputs.key_bases == KeyBases::rectilinear && facts.key_bits[index(Basis::diagonal)] != 0)
    return broken("diagonal key bits where only rectilinear ones make key");
  if (facts.ledger.cost(sifting::LeakClass::preparation) < preparation_cost(key_bits, facts.inputs.model))
    return broken("the leak ledger lacks the cost of the preparation");
  return {};
}

/// Shor & Preskill 2000 with everything known exactly: n (1 - h(e of the other basis)) - leak.
double asymptotic_length(const BlockFacts& facts) {
  double length = -static_cast<double>(facts.ledger.total_cost());
  for (const Basis basis : key_bases(facts.inputs)) {
    const BasisCounts& test = facts.sample[index(other(basis))];
    const double observed = test.bits == 0 ? 1 : static_cast<double>(test.errors) / static_cast<double>(test.bits);
    length += static_cast<double>(facts.key_bits[index(basis)]) * (1 - phase_entropy(observed));
  }
  return length;
}

void set_phase_bound(LengthDecision& decision, Basis key_basis, const KeyLength& length) {
  decision.phase_bound[index(key_basis)] = length.phase;
}

Result<void> from_one_basis(LengthDecision& decision, const BlockFacts& facts, Basis key_basis) {
  auto inputs = length_case(facts, key_basis, 1);
  if (!inputs) return inputs.error();
  auto length = evaluate(*inputs);
  if (!length) return length.error();
  decision.keylength_case = to_json(*inputs);
  decision.length = *std::move(length);
  set_phase_bound(decision, key_basis, decision.length);
  return {};
}

/// l = sum_b |K_b| (1 - h(w_b/|K_b|)) - leak - 2 log2(1/2 eps_PA) - log2(2/eps_EV), tails eps_AT^2/2 each (DESIGN 6.5);
/// with tagged rounds |K_b| is n1 of that basis. A basis without a bound adds nothing.
Result<void> from_both_bases(LengthDecision& decision, const BlockFacts& facts) {
  double unknown_to_eve = 0, size = static_cast<double>(facts.ledger.total_cost());
  std::string abort;
  int bounded = 0;
  for (const Basis basis : detection::kBases) {
    auto inputs = length_case(facts, basis, 0.5);
    if (!inputs) return inputs.error();
    auto part = evaluate(*inputs);
    if (!part) return part.error();
    set_phase_bound(decision, basis, *part);
    if (!part->abort.empty()) {
      abort = part->abort;
      continue;
    }
    const double n = std::isnan(part->n1) ? static_cast<double>(facts.key_bits[index(basis)]) : part->n1;
    unknown_to_eve += n * (1 - phase_entropy(part->phase));
    size += n;
    ++bounded;
  }
  KeyLength& length = decision.length;
  if (bounded == 0) {
    length.abort = abort;
    return {};
  }
  const Epsilons& eps = facts.inputs.epsilon;
  length.ell = unknown_to_eve - static_cast<double>(facts.ledger.total_cost()) - fixed_cost(eps.pa, eps.ev);
  length.bits = static_cast<std::uint64_t>(std::floor(std::max(0.0, length.ell - rounding_margin(size))));
  return {};
}

std::string_view provenance(hal::Provenance p) { return p == hal::Provenance::measured ? "measured" : "declared"; }

/// What the rig did not measure is said with the key (DESIGN.md 6, defaults).
std::vector<std::string> notes_of(const LengthInputs& in) {
  const hal::DeviceModel& model = in.model;
  std::vector<std::string> notes;
  const bool measured = model.mismatch_provenance == hal::Provenance::measured;
  if (mismatch_present(model))
    notes.push_back(fmt::format("efficiency mismatch |D| <= {} ({}), equal dark counts assumed",
                                model.efficiency_mismatch, provenance(model.mismatch_provenance)));
  else if (measured)
    notes.push_back(fmt::format("equal efficiencies assumed; measured |D| <= {}", model.efficiency_mismatch));
  else
    notes.emplace_back("equal efficiencies assumed");
  if (in.function == LengthFunction::sps_g2)
    notes.push_back(fmt::format("mu, g2 {}", provenance(model.source_provenance)));
  notes.push_back(fmt::format("preparation quality q = {:.6g} {}", preparation_quality(model.preparation_error_rad),
                              provenance(model.preparation_provenance)));
  for (const std::string& name : model.calibrations) notes.push_back(fmt::format("calibration {}", name));
  return notes;
}

Result<void> evaluate_into(LengthDecision& decision, const BlockFacts& facts) {
  if (facts.inputs.key_bases == KeyBases::both) return from_both_bases(decision, facts);
  return from_one_basis(decision, facts, Basis::rectilinear);
}

}  // namespace

EpsilonRecord security_of(const LengthInputs& inputs) noexcept {
  const Epsilons& eps = inputs.epsilon;
  EpsilonRecord record;
  // 2 eps_AT + eps_PA (1.2 A4); 2 sqrt(eps_AT^2 + 2 eps_MP^2) + eps_PA where rounds are tagged (1.7).
  const double tagged = inputs.function == LengthFunction::sps_g2 ? 2 * eps.mp * eps.mp : 0;
  record.sec = 2 * std::sqrt(eps.at * eps.at + tagged) + eps.pa;
  // A measured limit on what is tagged is one with a chance to fail (amendment 4).
  if (tagged > 0 && inputs.model.source_provenance == hal::Provenance::measured) record.sec += hal::kSourceRisk;
  record.cor = eps.ev;
  record.total = record.sec + record.cor;
  return record;
}

Result<LengthDecision> decide_length(const BlockFacts& facts) {
  if (auto bad = check_facts(facts); !bad) return bad.error();
  LengthDecision decision;
  decision.phase_bound = {kAbsent, kAbsent};
  decision.notes = notes_of(facts.inputs);
  if (!preparation_in_proof(facts.inputs.model)) {
    decision.length.abort = "preparation outside the proof";
    return decision;
  }
  if (auto done = evaluate_into(decision, facts); !done) {
    if (done.error().code != Code::refused) return done.error();
    decision.length.abort = done.error().message;  // no proof, therefore no key
    return decision;
  }
  const double asymptotic = asymptotic_length(facts);
  if (decision.length.bits > 0 && decision.length.ell > asymptotic)
    return broken(fmt::format("length {} exceeds the asymptotic {}", decision.length.ell, asymptotic));
  if (decision.length.bits <= kCheckBits) return decision;
  decision.output_bits = decision.length.bits;
  decision.secret_bits = decision.output_bits - kCheckBits;
  return decision;
}

}  // namespace nicol::distillation
