// SPDX-License-Identifier: Apache-2.0
// Reads a case of `nicol keylength` in a test, so that texts and worked examples can be run through the formulas.
#pragma once

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "controller/distillation/keylength.hpp"

namespace nicol::distillation::testing {

inline Bound bound_of(const nlohmann::json& in) {
  const std::string name = in.value("bound", "hypergeom");
  for (const Bound bound : {Bound::hypergeom, Bound::kl, Bound::serfling})
    if (name == to_string(bound)) return bound;
  throw std::invalid_argument("bound " + name);
}

inline SpVariableInputs sp_inputs(const nlohmann::json& in) {
  SpVariableInputs out;
  out.n = in.at("n"), out.k = in.at("k"), out.errors_k = in.at("errors_k"), out.leak_ec = in.at("leak_ec");
  out.eps_at = in.at("eps_at"), out.eps_pa = in.at("eps_pa"), out.eps_ev = in.at("eps_ev");
  out.bound = bound_of(in);
  out.delta1 = in.value("delta1", 0.0), out.delta2 = in.value("delta2", 0.0), out.slack = in.value("slack", 0.0);
  if (in.contains("eps_atb")) out.eps_atb = in.at("eps_atb").get<double>();
  if (in.contains("eps_atc")) out.eps_atc = in.at("eps_atc").get<double>();
  return out;
}

inline SpsG2Inputs sps_inputs(const nlohmann::json& in) {
  SpsG2Inputs out;
  out.sent_key = in.at("sent_key"), out.sent_test = in.at("sent_test"), out.p_multi = in.at("p_multi");
  out.n = in.at("n"), out.k = in.at("k"), out.errors_k = in.at("errors_k"), out.leak_ec = in.at("leak_ec");
  out.eps_at = in.at("eps_at"), out.eps_pa = in.at("eps_pa"), out.eps_ev = in.at("eps_ev");
  out.eps_mp = in.at("eps_mp");
  out.bound = bound_of(in);
  return out;
}

/// Runs {"function":…,"inputs":{…}} of one of the two length functions.
inline KeyLength run_case(const nlohmann::json& one) {
  const auto& in = one.at("inputs");
  if (one.at("function") == "sp_variable") return sp_variable(sp_inputs(in)).value();
  if (one.at("function") == "sps_g2") return sps_g2(sps_inputs(in)).value();
  throw std::invalid_argument("function " + one.at("function").get<std::string>());
}

}  // namespace nicol::distillation::testing
