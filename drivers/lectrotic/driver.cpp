// SPDX-License-Identifier: Apache-2.0
#include "drivers/lectrotic/driver.hpp"

#include <fmt/core.h>

#include "drivers/lectrotic/tagger.hpp"

namespace nicol::lectrotic {
namespace {

using Args = hal::DeviceArgs;

constexpr std::uint16_t kVendor = 0x1209, kProduct = 0x71c4;

/// By its USB identity; a port that is named may be any.
bool matches(const transport::SerialPortInfo& info, const Args& args) {
  const auto serial = args.find("serial"), port = args.find("port");
  if (serial != args.end() && serial->second != info.serial) return false;
  if (port != args.end()) return port->second == info.port;
  return info.vendor_id == kVendor && info.product_id == kProduct;
}

Result<std::vector<Args>> find(const Args& args) {
  std::vector<Args> found;
  for (const auto& info : transport::list_serial_ports()) {
    if (!matches(info, args)) continue;
    Args device{{"driver", "lectrotic"}, {"model", "LectroTIC-4"}, {"serial", info.serial}, {"port", info.port}};
    if (!info.accessible)
      device["missing"] = fmt::format("permission for {}: group dialout, or our udev rule", info.port);
    found.push_back(std::move(device));
  }
  return found;
}

Result<std::unique_ptr<hal::Device>> make(const Args& args, transport::WireLog& log) {
  for (const auto& info : transport::list_serial_ports()) {
    if (!matches(info, args)) continue;
    auto tagger = Tagger::open({transport::address_of(info), &log});
    if (!tagger) return std::move(tagger).error();
    return std::unique_ptr<hal::Device>(*std::move(tagger));
  }
  return Error{Code::not_found, "no such LectroTIC-4 is plugged in: `nicol devices` lists what is", "lectrotic", 0, {}};
}

}  // namespace

hal::Driver driver(transport::Hub& hub) {
  return {"lectrotic",
          {hal::DeviceKind::time_tagger},
          [](const Args& args, Deadline) { return find(args); },
          [&hub](const Args& args) { return make(args, hub.log()); }};
}

}  // namespace nicol::lectrotic
