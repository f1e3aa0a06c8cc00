// SPDX-License-Identifier: Apache-2.0
// The contract over boards that lie. CMake runs the cases named there and demands that they fail.
#include "tests/instruments/s15_spdc_bench.hpp"

namespace nicol::hal_contract {
namespace {

Fixture mutant(const std::string& name, const std::string& unit, sim::SpdcMutant kind) {
  return {name, [unit, kind] {
            sim::SpdcOptions options;
            options.mutant = kind;
            return test::spdc_contract_bench(unit, options);
          }};
}
const Fixture kNeverOff = mutant("IgnoresOff", "laser", sim::SpdcMutant::ignores_off);
const Fixture kCold = mutant("StaysCold", "crystal", sim::SpdcMutant::stays_cold);

INSTANTIATE_TEST_SUITE_P(Mutant, PhotonSourceContract, testing::Values(kNeverOff), fixture_name);
INSTANTIATE_TEST_SUITE_P(Mutant, TemperatureControllerContract, testing::Values(kCold), fixture_name);

}  // namespace
}  // namespace nicol::hal_contract
