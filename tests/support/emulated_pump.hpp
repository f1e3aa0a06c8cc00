// SPDX-License-Identifier: Apache-2.0
// A bought laser driver and a bought crystal oven before a crystal that only the simulator knows: what they really do
// says how many pairs are made.
#pragma once

#include "controller/service/config.hpp"
#include "sim/emulators/s15_spdc.hpp"
#include "sim/emulators/scpi_laser.hpp"
#include "sim/scenario/scenario.hpp"
#include "tests/support/fake_tty.hpp"
#include "tests/support/fake_usb.hpp"

namespace nicol::test {

class EmulatedPump {
 public:
  explicit EmulatedPump(const sim::Scenario::Source::Pairs& source);

  /// As entries of rig.devices: the pump at the current of the scenario's power, the oven at its temperature.
  std::vector<service::RigDevice> devices() const;
  /// Made now. Any thread.
  double pairs_per_second();

  FakeUsb& laser_cable() { return usb_; }
  FakeTty& oven_cable() { return tty_; }
  bool shines();
  void open_interlock();

 private:
  const sim::Scenario::Source::Pairs source_;
  sim::ScpiLaserEmulator laser_;
  sim::SpdcEmulator oven_;
  FakeUsb usb_;
  FakeTty tty_;
};

}  // namespace nicol::test
