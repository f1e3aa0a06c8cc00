// SPDX-License-Identifier: Apache-2.0
// The contract over a shutter that lies. It must fail the case that CMakeLists.txt names.
#include "tests/instruments/example_bench.hpp"

namespace nicol::hal_contract {
namespace {

const Fixture kLiar{"SaysOpenWhileClosed", [] {
                      sim::ExampleShutterOptions options;
                      options.mutant = sim::ExampleShutterMutant::says_open_while_closed;
                      return test::example_contract_bench(options);
                    }};
INSTANTIATE_TEST_SUITE_P(Mutant, ShutterContract, testing::Values(kLiar), fixture_name);

}  // namespace
}  // namespace nicol::hal_contract
