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

/// The same behind its USB plug.
struct Pm100Emulator {
  explicit Pm100Emulator(const Pm100Config& config = {});
  Pm100Instrument meter;
  UsbTmcDevice usb;
};

}  // namespace nicol::sim
