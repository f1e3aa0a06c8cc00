// SPDX-License-Identifier: Apache-2.0
#include "drivers/tdc1/driver.hpp"

#include <fmt/format.h>

#include "drivers/tdc1/tagger.hpp"

namespace nicol::tdc1 {
namespace {

using Args = hal::DeviceArgs;

bool says_tdc1(const transport::SerialPortInfo& port) {
  return port.product.find("TDC1") != std::string::npos || port.serial.starts_with("TDC1");
}

Terminator terminator_of(const std::string& serial) {
  return serial == "TDC1-0049" ? Terminator::twice : Terminator::once;
}

/// Opens the port and asks; what does not answer is no TDC1, or in use.
bool answers(const transport::SerialPortInfo& port) {
  TaggerOptions options;
  options.where = transport::address_of(port);
  options.ring = 16;
  return Tagger::open(std::move(options)).ok();
}

Result<std::vector<Args>> find(const Args& args, Deadline deadline) {
  const bool probe = hal::argument(args, "probe") == "1";
  const std::string wanted = hal::argument(args, "serial"), wanted_port = hal::argument(args, "port");
  std::vector<Args> found;
  for (const auto& port : transport::list_serial_ports()) {
    if ((!wanted.empty() && port.serial != wanted) || (!wanted_port.empty() && port.port != wanted_port)) continue;
    if (SteadyDeadlines().passed(deadline)) break;
    const bool cdc = port.port.starts_with("/dev/ttyACM");
    if (!says_tdc1(port) && !(probe && cdc && port.accessible && answers(port))) continue;
    Args device{{"driver", "tdc1"}, {"model", "TDC1"}, {"serial", port.serial}, {"port", port.port}};
    if (!port.accessible)
      device["missing"] = fmt::format("permission for {}: group dialout, or our udev rule", port.port);
    found.push_back(std::move(device));
  }
  return found;
}

/// The index of a word among its options; bad_input names both.
Result<std::size_t> choice(const Args& args, std::string_view key, std::span<const std::string_view> options) {
  const std::string text = hal::argument(args, key, options.front());
  for (std::size_t i = 0; i < options.size(); ++i)
    if (options[i] == text) return i;
  return Error{Code::bad_input, fmt::format("{}={} is none of {}", key, text, fmt::join(options, ", ")), "tdc1", 0, {}};
}

Result<TaggerOptions> options_of(const Args& args) {
  constexpr std::array<std::string_view, 3> kClocks{"automatic", "external", "internal"};
  constexpr std::array<std::string_view, 2> kWatches{"in_stream", "at_stop"}, kTerminators{"once", "twice"};
  TaggerOptions options;
  const auto level = parse_level_setting(hal::argument(args, "level", "0.5"));
  if (!level) return level.error();
  const auto clock = choice(args, "clock", kClocks);
  if (!clock) return clock.error();
  const auto watch = choice(args, "watch", kWatches);
  if (!watch) return watch.error();
  const auto terminator = choice(args, "terminator", kTerminators);
  if (!terminator) return terminator.error();
  options.level = *level;
  options.clock = static_cast<ReferenceClock>(*clock);
  options.watch = static_cast<OverflowWatch>(*watch);
  options.terminator = static_cast<Terminator>(*terminator);
  return options;
}

Result<transport::SerialPortInfo> port_of(const Args& args) {
  const std::string serial = hal::argument(args, "serial"), port = hal::argument(args, "port");
  std::string seen;
  for (const auto& candidate : transport::list_serial_ports()) {
    const bool wanted = !port.empty()     ? candidate.port == port
                        : !serial.empty() ? candidate.serial == serial
                                          : says_tdc1(candidate);
    if (wanted) return candidate;
    seen += " " + candidate.port;
  }
  return Error{Code::not_found,
               fmt::format("there is no TDC1 with serial \"{}\" and port \"{}\"; serial ports:{}", serial, port, seen),
               "tdc1",
               0,
               {}};
}

Result<std::unique_ptr<hal::Device>> make(const Args& args, transport::WireLog& log) {
  auto options = options_of(args);
  if (!options) return std::move(options).error();
  const auto port = port_of(args);
  if (!port) return port.error();
  options->where = transport::address_of(*port);
  options->log = &log;
  if (!args.contains("terminator")) options->terminator = terminator_of(port->serial);
  auto tagger = Tagger::open(*std::move(options));
  if (!tagger) return std::move(tagger).error();
  return std::unique_ptr<hal::Device>(*std::move(tagger));
}

}  // namespace

hal::Driver driver(transport::Hub& hub) {
  return {"tdc1", {hal::DeviceKind::time_tagger}, find, [&hub](const Args& args) { return make(args, hub.log()); }};
}

}  // namespace nicol::tdc1
