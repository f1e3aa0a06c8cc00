// SPDX-License-Identifier: Apache-2.0
// Looking for lasers by their USB identity; a pulse generator hides behind any adapter and has to be named.
#include "drivers/scpi-laser/driver.hpp"

#include <fmt/core.h>

#include "drivers/scpi-laser/cooler.hpp"
#include "drivers/scpi-laser/laser.hpp"
#include "drivers/scpi-laser/pulser.hpp"

namespace nicol::scpi_laser {
namespace {

using hal::DeviceArgs;
using transport::SerialPortInfo;
using transport::UsbInfo;

Result<double> number(const DeviceArgs& args, std::string_view key, double otherwise, hal::Range range) {
  if (!args.contains(key)) return otherwise;
  const auto value = scpi::parse_number(hal::argument(args, key));
  if (value && range.contains(*value)) return *value;
  return Error{Code::bad_input,
               fmt::format("{}={} is not a number in {}..{}", key, hal::argument(args, key), range.min, range.max)};
}

struct Found {
  UsbInfo where;
  const LaserTable* table = nullptr;
};

Result<std::vector<Found>> lasers(transport::Hub& hub, const std::string& serial) {
  const auto usb = hub.usb();
  if (!usb) return usb.error();
  std::vector<Found> found;
  for (UsbInfo& info : (*usb)->list()) {
    const LaserTable* const table = laser_table(info.vendor_id, info.product_id);
    if (table != nullptr && (serial.empty() || serial == info.serial)) found.push_back({std::move(info), table});
  }
  return found;
}

DeviceArgs described(const Found& laser, std::string_view unit) {
  DeviceArgs entry{{"driver", "scpi-laser"}, {"port", laser.where.port}, {"unit", std::string(unit)}};
  entry.emplace("model", laser.where.product.empty() ? std::string(laser.table->family) : laser.where.product);
  if (!laser.where.serial.empty()) entry.emplace("serial", laser.where.serial);
  if (!laser.where.accessible)
    entry.emplace("missing", fmt::format("you may not open {}: install Nicol's udev rules", laser.where.port));
  return entry;
}

std::vector<SerialPortInfo> adapters(const DeviceArgs& args) {
  const std::string port = hal::argument(args, "port"), adapter = hal::argument(args, "adapter");
  std::vector<SerialPortInfo> found;
  for (const SerialPortInfo& info : transport::list_serial_ports())
    if (port.empty() ? !adapter.empty() && info.serial == adapter : info.port == port) found.push_back(info);
  return found;
}

std::string models() {
  std::string all;
  for (const PulserTable& table : pulser_tables()) all += (all.empty() ? "" : ", ") + std::string(table.model);
  return all;
}

Result<std::unique_ptr<Pulser>> open_pulser(transport::Hub& hub, const DeviceArgs& args, const Timing& timing) {
  const PulserTable* const table = pulser_table(hal::argument(args, "model"));
  if (table == nullptr)
    return Error{Code::bad_input, fmt::format("model \"{}\" is none of {}", hal::argument(args, "model"), models())};
  const auto baud = number(args, "baud", table->baud, {300, 4'000'000, 1});
  if (!baud) return baud.error();
  const auto channels = number(args, "channels", 4, {1, 8, 1});
  if (!channels) return channels.error();
  const auto places = adapters(args);
  if (places.size() != 1)
    return Error{
        places.empty() ? Code::not_found : Code::bad_input,
        fmt::format("{} adapters fit: name the one of the {} with port= or adapter=", places.size(), table->model)};
  transport::SerialSettings line;
  line.baud = static_cast<int>(*baud);
  transport::ScpiSerialOptions options;
  options.terminator = table->terminator;
  options.acknowledge = table->acknowledge;
  options.error_prefix = table->error_prefix;
  const auto connect = [&](transport::OnLink on_link) {
    return transport::open_scpi_serial(transport::address_of(places.front()), line, options, &hub.log(),
                                       std::move(on_link));
  };
  return Pulser::open(connect, *table, {static_cast<int>(*channels), hal::argument(args, "serial"), timing.exchange});
}

/// An entry for each adapter that the arguments name; asks who is there when it may.
std::vector<DeviceArgs> find_pulsers(transport::Hub& hub, const DeviceArgs& args, const Timing& timing) {
  std::vector<DeviceArgs> entries;
  if (pulser_table(hal::argument(args, "model")) == nullptr) return entries;
  for (const SerialPortInfo& where : adapters(args)) {
    DeviceArgs entry{{"driver", "scpi-laser"}, {"port", where.port}, {"model", hal::argument(args, "model")}};
    if (!where.serial.empty()) entry.emplace("adapter", where.serial);
    if (!where.accessible) {
      entry.emplace("missing", fmt::format("you may not open {}: join the group dialout", where.port));
    } else if (hal::argument(args, "probe") == "1") {
      DeviceArgs one = args;
      one.insert_or_assign("port", where.port);
      const auto pulser = open_pulser(hub, one, timing);
      if (pulser)
        entry.emplace("serial", (*pulser)->info().serial);
      else
        entry.emplace("error", describe(pulser.error()));
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

Result<std::vector<DeviceArgs>> find(transport::Hub& hub, const DeviceArgs& args, const Timing& timing) {
  auto entries = find_pulsers(hub, args, timing);
  const auto found = lasers(hub, hal::argument(args, "serial"));
  if (!found && entries.empty()) return found.error();
  if (!found || pulser_table(hal::argument(args, "model")) != nullptr) return entries;
  for (const Found& laser : *found)
    for (const std::string_view unit : {"laser", "tec"})
      if (hal::argument(args, "unit", std::string(unit)) == unit) entries.push_back(described(laser, unit));
  return entries;
}

Result<LaserUnit*> shared_unit(transport::Hub& hub, const DeviceArgs& args, const Timing& timing) {
  const auto limit = number(args, "limit", 0, {0, 100, 0});
  if (!limit) return limit.error();
  const std::string serial = hal::argument(args, "serial");
  const auto found = lasers(hub, serial);
  if (!found) return found.error();
  if (found->empty())
    return Error{Code::not_found, fmt::format("no laser {}is plugged in; a pulse generator needs model= ({}) and port=",
                                              serial.empty() ? "" : serial + " ", models())};
  if (found->size() > 1)
    return Error{Code::bad_input, fmt::format("{} lasers are plugged in: name serial=", found->size())};
  const auto usb = hub.usb();
  if (!usb) return usb.error();
  const Found& laser = found->front();
  const auto connect = [&](transport::OnLink on_link) {
    const transport::UsbTmcOptions options{{laser.where.vendor_id, laser.where.product_id, laser.where.serial},
                                           laser.table->remote_enable};
    return transport::open_usbtmc(**usb, options, &hub.log(), std::move(on_link));
  };
  std::optional<Amperes> wanted_limit;
  if (*limit > 0) wanted_limit = Amperes{*limit};
  return hub.shared<LaserUnit>(fmt::format("scpi-laser {:04x} {}", laser.where.product_id, laser.where.serial),
                               [&] { return LaserUnit::open(connect, *laser.table, wanted_limit, timing); });
}

Result<std::unique_ptr<hal::Device>> make(transport::Hub& hub, const DeviceArgs& args, const Timing& timing) {
  if (pulser_table(hal::argument(args, "model")) != nullptr) {
    auto pulser = open_pulser(hub, args, timing);
    if (!pulser) return std::move(pulser).error();
    return std::unique_ptr<hal::Device>(*std::move(pulser));
  }
  const std::string unit_name = hal::argument(args, "unit", "laser");
  if (unit_name != "laser" && unit_name != "tec")
    return Error{Code::bad_input, fmt::format("unit \"{}\" is neither laser nor tec", unit_name)};
  const auto unit = shared_unit(hub, args, timing);
  if (!unit) return unit.error();
  if (unit_name == "tec") return std::unique_ptr<hal::Device>(std::make_unique<Cooler>(**unit));
  return std::unique_ptr<hal::Device>(std::make_unique<Laser>(**unit));
}

}  // namespace

hal::Driver driver(transport::Hub& hub, const Timing& timing) {
  hal::Driver d;
  d.name = "scpi-laser";
  d.kinds = {hal::DeviceKind::photon_source, hal::DeviceKind::temperature_controller};
  d.find = [&hub, timing](const DeviceArgs& args, Deadline) { return find(hub, args, timing); };
  d.make = [&hub, timing](const DeviceArgs& args) { return make(hub, args, timing); };
  return d;
}

}  // namespace nicol::scpi_laser
