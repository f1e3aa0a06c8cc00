// SPDX-License-Identifier: Apache-2.0
// Who is plugged in, by the adapter's descriptors alone, and which face it gets.
#include "drivers/apt/driver.hpp"

#include <fmt/core.h>

#include <charconv>
#include <cmath>

#include "drivers/apt/flip_mirror.hpp"
#include "drivers/apt/paddles.hpp"
#include "drivers/apt/rotation_stage.hpp"

namespace nicol::apt {
namespace {

constexpr std::uint16_t kVendor = 0x0403, kProduct = 0xfaf0;

Result<double> number(const hal::DeviceArgs& args, std::string_view key, double otherwise, hal::Range range) {
  const std::string text = hal::argument(args, key);
  if (text.empty()) return otherwise;
  double value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc{} || end != text.data() + text.size() || !range.contains(value))
    return Error{Code::bad_input, fmt::format("{}={} is not a number in {}..{}", key, text, range.min, range.max)};
  return value;
}

bool is_apt(const transport::SerialPortInfo& port) { return port.vendor_id == kVendor && port.product_id == kProduct; }

bool wanted(const hal::DeviceArgs& args, const transport::SerialPortInfo& port) {
  return is_apt(port) && (hal::argument(args, "serial").empty() || hal::argument(args, "serial") == port.serial) &&
         (hal::argument(args, "port").empty() || hal::argument(args, "port") == port.port);
}

hal::DeviceArgs described(const transport::SerialPortInfo& port) {
  hal::DeviceArgs found{{"driver", "apt"}, {"serial", port.serial}, {"port", port.port}};
  if (const Model* model = model_of_serial(port.serial)) {
    found["model"] = model->name;
    found["kind"] = hal::to_string(kind_of(model->family));
  }
  if (!port.accessible)
    found["missing"] = "permission for " + port.port + ": install Nicol's udev rules, or join the group dialout";
  return found;
}

Result<std::vector<hal::DeviceArgs>> find(const hal::DeviceArgs& args, Deadline) {
  std::vector<hal::DeviceArgs> found;
  for (const transport::SerialPortInfo& port : transport::list_serial_ports())
    if (wanted(args, port)) found.push_back(described(port));
  return found;
}

Result<transport::SerialPortInfo> the_one(const hal::DeviceArgs& args) {
  std::vector<transport::SerialPortInfo> fit;
  for (transport::SerialPortInfo& port : transport::list_serial_ports())
    if (wanted(args, port)) fit.push_back(std::move(port));
  if (fit.size() == 1) return std::move(fit.front());
  if (fit.empty())
    return Error{
        Code::not_found,
        fmt::format("no APT controller (USB 0403:faf0) with serial \"{}\" is plugged in: check cable and supply",
                    hal::argument(args, "serial"))};
  return Error{Code::bad_input, fmt::format("{} APT controllers are plugged in: say which with serial=", fit.size())};
}

Result<const Model*> model_for(const hal::DeviceArgs& args, const transport::SerialPortInfo& port) {
  const std::string named = hal::argument(args, "model");
  const Model* model = named.empty() ? model_of_serial(port.serial) : model_named(named);
  if (model != nullptr) return model;
  return Error{Code::not_supported,
               fmt::format("nothing is known of an APT controller with serial {}{}{}: give model=, one of {}",
                           port.serial, named.empty() ? "" : " and model ", named, known_models()),
               port.serial,
               0,
               {}};
}

Result<std::unique_ptr<hal::Device>> make(const hal::DeviceArgs& args, transport::Hub& hub) {
  const Result<double> settle = number(args, "settle_ms", 50, {0, 1000, 0});
  const Result<double> backlash = number(args, "backlash", 0, {0, 10, 0});
  const Result<double> closed = number(args, "closed", 1, {1, 2, 1});
  for (const auto* value : {&settle, &backlash, &closed})
    if (!*value) return value->error();
  if (*closed != 1 && *closed != 2) return Error{Code::bad_input, "closed is 1 or 2"};
  Result<transport::SerialPortInfo> port = the_one(args);
  if (!port) return std::move(port).error();
  const Result<const Model*> model = model_for(args, *port);
  if (!model) return model.error();
  ControllerOptions options{*port,        (*model)->family, *model,
                            port->serial, &hub.log(),       std::chrono::milliseconds(std::lround(*settle))};
  Result<std::unique_ptr<Controller>> controller = Controller::open(std::move(options));
  if (!controller) return std::move(controller).error();
  switch ((*model)->family) {
    case Family::rotation_stage:
      return RotationStage::make(*std::move(controller), Angle::degrees(*backlash));
    case Family::paddles:
      return Paddles::make(*std::move(controller));
    case Family::flip_mirror:
      break;
  }
  return FlipMirror::make(*std::move(controller), *closed == 1 ? FlipMirror::Position::one : FlipMirror::Position::two);
}

}  // namespace

hal::Driver driver(transport::Hub& hub) {
  return {"apt",
          {hal::DeviceKind::rotation_stage, hal::DeviceKind::polarization_controller, hal::DeviceKind::shutter},
          [](const hal::DeviceArgs& args, Deadline deadline) { return find(args, deadline); },
          [&hub](const hal::DeviceArgs& args) { return make(args, hub); }};
}

}  // namespace nicol::apt
