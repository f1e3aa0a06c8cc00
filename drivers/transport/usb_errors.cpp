// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "drivers/transport/usb_impl.hpp"

namespace nicol::transport {

std::string name_of(const UsbInfo& info) {
  return fmt::format("usb {:04x}:{:04x} {}", info.vendor_id, info.product_id,
                     info.serial.empty() ? info.port : info.serial);
}

Error usb_gone(const UsbInfo& info) {
  return {Code::disconnected, name_of(info) + " was unplugged", name_of(info), LIBUSB_ERROR_NO_DEVICE, {}};
}

Error usb_open_error(const UsbInfo& info, int code) {
  const std::string name = name_of(info);
  switch (code) {
    case LIBUSB_ERROR_ACCESS:
      return {Code::access_denied,
              fmt::format("this user may not open {}: put `SUBSYSTEM==\"usb\", ATTR{{idVendor}}==\"{:04x}\", "
                          "MODE=\"0660\", TAG+=\"uaccess\"` into /etc/udev/rules.d/70-nicol.rules and plug it in again",
                          name, info.vendor_id),
              name,
              code,
              {}};
    case LIBUSB_ERROR_BUSY:
      return {Code::busy, fmt::format("another program holds {}: end it, then try again", name), name, code, {}};
    case LIBUSB_ERROR_NO_DEVICE:
      return usb_gone(info);
    default:
      return usb_error(info, "opening", code);
  }
}

Error usb_error(const UsbInfo& info, const std::string& doing, int code) {
  const std::string name = name_of(info);
  switch (code) {
    case LIBUSB_ERROR_NO_DEVICE:
      return usb_gone(info);
    case LIBUSB_ERROR_NOT_FOUND:
      return {Code::not_found, fmt::format("{} {}: it has no such endpoint or interface", doing, name), name, code, {}};
    case LIBUSB_ERROR_BUSY:
      return {Code::busy, fmt::format("{} {}: it is in use", doing, name), name, code, {}};
    case LIBUSB_ERROR_PIPE:
      return {Code::protocol, fmt::format("{} {}: it refuses that", doing, name), name, code, {}};
    default:
      return {Code::io, fmt::format("{} {}: {}", doing, name, libusb_error_name(code)), name, code, {}};
  }
}

}  // namespace nicol::transport
