// SPDX-License-Identifier: Apache-2.0
// A USB bus that unmodified libusb-1.0 enumerates, opens and drives, with hot-plug. Link it into the executable
// (default symbol visibility, ENABLE_EXPORTS). Not modelled: controller timing, NAK back-pressure, kernel drivers.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "sim/emulators/emulator.hpp"
#include "sim/emulators/fault_plan.hpp"

namespace nicol::test {

/// One device on the bus with an emulator behind it.
class FakeUsb {
 public:
  struct Options {
    std::string port = "1-1";  // sysfs name
    double time_scale = 1;
    int speed_mbit = 480;
    Picoseconds latency;      // of each transfer from the device, up to
    sim::FaultPlan faults;    // by transfer: FaultSide::to_device counts OUT, from_device counts IN, endpoint 0 not
    bool denied = false;      // open() says EACCES
    bool claim_busy = false;  // another program has the interface
    bool bad_descriptors = false;
    bool reset_reenumerates = false;
  };
  FakeUsb(sim::UsbEmulator& emulator, Options options);  // plugged in
  ~FakeUsb();
  FakeUsb(const FakeUsb&) = delete;
  FakeUsb& operator=(const FakeUsb&) = delete;

  void unplug();
  void replug(const std::string& new_port = "");
  void set_faults(sim::FaultPlan plan);
  void stall(std::uint8_t endpoint);  // until CLEAR_HALT
  /// From now on claiming, setting and clearing wait, as when the device does not answer them; until let_go().
  void hold_settings();
  void let_go();
  int held() const;  // that wait so now
  bool plugged() const;
  int claimed() const;         // interfaces held now
  int open_transfers() const;  // submitted, not reaped
  int alternate_setting() const;
  std::uint64_t transfers(sim::FaultSide side) const;
  Picoseconds now() const;
  void locked(const std::function<void()>& f);
  /// The emulator has news (it was changed from outside): serve what waits.
  void kick();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Fails loudly (std::logic_error) when libusb does not see the fakes: enumerates a fake 1209:0001.
void check_usb_interposition();

}  // namespace nicol::test
