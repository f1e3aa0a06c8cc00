// SPDX-License-Identifier: Apache-2.0
// An emulated bus of ELL14 mounts behind one FT230X adapter: everybody hears all, the one that is meant answers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/emulators/ell14_module.hpp"
#include "sim/emulators/emulator.hpp"

namespace nicol::sim {

struct Ell14BusConfig {
  std::vector<Ell14Config> modules = {Ell14Config{}};
  std::string adapter_serial = "DK0AHAJZ";
  bool stray_zeros = false;      // a zero byte before each reply
  bool presses_buttons = false;  // somebody plays with the buttons: BS and BO before each reply
  bool swaps_first_two = false;  // a wiring error: what is said to one is done by the other, who answers in its name
};

class Ell14Bus final : public SerialEmulator {
 public:
  explicit Ell14Bus(Ell14BusConfig config = {});

  SerialIdentity identity() const override;
  void receive(std::span<const std::uint8_t> bytes, Picoseconds now) override;
  void collect(std::vector<std::uint8_t>& out, Picoseconds now) override;
  Picoseconds next_due() const override;
  void power_cycle() override;

  std::size_t modules() const { return modules_.size(); }
  Ell14Module& module(std::size_t i) { return modules_.at(i); }
  /// Where optic i stands at t, for the light that passes through it.
  Angle angle(std::size_t i, Picoseconds t) const { return modules_.at(i).angle(t); }

 private:
  void hear(char c, Picoseconds now);
  void drop_unfinished(Picoseconds now);
  void run(Picoseconds now);
  void run_for(std::size_t i, char as, Picoseconds now);
  std::size_t hands(std::size_t i) const;  // whose motor turns when i is meant

  const Ell14BusConfig config_;
  std::vector<Ell14Module> modules_;
  std::string command_;  // heard so far: address, two letters, data
  Picoseconds heard_;    // the first character of it
  Picoseconds now_;
};

}  // namespace nicol::sim
