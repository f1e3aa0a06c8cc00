// SPDX-License-Identifier: Apache-2.0
#include "tests/support/emulated_pump.hpp"

#include <fmt/format.h>

#include <cmath>

namespace nicol::test {
namespace {

constexpr const char *kSerial = "M00312450", *kOven = "SPDCSDR-42", *kOvenPort = "ttyOVEN0";
constexpr double kThresholdAmperes = 0.04, kWattsPerAmpere = 0.8, kMilliwatts = 1e3;
constexpr double kOvenHaste = 10;      // a crystal takes minutes
constexpr double kColdByKelvin = 0.2;  // when it is switched on

sim::ScpiLaserConfig diode() {
  sim::ScpiLaserConfig config;
  config.serial = kSerial;
  config.threshold = kThresholdAmperes;
  config.watts_per_ampere = kWattsPerAmpere;
  config.settling = 1;
  return config;
}

sim::SpdcOptions crystal(const sim::Scenario::Source::Pairs& source) {
  sim::SpdcOptions options;
  options.serial = kOven;
  options.ambient = source.oven_c - kColdByKelvin;
  return options;
}

FakeUsb::Options usb_options() {
  FakeUsb::Options options;
  options.port = "1-3";
  return options;
}

FakeTty::Options tty_options() {
  FakeTty::Options options;
  options.name = kOvenPort;
  options.time_scale = kOvenHaste;
  return options;
}

}  // namespace

EmulatedPump::EmulatedPump(const sim::Scenario::Source::Pairs& source)
    : source_(source),
      laser_(diode()),
      oven_(crystal(source)),
      usb_(laser_.usb, usb_options()),
      tty_(oven_, tty_options()) {}

std::vector<service::RigDevice> EmulatedPump::devices() const {
  const double amperes = kThresholdAmperes + source_.pump_mw / kMilliwatts / kWattsPerAmpere;
  return {
      {{{"role", "pump"}, {"driver", "scpi-laser"}, {"serial", kSerial}, {"set.current", fmt::format("{}", amperes)}}},
      {{{"role", "oven"},
        {"driver", "s15-spdc"},
        {"serial", kOven},
        {"unit", "crystal"},
        {"set.temperature", fmt::format("{}", source_.oven_c)}}}};
}

double EmulatedPump::pairs_per_second() {
  double milliwatts = 0, off = 0;
  usb_.locked([&] { milliwatts = laser_.laser.optical_power(usb_.now()).value * kMilliwatts; });
  tty_.locked([&] { off = (oven_.crystal_temperature() - source_.oven_c) / source_.oven_width_c; });
  return milliwatts * source_.pairs_per_mw_s * std::exp(-off * off / 2);
}

bool EmulatedPump::shines() {
  bool shines = false;
  usb_.locked([&] { shines = laser_.laser.optical_power(usb_.now()).value > 0; });
  return shines;
}

void EmulatedPump::open_interlock() {
  usb_.locked([&] { laser_.laser.open_interlock(usb_.now()); });
}

}  // namespace nicol::test
