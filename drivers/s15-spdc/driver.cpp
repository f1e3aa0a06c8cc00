// SPDX-License-Identifier: Apache-2.0
#include "drivers/s15-spdc/driver.hpp"

#include <fmt/format.h>

#include "drivers/s15-spdc/laser.hpp"
#include "drivers/s15-spdc/thermostat.hpp"

namespace nicol::s15_spdc {
namespace {

using Args = hal::DeviceArgs;
using transport::SerialPortInfo;

constexpr std::string_view kUnits[] = {"laser", "crystal", "laser-tec"};

bool says_spdc(const SerialPortInfo& info) {
  return info.product.find("SPDC") != std::string::npos || is_spdc_driver(info.serial);
}

/// Named by port or serial number, else those whose descriptors name them.
std::vector<SerialPortInfo> places(const Args& args) {
  const std::string port = hal::argument(args, "port"), serial = hal::argument(args, "serial");
  std::vector<SerialPortInfo> found;
  for (const SerialPortInfo& info : transport::list_serial_ports()) {
    const bool wanted = !port.empty() ? info.port == port : !serial.empty() ? info.serial == serial : says_spdc(info);
    if (wanted) found.push_back(info);
  }
  return found;
}

/// Opens the line and asks; nothing is switched.
bool answers(const SerialPortInfo& where, const Timing& timing, transport::WireLog* log) {
  transport::ScpiSerialOptions options;
  options.terminator = ";";
  auto line = transport::open_scpi_serial(transport::address_of(where), {}, options, log, {});
  if (!line) return false;
  const auto identity = (*line)->ask("*IDN?", SteadyDeadlines().in(timing.reply));
  return identity && is_spdc_driver(*identity);
}

Result<std::vector<Args>> find(const Args& args, const Timing& timing, transport::WireLog* log) {
  const bool probe = hal::argument(args, "probe") == "1";
  std::vector<Args> entries;
  for (const SerialPortInfo& where : places(args)) {
    if (!says_spdc(where) && !(probe && where.accessible && answers(where, timing, log))) continue;
    for (const std::string_view unit : kUnits) {
      if (hal::argument(args, "unit", std::string(unit)) != unit) continue;
      Args entry{{"driver", "s15-spdc"}, {"model", "SPDC driver"}, {"port", where.port}, {"unit", std::string(unit)}};
      if (!where.serial.empty()) entry.emplace("serial", where.serial);
      if (!where.accessible)
        entry.emplace("missing", fmt::format("you may not open {}: join the group dialout", where.port));
      entries.push_back(std::move(entry));
    }
  }
  return entries;
}

Result<std::optional<double>> limit_of(const Args& args) {
  if (!args.contains("limit")) return std::optional<double>{};
  const auto value = parse_number(hal::argument(args, "limit"));
  if (value && *value > 0 && *value <= kHighestCurrentLimit) return std::optional<double>(*value);
  return Error{Code::bad_input, fmt::format("limit={} is not a current in 0..{} mA", hal::argument(args, "limit"),
                                            kHighestCurrentLimit)};
}

Result<Board*> shared_board(transport::Hub& hub, const Args& args, const Timing& timing) {
  const auto limit = limit_of(args);
  if (!limit) return limit.error();
  const auto found = places(args);
  if (found.empty()) return Error{Code::not_found, "no such SPDC driver is plugged in: name its port="};
  if (found.size() > 1)
    return Error{Code::bad_input, fmt::format("{} SPDC drivers are plugged in: name serial= or port=", found.size())};
  const SerialPortInfo& where = found.front();
  return hub.shared<Board>("s15-spdc " + (where.serial.empty() ? where.port : where.serial),
                           [&] { return Board::open(where, *limit, timing, &hub.log()); });
}

Result<std::unique_ptr<hal::Device>> make(transport::Hub& hub, const Args& args, const Timing& timing) {
  const std::string unit = hal::argument(args, "unit", "laser");
  if (std::find(std::begin(kUnits), std::end(kUnits), unit) == std::end(kUnits))
    return Error{Code::bad_input, fmt::format("unit \"{}\" is none of {}", unit, fmt::join(kUnits, ", "))};
  const auto board = shared_board(hub, args, timing);
  if (!board) return board.error();
  if (unit == "laser") return std::unique_ptr<hal::Device>(std::make_unique<Laser>(**board));
  const Loop& loop = unit == "crystal" ? kCrystal : kLaserTec;
  return std::unique_ptr<hal::Device>(std::make_unique<Thermostat>(**board, loop));
}

}  // namespace

hal::Driver driver(transport::Hub& hub, const Timing& timing) {
  hal::Driver d;
  d.name = "s15-spdc";
  d.kinds = {hal::DeviceKind::photon_source, hal::DeviceKind::temperature_controller};
  d.find = [&hub, timing](const Args& args, Deadline) { return find(args, timing, &hub.log()); };
  d.make = [&hub, timing](const Args& args) { return make(hub, args, timing); };
  return d;
}

}  // namespace nicol::s15_spdc
