// SPDX-License-Identifier: Apache-2.0
// USB over libusb: one context and one event thread, devices known by vendor, product and serial number, streams with
// several transfers in flight, and an unplug that every call sees.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "drivers/hal/device.hpp"
#include "drivers/transport/wire_log.hpp"

namespace nicol::transport {

struct UsbInfo {
  std::uint16_t vendor_id = 0, product_id = 0;
  std::string product, manufacturer, serial;  // from sysfs: nothing is opened
  std::string port;                           // "usb 1-1.4"
  bool accessible = true;
};
struct UsbMatch {
  std::uint16_t vendor_id = 0, product_id = 0;
  std::string serial;  // empty: the only one, else not_found says which there are
};

/// An interface of a device as its descriptors tell it.
struct UsbInterface {
  int number = 0, alternate_setting = 0;
  std::uint8_t bulk_out = 0, bulk_in = 0;  // endpoint addresses, 0 where there is none
  std::size_t packet = 64;                 // bytes, of bulk_in
};

class UsbContext {
 public:
  static Result<std::unique_ptr<UsbContext>> create(WireLog* log);
  ~UsbContext();
  UsbContext(const UsbContext&) = delete;
  UsbContext& operator=(const UsbContext&) = delete;
  /// Passive.
  std::vector<UsbInfo> list() const;
  /// The first interface of that class on the device. Passive too. not_found.
  Result<UsbInterface> find_interface(const UsbMatch& match, std::uint8_t device_class, std::uint8_t subclass) const;

  struct Impl;
  Impl& impl() { return *impl_; }

 private:
  explicit UsbContext(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

struct UsbSetup {
  std::uint8_t request_type = 0, request = 0;
  std::uint16_t value = 0, index = 0;
};

/// One claimed interface. Calls are thread-safe and bounded by their deadline. After an unplug every call returns
/// `disconnected`; when the same identity comes back it is opened and claimed again (by a worker: one that stalls
/// delays no other device's transfers), and on_link says so (event thread: must neither wait for a transfer nor open or
/// destroy a device). Streams are destroyed before their device.
class UsbDevice {
 public:
  struct Options {
    UsbMatch match;
    int interface = 0, alternate_setting = 0;
    std::function<void(hal::Link)> on_link;
  };
  /// not_found, access_denied (with the udev rule that helps), busy (claimed by another program).
  static Result<std::unique_ptr<UsbDevice>> open(UsbContext& context, Options options);
  ~UsbDevice();

  hal::Link link() const noexcept;
  UsbInfo info() const;
  /// All of it, or an error; a stall is cleared and comes back as `protocol`.
  Result<void> bulk_out(std::uint8_t endpoint, std::span<const std::uint8_t> bytes, Deadline deadline);
  /// One transfer: what a short packet or a full buffer ended. timeout leaves nothing behind.
  Result<std::size_t> bulk_in(std::uint8_t endpoint, std::span<std::uint8_t> into, Deadline deadline);
  Result<std::size_t> control(const UsbSetup& setup, std::span<std::uint8_t> data, Deadline deadline);
  Result<void> clear_halt(std::uint8_t endpoint);

  struct StreamOptions {
    std::size_t transfers = 8, bytes = std::size_t{32} * 1024;   // in flight; a multiple of the packet size each
    std::function<void(std::span<const std::uint8_t>)> on_data;  // event thread, in order, must not wait
    std::function<void(Error)> on_end;                           // once: unplugged, stalled for good
  };
  /// Keeps transfers in flight until destroyed. Their buffers are private (locked, wiped): what comes may be key.
  class Stream {
   public:
    virtual ~Stream() = default;
  };
  Result<std::unique_ptr<Stream>> stream(std::uint8_t endpoint, StreamOptions options);

  struct Impl;

 private:
  explicit UsbDevice(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace nicol::transport
