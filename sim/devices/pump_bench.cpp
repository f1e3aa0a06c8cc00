// SPDX-License-Identifier: Apache-2.0
#include "sim/devices/pump_bench.hpp"

#include <cmath>

namespace nicol::sim {
namespace {

constexpr double kMilliwatts = 1e3, kWattsPerAmpere = 0.8, kThresholdAmperes = 0.04;

}  // namespace

double pairs_per_second(const PumpBench& bench, const Scenario::Source::Pairs& source, Picoseconds t) {
  if (!bench.shutter->passes(t)) return 0;
  const double power = bench.pump->optical_power().value * kMilliwatts;
  if (power <= 0) return 0;
  const auto crystal = bench.oven->temperature();
  // An oven whose cable is pulled: nobody knows, and the phase matching is lost sooner or later.
  if (!crystal) return 0;
  const double off = (crystal->value - source.oven_c) / source.oven_width_c;
  return power * source.pairs_per_mw_s * std::exp(-off * off / 2);
}

PumpLaserConfig pump_config(const Scenario::Source::Pairs& source) {
  PumpLaserConfig config;
  config.watts_per_ampere = kWattsPerAmpere;
  config.threshold = {kThresholdAmperes};
  config.current = {kThresholdAmperes + source.pump_mw / kMilliwatts / kWattsPerAmpere};
  config.limit = {kThresholdAmperes + 3 * (config.current.value - kThresholdAmperes)};
  return config;
}

TemperatureConfig oven_config(const Scenario::Source::Pairs& source) {
  TemperatureConfig config;
  config.serial = "oven-0";
  config.set_point = {source.oven_c};
  return config;
}

}  // namespace nicol::sim
