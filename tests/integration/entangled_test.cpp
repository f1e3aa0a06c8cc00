// SPDX-License-Identifier: Apache-2.0
// BBM92 end to end: a simulated pair source, two nodes, coincidences over two free-running clocks, the same key on both
// sides.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/integration/program.hpp"

namespace nicol::test {
namespace {

using nlohmann::json;

class Entangled : public testing::TestWithParam<const char*> {};

TEST_P(Entangled, PairsBecomeTheSameKeyOnBothSides) {
  const Outcome o = nicol({"run", "--scenario", GetParam(), "--blocks", "2", "--seed", "3", "--json"});
  ASSERT_EQ(o.exit, 0) << o.err << o.out;
  const json j = json::parse(o.out);
  EXPECT_EQ(j["protocol"], "bbm92");
  EXPECT_TRUE(j["keys_match"].get<bool>());
  ASSERT_EQ(j["blocks"].size(), 2U);
  for (const json& block : j["blocks"]) {
    EXPECT_EQ(block["status"], "key") << block.dump();
    EXPECT_GT(block["secret_bits"].get<int>(), 1000);
    EXPECT_LT(block["qber"]["rectilinear"].get<double>(), 0.05);
    EXPECT_LT(block["qber"]["diagonal"].get<double>(), 0.05);
  }
}

INSTANTIATE_TEST_SUITE_P(Scenarios, Entangled, testing::Values("entangled", "entangled-pulsed"));

}  // namespace
}  // namespace nicol::test
