// SPDX-License-Identifier: Apache-2.0
// What the USB files of this room share: the context with its event thread, one device, and how libusb's codes read.
#pragma once

#include <libusb-1.0/libusb.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "drivers/transport/usb.hpp"

namespace nicol::transport {

struct DeviceUnref {
  void operator()(libusb_device* device) const { libusb_unref_device(device); }
};
struct ConfigFree {
  void operator()(libusb_config_descriptor* config) const { libusb_free_config_descriptor(config); }
};
using DeviceRef = std::unique_ptr<libusb_device, DeviceUnref>;

/// Every device on the bus but hubs.
std::vector<DeviceRef> devices_of(libusb_context* context);
/// From the cached descriptor and sysfs.
UsbInfo describe(libusb_device* device);
Result<DeviceRef> find_device(libusb_context* context, const UsbMatch& match);
std::string name_of(const UsbInfo& info);

Error usb_open_error(const UsbInfo& info, int code);
Error usb_gone(const UsbInfo& info);
Error usb_error(const UsbInfo& info, const std::string& doing, int code);

struct UsbContext::Impl {
  libusb_context* context = nullptr;
  WireLog* log = nullptr;
  std::mutex jobs_mutex;  // guards jobs
  std::vector<std::function<void()>> jobs;
  std::mutex devices_mutex;  // guards devices; held while the event thread looks after them
  std::vector<UsbDevice::Impl*> devices;
  std::mutex chores_mutex;  // guards chores
  std::condition_variable_any chore_came;
  std::deque<std::function<void()>> chores;
  std::atomic<bool> stopping{false};
  std::thread thread;
  std::jthread worker;

  ~Impl();
  Result<void> start();
  /// f() on the event thread, outside any libusb callback. Not from a signal; noexcept because callbacks call it.
  void post(std::function<void()> job) noexcept;
  /// f() on the worker, in order: what may wait for a device (opening, claiming, clearing) and must not delay others.
  void delegate(std::function<void()> chore) noexcept;
  void wake() noexcept;
  bool on_event_thread() const { return std::this_thread::get_id() == thread.get_id(); }
  void note(const UsbInfo& info, std::string_view text) const;

 private:
  void run();
  void run_jobs();
  void run_chores(const std::stop_token& stop);
  bool look_after_devices();
  void arrived();
  void left(libusb_device* device);
  static int LIBUSB_CALL on_hotplug(libusb_context*, libusb_device* device, libusb_hotplug_event event,
                                    void* self) noexcept;
};

struct UsbDevice::Impl {
  UsbContext::Impl& context;
  Options options;
  UsbMatch identity;  // the serial number that was found, where the caller named none
  std::atomic<hal::Link> link{hal::Link::disconnected};
  mutable std::mutex mutex;  // guards the rest
  std::condition_variable idle;
  UsbInfo info;
  DeviceRef device;
  libusb_device_handle* handle = nullptr;
  int in_flight = 0;                         // transfers that use the handle
  hal::Link told = hal::Link::disconnected;  // what on_link knows
  bool opening = true;                       // by whoever makes it, or by the worker
  bool departed = false;                     // `device` has left since it was found
  std::chrono::steady_clock::time_point next_look;
  std::string trouble;  // why it did not open when it was looked for last; the worker's

  Impl(UsbContext::Impl& c, Options o) : context(c), options(std::move(o)), identity(options.match) {}
  ~Impl();
  Result<void> connect();
  /// The device does not answer any more: found out by whoever found out first.
  void lost() noexcept;
  /// Its libusb_device is no more.
  void left() noexcept;
  /// The event thread, after each turn: tells, and has it looked for. True while it is gone.
  bool look_after();

  /// The handle, which stays open until release(). disconnected.
  Result<libusb_device_handle*> acquire();
  void release() noexcept;
  UsbInfo described() const {
    const std::lock_guard lock(mutex);
    return info;
  }

 private:
  void tell();
  void close(libusb_device_handle* closing) const;
  void reopen();
};

}  // namespace nicol::transport
