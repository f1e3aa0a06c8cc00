// SPDX-License-Identifier: Apache-2.0
// A host program's side of a USB device, through libusb and nothing of ours.
#pragma once

#include <libusb-1.0/libusb.h>

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace nicol::test {

/// One context; opens the box 1209:0042 and claims interface 0 when told to.
class UsbHost {
 public:
  using Bytes = std::vector<std::uint8_t>;
  struct Received {
    int status = 0;  // LIBUSB_ERROR_*
    Bytes bytes;
  };

  UsbHost() { libusb_init(&context_); }
  ~UsbHost() {
    close();
    libusb_exit(context_);
  }
  UsbHost(const UsbHost&) = delete;
  UsbHost& operator=(const UsbHost&) = delete;

  libusb_context* context() const { return context_; }
  libusb_device_handle* handle() const { return handle_; }

  /// libusb's word on opening, or on claiming.
  int open() {
    libusb_device** list = nullptr;
    const auto count = libusb_get_device_list(context_, &list);
    int status = LIBUSB_ERROR_NOT_FOUND;
    for (libusb_device* device : std::span(list, static_cast<std::size_t>(count < 0 ? 0 : count))) {
      libusb_device_descriptor d{};
      libusb_get_device_descriptor(device, &d);
      if (d.idVendor == 0x1209 && d.idProduct == 0x0042) status = libusb_open(device, &handle_);
    }
    libusb_free_device_list(list, 1);
    return status == 0 ? libusb_claim_interface(handle_, 0) : status;
  }
  void close() {
    if (handle_ != nullptr) libusb_close(handle_);
    handle_ = nullptr;
  }
  int send(std::uint8_t endpoint, Bytes bytes, unsigned milliseconds = 1000) const {
    return libusb_bulk_transfer(handle_, endpoint, bytes.data(), static_cast<int>(bytes.size()), nullptr, milliseconds);
  }
  Received receive(std::uint8_t endpoint, std::size_t size, unsigned milliseconds = 1000) const {
    Received r{0, Bytes(size)};
    int got = 0;
    r.status = libusb_bulk_transfer(handle_, endpoint, r.bytes.data(), static_cast<int>(size), &got, milliseconds);
    r.bytes.resize(static_cast<std::size_t>(got));
    return r;
  }
  std::string text(std::uint8_t index) const {
    unsigned char ascii[128]{};
    const int n = libusb_get_string_descriptor_ascii(handle_, index, ascii, sizeof ascii);
    return n > 0 ? std::string(ascii, ascii + n) : std::string();
  }
  /// Lets libusb work until f() or two seconds.
  template <class F>
  bool until(F f) const {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
    while (std::chrono::steady_clock::now() < end) {
      if (f()) return true;
      timeval slice{0, 2000};
      libusb_handle_events_timeout_completed(context_, &slice, nullptr);
    }
    return false;
  }

 private:
  libusb_context* context_ = nullptr;
  libusb_device_handle* handle_ = nullptr;
};

}  // namespace nicol::test
