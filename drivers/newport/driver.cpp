// SPDX-License-Identifier: Apache-2.0
// Looking for controllers: a CONEX-CC has a USB identity of its own, an SMC100 hides behind any RS-232 adapter.
#include "drivers/newport/driver.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "drivers/newport/stage.hpp"

namespace nicol::newport {
namespace {

using transport::SerialPortInfo;

constexpr std::uint16_t kNewport = 0x104D, kConex = 0x3000;

std::vector<SerialPortInfo> adapters(const hal::DeviceArgs& args) {
  const std::string port = hal::argument(args, "port"),
                    adapter = hal::argument(args, "adapter", hal::argument(args, "serial"));
  std::vector<SerialPortInfo> found, any;
  for (const SerialPortInfo& info : transport::list_serial_ports()) {
    const bool conex = info.vendor_id == kNewport && info.product_id == kConex;
    if (conex) any.push_back(info);
    if (port.empty() ? !adapter.empty() && info.serial == adapter : info.port == port) found.push_back(info);
  }
  const bool named = !port.empty() || args.contains("adapter");
  return found.empty() && !named ? any : found;
}

Result<Controller::Options> options_of(const hal::DeviceArgs& args) {
  Controller::Options options;
  const std::string model = hal::argument(args, "model", "conex-cc"), axis = hal::argument(args, "address", "1");
  if (model == "smc100") {
    options.baud = 57'600;
    options.flow = transport::FlowControl::xon_xoff;
  } else if (model != "conex-cc") {
    return Error{Code::bad_input, fmt::format("model \"{}\" is neither conex-cc nor smc100", model)};
  }
  const auto number = parse_number(axis);
  if (!number || *number < 1 || *number > 31 || *number != static_cast<int>(*number))
    return Error{Code::bad_input, fmt::format("address \"{}\" is not an axis number 1..31", axis)};
  options.axis = static_cast<int>(*number);
  return options;
}

Result<std::unique_ptr<Controller>> open(Controller::Options options, const SerialPortInfo& where, const Timing& timing,
                                         transport::WireLog* log) {
  options.where = where;
  options.timing = timing;
  options.log = log;
  return Controller::open(options);
}

void probe(hal::DeviceArgs& entry, const Controller::Options& options, const SerialPortInfo& where,
           const Timing& timing, transport::WireLog* log) {
  auto controller = open(options, where, timing, log);
  const auto version =
      controller ? (*controller)->ask(request::plain(options.axis, "VE"), "VE") : Result<Reply>(controller.error());
  if (version)
    entry.insert_or_assign(
        "model", version->value.substr(std::min(version->value.find_first_not_of(' '), version->value.size())));
  else
    entry.emplace("error", describe(version.error()));
}

Result<std::vector<hal::DeviceArgs>> find(const hal::DeviceArgs& args, const Timing& timing, transport::WireLog* log) {
  const auto options = options_of(args);
  if (!options) return options.error();
  std::vector<hal::DeviceArgs> entries;
  for (const SerialPortInfo& where : adapters(args)) {
    hal::DeviceArgs entry{{"driver", "newport"}, {"port", where.port}};
    if (!where.product.empty()) entry.emplace("model", where.product);
    if (!where.serial.empty()) entry.emplace("serial", where.serial);
    if (!where.accessible)
      entry.emplace("missing", fmt::format("you may not open {}: join the group dialout, or install Nicol's udev rules",
                                           where.port));
    else if (hal::argument(args, "probe") == "1")
      probe(entry, *options, where, timing, log);
    entries.push_back(std::move(entry));
  }
  return entries;
}

Result<std::unique_ptr<hal::Device>> make(const hal::DeviceArgs& args, const Timing& timing, transport::WireLog* log) {
  const auto options = options_of(args);
  if (!options) return options.error();
  const auto places = adapters(args);
  if (places.empty())
    return Error{Code::not_found, "no such controller is plugged in: name port= (an SMC100 hides behind its adapter)"};
  if (places.size() > 1)
    return Error{Code::bad_input, fmt::format("{} controllers are plugged in: name serial= or port=", places.size())};
  const std::string serial = hal::argument(args, "serial", places.front().serial);
  if (serial.empty())
    return Error{Code::bad_input, "neither controller nor adapter tells a serial number: give it a name with serial="};
  auto controller = open(*options, places.front(), timing, log);
  if (!controller) return std::move(controller).error();
  auto stage = Stage::make(*std::move(controller), serial);
  if (!stage) return std::move(stage).error();
  return std::unique_ptr<hal::Device>(*std::move(stage));
}

}  // namespace

hal::Driver driver(transport::Hub& hub, const Timing& timing) {
  hal::Driver d;
  d.name = "newport";
  d.kinds = {hal::DeviceKind::rotation_stage};
  d.find = [&hub, timing](const hal::DeviceArgs& args, Deadline) { return find(args, timing, &hub.log()); };
  d.make = [&hub, timing](const hal::DeviceArgs& args) { return make(args, timing, &hub.log()); };
  return d;
}

}  // namespace nicol::newport
