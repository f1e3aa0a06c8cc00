// SPDX-License-Identifier: Apache-2.0
// The contract over instruments that lie. Each must fail a case that CMakeLists.txt names.
#include "tests/instruments/scpi_bench.hpp"

namespace nicol::hal_contract {
namespace {

template <class Config, class Mutant>
Config with(Mutant mutant) {
  Config config;
  config.mutant = mutant;
  return config;
}

const hal::DeviceArgs kTwoChannels{{"channels", "2"}};
const Fixture kLaser = test::fixture_of<test::LaserBench>(
    "LaserIgnoresOff", with<sim::ScpiLaserConfig>(sim::ScpiLaserMutant::ignores_off));
const Fixture kPulser = test::fixture_of<test::PulserBench>(
    "PulserIgnoresOff", with<sim::Qc9530Config>(sim::Qc9530Mutant::ignores_off), kTwoChannels);
const Fixture kSwapped = test::fixture_of<test::PulserBench>(
    "PulserSwapsChannels", with<sim::Qc9530Config>(sim::Qc9530Mutant::swaps_channels), kTwoChannels);
const Fixture kZero =
    test::fixture_of<test::MeterBench>("MeterIgnoresZero", with<sim::Pm100Config>(sim::Pm100Mutant::ignores_zero));
const Fixture kWavelength = test::fixture_of<test::MeterBench>(
    "MeterIgnoresWavelength", with<sim::Pm100Config>(sim::Pm100Mutant::ignores_wavelength));

INSTANTIATE_TEST_SUITE_P(Mutant, PhotonSourceContract, testing::Values(kLaser, kPulser), fixture_name);
INSTANTIATE_TEST_SUITE_P(Mutant, DeviceContract, testing::Values(kSwapped), fixture_name);
INSTANTIATE_TEST_SUITE_P(Mutant, PowerMeterContract, testing::Values(kZero, kWavelength), fixture_name);

}  // namespace
}  // namespace nicol::hal_contract
