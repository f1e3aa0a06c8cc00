// SPDX-License-Identifier: Apache-2.0
#include <libusb-1.0/libusb.h>

#include <stdexcept>
#include <string>

#include "tests/support/fake_usb.hpp"

namespace nicol::test {
namespace {

constexpr std::uint16_t kVendor = 0x1209, kProduct = 0x0001;

class SilentUsb final : public sim::UsbEmulator {
 public:
  sim::UsbIdentity identity() const override {
    return {{18, 1, 0,  2, 0, 0,    0, 64,   0x09, 0x12, 0x01, 0x00, 0, 1, 1, 2, 3, 1,  // device 1209:0001
             9,  2, 18, 0, 1, 1,    0, 0x80, 50,                                        // configuration
             9,  4, 0,  0, 0, 0xff, 0, 0,    0},                                        // interface
            "check",
            "Nicol",
            "CHECK"};
  }
  int control(std::span<const std::uint8_t, 8>, std::span<std::uint8_t>, Picoseconds) override {
    return sim::kUsbStall;
  }
  int out(std::uint8_t, std::span<const std::uint8_t>, Picoseconds) override { return sim::kUsbStall; }
  int in(std::uint8_t, std::span<std::uint8_t>, Picoseconds) override { return 0; }
  void power_cycle() override {}
};

}  // namespace

void check_usb_interposition() {
  SilentUsb emulator;
  FakeUsb::Options options;
  options.port = "9-9";
  const FakeUsb device(emulator, options);
  libusb_context* context = nullptr;
  if (libusb_init(&context) != 0) throw std::logic_error("libusb does not start");
  libusb_device_handle* const handle = libusb_open_device_with_vid_pid(context, kVendor, kProduct);
  if (handle != nullptr) libusb_close(handle);
  libusb_exit(context);
  if (handle == nullptr)
    throw std::logic_error(
        "libusb does not open the fake 1209:0001: the executable does not stand between it and libc and libudev. Link "
        "nicol_fakes into the executable itself, with default symbol visibility and ENABLE_EXPORTS ON");
}

}  // namespace nicol::test
