// SPDX-License-Identifier: Apache-2.0
// The devices on the fake bus as sysfs lists them, and the news of arrivals and departures.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "sim/emulators/emulator.hpp"
#include "tests/support/interpose.hpp"

namespace nicol::test {

class UsbModel;

/// One plugging-in of one device. Never changes.
struct UsbListing {
  std::string port;  // "1-1"
  int address = 0;   // on bus 1
  int speed_mbit = 480;
  bool denied = false;
  sim::UsbIdentity identity;
  std::shared_ptr<UsbModel> model;

  std::string node() const;     // "/dev/bus/usb/001/002"
  std::string syspath() const;  // "/sys/bus/usb/devices/1-1"
  /// Contents of a sysfs attribute.
  std::optional<std::string> attribute(std::string_view name) const;
};
using UsbListed = std::shared_ptr<const UsbListing>;  // the bus, events under way, libusb's devices

struct UsbNews {
  const char* action = nullptr;  // "add", "remove"
  UsbListed listing;
};

/// Who listens for arrivals; its descriptor is readable while there is news.
class UsbMonitor {
 public:
  UsbMonitor();
  ~UsbMonitor();
  UsbMonitor(const UsbMonitor&) = delete;
  UsbMonitor& operator=(const UsbMonitor&) = delete;
  int descriptor() const { return event_; }
  void post(UsbNews news);
  std::optional<UsbNews> take();

 private:
  int event_;
  std::mutex mutex_;  // guards news_
  std::deque<UsbNews> news_;
};

/// Thread-safe; never calls into a device with its lock held.
class UsbBus {
 public:
  static UsbBus& instance();
  int next_address();
  void arrive(const UsbListed& listing);
  void leave(const UsbListed& listing);
  std::vector<UsbListed> listings() const;

  UsbMonitor* listen();
  void stop_listening(const UsbMonitor* monitor);

 private:
  void tell(const UsbNews& news);
  mutable std::mutex mutex_;  // guards all below
  std::vector<UsbListed> listings_;
  std::vector<std::unique_ptr<UsbMonitor>> monitors_;
  int last_address_ = 1;
};

}  // namespace nicol::test
