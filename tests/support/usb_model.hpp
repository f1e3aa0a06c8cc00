// SPDX-License-Identifier: Apache-2.0
// One USB device as usbfs shows it: what its descriptors answer to every ioctl, with the emulator behind its endpoints.
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "tests/support/fake_usb.hpp"
#include "tests/support/scaled_clock.hpp"
#include "tests/support/usb_bus.hpp"
#include "tests/support/usb_handle.hpp"
#include "tests/support/usb_traffic.hpp"

namespace nicol::test {

/// Thread-safe. The emulator is called under the device's lock, by whoever submits a transfer or by a thread that waits
/// for what the emulator will have to say. After unplug() it is called no more.
class UsbModel : public std::enable_shared_from_this<UsbModel> {
 public:
  UsbModel(sim::UsbEmulator& emulator, FakeUsb::Options options);
  ~UsbModel();
  UsbModel(const UsbModel&) = delete;
  UsbModel& operator=(const UsbModel&) = delete;

  void plug(const std::string& port);
  void unplug();
  void replug(const std::string& new_port);
  /// Ends the thread. To be called before the emulator goes.
  void stop();

  Opened open();
  std::optional<int> ioctl(UsbHandle& handle, unsigned long request, void* argument);
  void close(UsbHandle& handle);

  void set_faults(sim::FaultPlan plan);
  void stall(std::uint8_t endpoint);
  void hold_settings();
  void let_go();
  int held() const;
  bool plugged() const;
  int claimed() const;
  int open_transfers() const;
  int alternate_setting() const;
  std::uint64_t transfers(sim::FaultSide side) const;
  Picoseconds now() const { return clock_.now(); }
  void locked(const std::function<void()>& f);
  void kick();

 private:
  // All with the lock held:
  void plug_in(const std::string& port);
  void pull_cable();
  void power_cycle(const std::string& new_port);
  void serve();
  bool serve_once(Picoseconds now);
  void serve_endpoint_zero(UsbHandle& handle);
  int answer(std::span<std::uint8_t> transfer);
  int standard_request(std::span<const std::uint8_t> setup, std::span<std::uint8_t> data);
  int submit(UsbHandle& handle, usbdevfs_urb* urb);
  int claim(UsbHandle& handle, unsigned interface);
  int set_interface(const usbdevfs_setinterface& wanted);
  int reset();
  int reap(UsbHandle& handle, void* argument);
  void configure();

  void watch(const std::stop_token& stop);
  void wait_while_held();

  sim::UsbEmulator& emulator_;
  const FakeUsb::Options options_;
  const ScaledClock clock_;

  mutable std::mutex mutex_;  // guards all below, and the emulator
  UsbLayout layout_;
  UsbTraffic traffic_;
  UsbListed listing_;  // null: unplugged
  std::string port_;
  std::vector<UsbHandle*> handles_;
  std::map<unsigned, unsigned> alternates_;  // by interface
  unsigned last_alternate_ = 0;

  mutable std::mutex hold_mutex_;  // guards holding_ and held_; taken with no other
  std::condition_variable let_go_;
  bool holding_ = false;
  int held_ = 0;

  std::mutex wake_mutex_;  // guards kicked_; taken with no other or after mutex_
  std::condition_variable_any wake_;
  bool kicked_ = false;
  std::jthread watcher_;  // last: it uses the others
};

}  // namespace nicol::test
