// SPDX-License-Identifier: Apache-2.0
#include "drivers/example/driver.hpp"

#include <fmt/core.h>

#include "drivers/example/shutter.hpp"

namespace nicol::example {
namespace {

using Args = hal::DeviceArgs;

/// By what its descriptors say; a port that is named may be any.
bool matches(const transport::SerialPortInfo& info, const Args& args) {
  const auto serial = args.find("serial"), port = args.find("port");
  if (serial != args.end() && serial->second != info.serial) return false;
  return port == args.end() ? info.product == "Example Shutter" : port->second == info.port;
}

Result<std::vector<Args>> find(const Args& args) {
  std::vector<Args> found;
  for (const auto& info : transport::list_serial_ports()) {
    if (!matches(info, args)) continue;
    Args device{{"driver", "example"}, {"model", "Shutter"}, {"serial", info.serial}, {"port", info.port}};
    if (!info.accessible) device["missing"] = fmt::format("permission for {}: join the group dialout", info.port);
    found.push_back(std::move(device));
  }
  return found;
}

Result<std::unique_ptr<hal::Device>> make(const Args& args, transport::WireLog& log) {
  for (const auto& info : transport::list_serial_ports()) {
    if (!matches(info, args)) continue;
    auto shutter = Shutter::open(transport::address_of(info), &log);
    if (!shutter) return std::move(shutter).error();
    return std::unique_ptr<hal::Device>(*std::move(shutter));
  }
  return Error{Code::not_found, "no such Example Shutter is plugged in: `nicol devices` lists what is"};
}

}  // namespace

hal::Driver driver(transport::Hub& hub) {
  return {"example",
          {hal::DeviceKind::shutter},
          [](const Args& args, Deadline) { return find(args); },
          [&hub](const Args& args) { return make(args, hub.log()); }};
}

}  // namespace nicol::example
