// SPDX-License-Identifier: Apache-2.0
// Every worked example of the functions that exist, with all its intermediate values.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>

#include "tests/unit/distillation/length_inputs_json.hpp"

namespace nicol::distillation {
namespace {

using nlohmann::json;

std::map<std::string, double> numbers(const KeyLength& r) {
  return {{"ell", r.ell},
          {"phase", r.phase},
          {"gamma_serf", r.gamma_serf},
          {"gamma1", r.gamma1},
          {"gamma2", r.gamma2},
          {"w_max", r.w_max},
          {"mp_key", r.mp_key},
          {"mp_test", r.mp_test},
          {"n1", r.n1},
          {"k1", r.k1},
          {"bits", static_cast<double>(r.bits)}};
}

std::map<std::string, double> pure_function(const json& one) {
  const auto& in = one.at("inputs");
  const std::string name = one.at("function");
  if (name == "hypergeom_key_errors")
    return {{"value",
             static_cast<double>(hypergeom_key_errors(in.at("n"), in.at("k"), in.at("c"), in.at("p_fail")).value())}};
  if (name == "ekey_kl") return {{"value", ekey_kl(in.at("n"), in.at("k"), in.at("c"), in.at("p_fail")).value()}};
  if (name == "subset_unnoticed") return {{"value", subset_unnoticed(in.at("k"), in.at("f"))}};
  if (name == "mismatch_deltas") {
    const auto d = mismatch_deltas(in.at("delta_eta"), in.at("delta_dc"), in.at("dc"), in.at("random_swap")).value();
    return {{"delta1", d.delta1}, {"delta2", d.delta2}};
  }
  return {};
}

void expect_agreement(const json& one, const std::map<std::string, double>& found) {
  for (const auto& [name, expected] : one.at("expected").items()) {
    if (name == "abort") continue;
    ASSERT_TRUE(found.contains(name)) << one.at("id") << " " << name;
    const double value = expected.get<double>();
    const double tolerance = name == "bits" ? 1 : std::max(1e-12, 1e-6 * std::abs(value));
    EXPECT_NEAR(found.at(name), value, tolerance) << one.at("id") << " " << name;
  }
}

TEST(WorkedExamples, AgreeInEveryIntermediateValue) {
  std::ifstream file(NICOL_SHARED_DIR "/data/keylength_examples.json");
  if (!file) GTEST_SKIP() << "worked examples are not here";
  const json examples = json::parse(file);
  int run = 0;
  for (const json& one : examples.at("cases")) {
    const std::string name = one.at("function");
    const bool length = name == "sp_variable" || name == "sps_g2";
    auto found = pure_function(one);
    if (length) {
      const KeyLength result = testing::run_case(one);
      EXPECT_EQ(result.abort, one.at("expected").at("abort").get<std::string>()) << one.at("id");
      found = numbers(result);
    }
    if (found.empty()) continue;
    expect_agreement(one, found);
    ++run;
  }
  EXPECT_GE(run, 21);
}

}  // namespace
}  // namespace nicol::distillation
