// SPDX-License-Identifier: Apache-2.0
// Who is on the bus, from what the kernel has already read: no device is opened, no running program disturbed.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "drivers/transport/usb_impl.hpp"

namespace nicol::transport {
namespace {

std::string sysfs_name(libusb_device* device) {
  std::array<std::uint8_t, 8> ports{};
  const int count = libusb_get_port_numbers(device, ports.data(), static_cast<int>(ports.size()));
  std::string name = fmt::format("{}-", libusb_get_bus_number(device));
  for (int i = 0; i < count; ++i) name += fmt::format("{}{}", i == 0 ? "" : ".", ports[static_cast<std::size_t>(i)]);
  return name;
}

std::string sysfs_attribute(const std::string& name, const char* attribute) {
  const std::string path = fmt::format("/sys/bus/usb/devices/{}/{}", name, attribute);
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  std::array<char, 512> text{};
  const ssize_t got = ::read(fd, text.data(), text.size());
  ::close(fd);
  std::string value(text.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  while (!value.empty() && (value.back() == '\n' || value.back() == '\0')) value.pop_back();
  return value;
}

bool is_hub(libusb_device* device) {
  libusb_device_descriptor d{};
  return libusb_get_device_descriptor(device, &d) != 0 || d.bDeviceClass == LIBUSB_CLASS_HUB;
}

bool fits(const UsbMatch& match, const UsbInfo& info) {
  return info.vendor_id == match.vendor_id && info.product_id == match.product_id &&
         (match.serial.empty() || info.serial == match.serial);
}

Error not_there(const UsbMatch& match, const std::vector<std::string>& there, const char* why) {
  return {Code::not_found,
          fmt::format("{} {:04x}:{:04x}{}{}; on the bus: {}", why, match.vendor_id, match.product_id,
                      match.serial.empty() ? "" : " ", match.serial,
                      there.empty() ? "nothing" : fmt::format("{}", fmt::join(there, ", "))),
          "",
          0,
          {}};
}

void take_endpoint(UsbInterface& found, const libusb_endpoint_descriptor& endpoint) {
  if ((endpoint.bmAttributes & 3) != LIBUSB_TRANSFER_TYPE_BULK) return;
  if ((endpoint.bEndpointAddress & LIBUSB_ENDPOINT_IN) == 0) {
    found.bulk_out = endpoint.bEndpointAddress;
    return;
  }
  found.bulk_in = endpoint.bEndpointAddress;
  found.packet = endpoint.wMaxPacketSize;
}

UsbInterface interface_of(const libusb_interface_descriptor& descriptor) {
  UsbInterface found;
  found.number = descriptor.bInterfaceNumber;
  found.alternate_setting = descriptor.bAlternateSetting;
  for (std::uint8_t i = 0; i < descriptor.bNumEndpoints; ++i) take_endpoint(found, descriptor.endpoint[i]);
  return found;
}

}  // namespace

UsbInfo describe(libusb_device* device) {
  libusb_device_descriptor d{};
  libusb_get_device_descriptor(device, &d);
  UsbInfo info;
  info.vendor_id = d.idVendor;
  info.product_id = d.idProduct;
  const std::string name = sysfs_name(device);
  info.port = "usb " + name;
  // After a quick replug another device may have the port already: its strings are not this one's.
  if (sysfs_attribute(name, "devnum") == fmt::format("{}", libusb_get_device_address(device))) {
    info.product = sysfs_attribute(name, "product");
    info.manufacturer = sysfs_attribute(name, "manufacturer");
    info.serial = sysfs_attribute(name, "serial");
  }
  const std::string node =
      fmt::format("/dev/bus/usb/{:03}/{:03}", libusb_get_bus_number(device), libusb_get_device_address(device));
  info.accessible = access(node.c_str(), R_OK | W_OK) == 0;
  return info;
}

std::vector<DeviceRef> devices_of(libusb_context* context) {
  libusb_device** listed = nullptr;
  const ssize_t count = libusb_get_device_list(context, &listed);
  std::vector<DeviceRef> devices;
  for (ssize_t i = 0; i < count; ++i)
    if (!is_hub(listed[i])) devices.emplace_back(libusb_ref_device(listed[i]));
  if (listed != nullptr) libusb_free_device_list(listed, 1);
  return devices;
}

Result<DeviceRef> find_device(libusb_context* context, const UsbMatch& match) {
  std::vector<std::string> there;
  std::vector<DeviceRef> fitting;
  for (DeviceRef& device : devices_of(context)) {
    const UsbInfo info = describe(device.get());
    there.push_back(name_of(info));
    if (fits(match, info)) fitting.push_back(std::move(device));
  }
  if (fitting.empty()) return not_there(match, there, "there is no");
  if (fitting.size() > 1) return not_there(match, there, "name a serial number, there are several");
  return std::move(fitting.front());
}

std::vector<UsbInfo> UsbContext::list() const {
  std::vector<UsbInfo> infos;
  const auto devices = devices_of(impl_->context);
  infos.reserve(devices.size());
  for (const DeviceRef& device : devices) infos.push_back(describe(device.get()));
  std::sort(infos.begin(), infos.end(), [](const auto& a, const auto& b) { return a.port < b.port; });
  return infos;
}

Result<UsbInterface> UsbContext::find_interface(const UsbMatch& match, std::uint8_t device_class,
                                                std::uint8_t subclass) const {
  auto device = find_device(impl_->context, match);
  if (!device) return std::move(device).error();
  const UsbInfo info = describe(device->get());
  libusb_config_descriptor* raw = nullptr;
  if (const int code = libusb_get_active_config_descriptor(device->get(), &raw); code != 0)
    return usb_error(info, "reading the descriptors of", code);
  const std::unique_ptr<libusb_config_descriptor, ConfigFree> config(raw);
  for (std::uint8_t i = 0; i < config->bNumInterfaces; ++i) {
    const libusb_interface& settings = config->interface[i];
    for (int k = 0; k < settings.num_altsetting; ++k)
      if (settings.altsetting[k].bInterfaceClass == device_class &&
          settings.altsetting[k].bInterfaceSubClass == subclass)
        return interface_of(settings.altsetting[k]);
  }
  return Error{Code::not_found,
               fmt::format("{} has no interface of class {:02x}/{:02x}", name_of(info), device_class, subclass),
               name_of(info),
               0,
               {}};
}

}  // namespace nicol::transport
