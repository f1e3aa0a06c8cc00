// SPDX-License-Identifier: Apache-2.0
// An emulated optical power meter: light and an offset fall on its sensor, a zero adjustment takes its time.
#pragma once

#include <cstdint>
#include <string>

#include "drivers/hal/units.hpp"
#include "sim/emulators/usbtmc_device.hpp"

namespace nicol::sim {

enum class Pm100Mutant : std::uint8_t {
  none,
  ignores_wavelength,  // takes it without an error and keeps the old one
  ignores_zero,        // says that it has adjusted and has not
};

struct Pm100Config {
  std::string model = "PM100D", serial = "P0012345";
  double shortest = 400, longest = 1100;  // nm, of the sensor
  double offset = 3e-9;                   // W, until it is zeroed
  double zeroing = 2;                     // s
  Pm100Mutant mutant = Pm100Mutant::none;
};

class Pm100Instrument final : public ScpiInstrument {
 public:
  explicit Pm100Instrument(Pm100Config config);
  std::string execute(std::string_view line, Picoseconds now) override;
  void cable_pulled() override;  // it lives on its cable

  void shine(Watts light) { light_ = light.value; }
  std::uint64_t zeroed() const { return zeroed_; }

 private:
  std::string answer(const ScpiCommand& command, Picoseconds now);
  void set(const ScpiCommand& command, Picoseconds now);
  std::string setting(const std::string& which, double value, double least, double most) const;
  void settle(Picoseconds now);

  const Pm100Config config_;
  ScpiErrorQueue errors_;
  double light_ = 0, wavelength_ = 635, beam_ = 5, zero_ = 0;
  bool zeroing_ = false;
  Picoseconds done_at_;
  std::uint64_t zeroed_ = 0;
};

class Pm100Emulator final : public UsbEmulator {
 public:
  explicit Pm100Emulator(const Pm100Config& config = {});
  UsbIdentity identity() const override { return usb_.identity(); }
  int control(std::span<const std::uint8_t, 8> setup, std::span<std::uint8_t> data, Picoseconds now) override {
    return usb_.control(setup, data, now);
  }
  int out(std::uint8_t endpoint, std::span<const std::uint8_t> bytes, Picoseconds now) override {
    return usb_.out(endpoint, bytes, now);
  }
  int in(std::uint8_t endpoint, std::span<std::uint8_t> into, Picoseconds now) override {
    return usb_.in(endpoint, into, now);
  }
  Picoseconds next_due() const override { return usb_.next_due(); }
  void power_cycle() override { usb_.power_cycle(); }

  Pm100Instrument& meter() { return meter_; }
  UsbTmcDevice& usb() { return usb_; }

 private:
  Pm100Instrument meter_;
  UsbTmcDevice usb_;
};

}  // namespace nicol::sim
