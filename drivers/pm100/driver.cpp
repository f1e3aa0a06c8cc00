// SPDX-License-Identifier: Apache-2.0
#include "drivers/pm100/driver.hpp"

#include <fmt/core.h>

namespace nicol::pm100 {
namespace {

using hal::DeviceArgs;
using transport::UsbInfo;

Result<std::vector<UsbInfo>> meters(transport::Hub& hub, const DeviceArgs& args) {
  const auto usb = hub.usb();
  if (!usb) return usb.error();
  const auto serial = args.find("serial");
  std::vector<UsbInfo> found;
  for (UsbInfo& info : (*usb)->list())
    if (info.vendor_id == kVendor && info.product_id == kProduct &&
        (serial == args.end() || serial->second == info.serial))
      found.push_back(std::move(info));
  return found;
}

Result<std::vector<DeviceArgs>> find(transport::Hub& hub, const DeviceArgs& args) {
  const auto found = meters(hub, args);
  if (!found) return found.error();
  std::vector<DeviceArgs> entries;
  for (const UsbInfo& info : *found) {
    DeviceArgs entry{{"driver", "pm100"}, {"port", info.port}};
    entry.emplace("model", info.product.empty() ? "PM100D" : info.product);
    if (!info.serial.empty()) entry.emplace("serial", info.serial);
    if (!info.accessible)
      entry.emplace("missing", fmt::format("you may not open {}: install Nicol's udev rules", info.port));
    entries.push_back(std::move(entry));
  }
  return entries;
}

Result<std::unique_ptr<hal::Device>> make(transport::Hub& hub, const DeviceArgs& args, const Timing& timing) {
  const auto found = meters(hub, args);
  if (!found) return found.error();
  if (found->empty()) return Error{Code::not_found, "no such power meter is plugged in"};
  if (found->size() > 1)
    return Error{Code::bad_input, fmt::format("{} power meters are plugged in: name serial=", found->size())};
  const auto usb = hub.usb();
  if (!usb) return usb.error();
  const transport::UsbTmcOptions options{{kVendor, kProduct, found->front().serial}, true};
  auto meter = Meter::open(
      [&](transport::OnLink on_link) { return transport::open_usbtmc(**usb, options, &hub.log(), std::move(on_link)); },
      timing);
  if (!meter) return std::move(meter).error();
  return std::unique_ptr<hal::Device>(*std::move(meter));
}

}  // namespace

hal::Driver driver(transport::Hub& hub, const Timing& timing) {
  hal::Driver d;
  d.name = "pm100";
  d.kinds = {hal::DeviceKind::power_meter};
  d.find = [&hub](const DeviceArgs& args, Deadline) { return find(hub, args); };
  d.make = [&hub, timing](const DeviceArgs& args) { return make(hub, args, timing); };
  return d;
}

}  // namespace nicol::pm100
