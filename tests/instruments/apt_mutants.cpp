// SPDX-License-Identifier: Apache-2.0
// The contract over controllers that lie. Each must fail a case that CMakeLists.txt names.
#include "tests/hal_contract/fixture.hpp"
#include "tests/instruments/apt_bench.hpp"

namespace nicol::hal_contract {
namespace {

Fixture mutant(std::string name, sim::AptModel model, sim::AptMutant kind) {
  return {std::move(name), [model, kind] {
            sim::AptOptions options = test::apt_model(model);
            options.mutant = kind;
            return test::apt_contract_bench(options);
          }};
}

INSTANTIATE_TEST_SUITE_P(Mutant, RotationStageContract,
                         testing::Values(mutant("IgnoresMoves", sim::AptModel::k10cr1, sim::AptMutant::ignores_moves),
                                         mutant("EchoesTarget", sim::AptModel::kdc101, sim::AptMutant::echoes_target)),
                         fixture_name);
INSTANTIATE_TEST_SUITE_P(Mutant, PolarizationControllerContract,
                         testing::Values(mutant("SwapsPaddles", sim::AptModel::mpc320, sim::AptMutant::swaps_paddles)),
                         fixture_name);
INSTANTIATE_TEST_SUITE_P(Mutant, ShutterContract,
                         testing::Values(mutant("IgnoresMoves", sim::AptModel::mff101, sim::AptMutant::ignores_moves)),
                         fixture_name);

}  // namespace
}  // namespace nicol::hal_contract
