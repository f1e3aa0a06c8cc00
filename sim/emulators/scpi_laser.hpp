// SPDX-License-Identifier: Apache-2.0
// An emulated laser driver with its cooler, in the manner of Thorlabs CLD101x and ITC4000: it has a supply of its own,
// so it stays as it is when its USB cable is pulled, light included.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "drivers/hal/units.hpp"
#include "sim/emulators/usbtmc_device.hpp"

namespace nicol::sim {

enum class ScpiLaserMutant : std::uint8_t {
  none,
  echoes_current,  // measures what it was set to, also while it is off
  ignores_off,     // takes OUTP1:STAT 0 without an error and stays on
};

struct ScpiLaserConfig {
  std::string model = "CLD1015", serial = "M00312450";
  std::uint16_t product_id = 0x804f;
  double limit = 0.2, most = 1.5;                     // A: set at the panel, and what the hardware can
  double threshold = 0.04, watts_per_ampere = 0.8;    // of the diode
  double ambient = 23, set_point = 25, settling = 5;  // C, C, s
  double soft_start = 3;                              // s
  ScpiLaserMutant mutant = ScpiLaserMutant::none;
};

class ScpiLaserInstrument final : public ScpiInstrument {
 public:
  explicit ScpiLaserInstrument(ScpiLaserConfig config);
  std::string execute(std::string_view line, Picoseconds now) override;
  void cable_pulled() override {}

  bool output_on() const { return on_; }
  double current_at(Picoseconds t) const;  // A, through the diode
  Watts optical_power(Picoseconds t) const;
  double temperature_at(Picoseconds t) const;
  double set_current() const { return current_; }
  bool cooler_on() const { return cooler_on_; }
  std::uint64_t times_switched_on() const { return times_on_; }
  /// What it was told, questions left out; the first thousand.
  const std::vector<std::string>& told() const { return told_; }

  void lock_key(Picoseconds now);  // the laser goes off
  void unlock_key() { key_locked_ = false; }
  void open_interlock(Picoseconds now);
  void close_interlock() { interlock_open_ = false; }
  void cycle_mains(Picoseconds now);  // its settings are lost
  void press_laser_button(Picoseconds now) { switch_laser("1", now); }
  void turn_limit_down(double amperes) { limit_ = amperes; }

 private:
  std::string obey(const ScpiCommand& command, Picoseconds now);
  std::string answer(const ScpiCommand& command, Picoseconds now);
  void set(const ScpiCommand& command, Picoseconds now);
  void switch_laser(std::string_view to, Picoseconds now);
  void switch_cooler(std::string_view to, Picoseconds now);
  void set_within(double& setting, const std::string& to, double least, double most);
  void go_off(Picoseconds now);
  void aim_temperature(Picoseconds now);

  const ScpiLaserConfig config_;
  ScpiErrorQueue errors_;
  bool on_ = false, cooler_on_ = false, key_locked_ = false, interlock_open_ = false;
  double current_ = 0, limit_, set_point_;
  double from_temperature_, to_temperature_;
  Picoseconds on_since_, aimed_at_;
  std::uint64_t times_on_ = 0;
  std::vector<std::string> told_;
};

/// The same behind its USB plug.
struct ScpiLaserEmulator {
  explicit ScpiLaserEmulator(const ScpiLaserConfig& config = {});
  ScpiLaserInstrument laser;
  UsbTmcDevice usb;
};

}  // namespace nicol::sim
