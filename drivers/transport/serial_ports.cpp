// SPDX-License-Identifier: Apache-2.0
// Which serial adapters there are. Nothing is opened: programs that run keep their ports, boards are not reset.
#include <fmt/format.h>
#include <libserialport.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "drivers/transport/serial_port.hpp"

namespace nicol::transport {
namespace {

std::string or_empty(const char* text) { return text != nullptr ? text : ""; }

SerialPortInfo describe_port(const sp_port* port) {
  SerialPortInfo info;
  info.port = or_empty(sp_get_port_name(port));
  int vendor = 0, product = 0;
  if (sp_get_port_transport(port) == SP_TRANSPORT_USB && sp_get_port_usb_vid_pid(port, &vendor, &product) == SP_OK) {
    info.vendor_id = static_cast<std::uint16_t>(vendor);
    info.product_id = static_cast<std::uint16_t>(product);
    info.product = or_empty(sp_get_port_usb_product(port));
    info.manufacturer = or_empty(sp_get_port_usb_manufacturer(port));
    info.serial = or_empty(sp_get_port_usb_serial(port));
  }
  info.accessible = access(info.port.c_str(), R_OK | W_OK) == 0;
  return info;
}

bool same_name(const std::string& wanted, const std::string& port) {
  if (wanted == port) return true;
  std::error_code missing;  // /dev/serial/by-id/… is a link to the port
  return std::filesystem::canonical(wanted, missing) == port && !missing;
}

bool matches(const SerialAddress& address, const SerialPortInfo& info) {
  if (address.serial.empty()) return same_name(address.port, info.port);
  return info.serial == address.serial && (address.vendor_id == 0 || info.vendor_id == address.vendor_id) &&
         (address.product_id == 0 || info.product_id == address.product_id);
}

std::string named(const SerialAddress& address) {
  if (address.serial.empty()) return address.port;
  return fmt::format("adapter {:04x}:{:04x} {}", address.vendor_id, address.product_id, address.serial);
}

std::string named(const SerialPortInfo& info) {
  if (info.vendor_id == 0) return info.port;
  return fmt::format("{} ({:04x}:{:04x} {})", info.port, info.vendor_id, info.product_id, info.serial);
}

}  // namespace

std::vector<SerialPortInfo> list_serial_ports() {
  sp_port** ports = nullptr;
  if (sp_list_ports(&ports) != SP_OK) return {};
  std::vector<SerialPortInfo> found;
  for (sp_port** port = ports; *port != nullptr; ++port) found.push_back(describe_port(*port));
  sp_free_port_list(ports);
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.port < b.port; });
  return found;
}

SerialAddress address_of(const SerialPortInfo& info) {
  return {info.port, info.vendor_id, info.product_id, info.serial};
}

Result<SerialPortInfo> find_serial_port(const SerialAddress& address) {
  const auto ports = list_serial_ports();
  const auto found = std::find_if(ports.begin(), ports.end(), [&](const auto& p) { return matches(address, p); });
  if (found != ports.end()) return *found;
  std::vector<std::string> there;
  there.reserve(ports.size());
  for (const SerialPortInfo& info : ports) there.push_back(named(info));
  return Error{Code::not_found,
               fmt::format("no {}; there {}", named(address),
                           there.empty() ? "is no serial port" : fmt::format("are {}", fmt::join(there, ", "))),
               address.port,
               0,
               {}};
}

}  // namespace nicol::transport
