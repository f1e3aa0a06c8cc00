// SPDX-License-Identifier: Apache-2.0
// Looking for mounts: adapters from their descriptors, mounts only by asking.
#include "drivers/elliptec/driver.hpp"

#include <fmt/core.h>

#include <chrono>

#include "drivers/elliptec/mount.hpp"

namespace nicol::elliptec {
namespace {

using transport::SerialPortInfo;

constexpr std::uint16_t kFtdi = 0x0403, kFt230x = 0x6015;

bool may_probe(const hal::DeviceArgs& args) { return hal::argument(args, "probe") == "1"; }

Error refused(Code code, std::string message) { return {code, std::move(message)}; }

/// The adapters that the arguments allow: the named one, or all that look like the one Thorlabs sells.
std::vector<SerialPortInfo> adapters(const hal::DeviceArgs& args) {
  const std::string port = hal::argument(args, "port"), adapter = hal::argument(args, "adapter");
  std::vector<SerialPortInfo> found;
  for (SerialPortInfo& info : transport::list_serial_ports()) {
    const bool usual = info.vendor_id == kFtdi && info.product_id == kFt230x;
    const bool named = !port.empty() ? info.port == port : !adapter.empty() ? info.serial == adapter : usual;
    if (named) found.push_back(std::move(info));
  }
  return found;
}

hal::DeviceArgs candidate(const SerialPortInfo& info) {
  hal::DeviceArgs entry{{"driver", "elliptec"}, {"port", info.port}};
  if (!info.serial.empty()) entry.emplace("adapter", info.serial);
  if (!info.accessible)
    entry.emplace("missing",
                  fmt::format("you may not open {}: join the group dialout, or install Nicol's udev rules", info.port));
  return entry;
}

struct Found {
  Bus* bus = nullptr;
  char address = 0;
  Identity identity;
};

/// Everybody who answers on this adapter under one of these addresses. One address alone is asked twice: the question
/// moves nothing, and a line or a busy computer may lose it.
Result<std::vector<Found>> ask_around(Buses& buses, const SerialPortInfo& where, std::string_view addresses,
                                      Deadline deadline) {
  auto bus = buses.at(where);
  if (!bus) return std::move(bus).error();
  const Timing& timing = (*bus)->timing();
  const bool alone = addresses.size() == 1;
  const auto patience = alone ? timing.reply : timing.probe;
  std::vector<Found> found;
  for (const char address : addresses) {
    auto identity = (*bus)->identify(address, patience, deadline);
    if (alone && identity && !*identity) identity = (*bus)->identify(address, patience, deadline);
    if (!identity) return std::move(identity).error();
    if (*identity) found.push_back({*bus, address, **std::move(identity)});
  }
  return found;
}

std::vector<hal::DeviceArgs> probed(Buses& buses, const SerialPortInfo& where, Deadline deadline) {
  auto found = ask_around(buses, where, kAddresses, deadline);
  if (!found) {
    hal::DeviceArgs entry = candidate(where);
    entry.emplace("error", describe(found.error()));
    return {entry};
  }
  std::vector<hal::DeviceArgs> entries;
  for (const Found& mount : *found) {
    hal::DeviceArgs entry = candidate(where);
    entry.emplace("model",
                  mount.identity.type == kRotaryMount ? "ELL14" : fmt::format("type {:02X}", mount.identity.type));
    entry.emplace("serial", mount.identity.serial);
    entry.emplace("address", std::string(1, mount.address));
    entries.push_back(std::move(entry));
  }
  return entries;
}

Result<std::vector<hal::DeviceArgs>> find(Buses& buses, const hal::DeviceArgs& args, Deadline deadline) {
  std::vector<hal::DeviceArgs> entries;
  const auto lock = buses.lock();
  for (const SerialPortInfo& where : adapters(args)) {
    if (may_probe(args) && where.accessible) {
      for (auto& entry : probed(buses, where, deadline)) entries.push_back(std::move(entry));
      continue;
    }
    entries.push_back(candidate(where));
    entries.back().emplace("note", "may carry Elliptec mounts: needs probe=1 or port= to be asked");
  }
  buses.close_unused();
  return entries;
}

Result<std::vector<SerialPortInfo>> places_to_look(const hal::DeviceArgs& args) {
  auto places = adapters(args);
  const std::string port = hal::argument(args, "port"), adapter = hal::argument(args, "adapter");
  if (places.empty() && !port.empty()) return refused(Code::not_found, fmt::format("there is no port {}", port));
  if (places.empty() && !adapter.empty())
    return refused(Code::not_found, fmt::format("no adapter with serial number {} is plugged in", adapter));
  if (places.empty())
    return refused(Code::not_found, "no USB adapter 0403:6015 is plugged in: connect the mounts, or name port=");
  if (places.size() > 1 && !may_probe(args))
    return refused(Code::bad_input, fmt::format("{} adapters could carry the mount: name port= or adapter=, or say "
                                                "probe=1 to have all of them asked",
                                                places.size()));
  return places;
}

Result<std::string> addresses_to_ask(const hal::DeviceArgs& args) {
  const std::string address = hal::argument(args, "address");
  if (address.empty()) return std::string(kAddresses);
  if (address.size() == 1 && is_address(address[0])) return address;
  return refused(Code::bad_input, fmt::format("address \"{}\" is not one of 0..9, A..F", address));
}

std::string list_of(const std::vector<Found>& found) {
  std::string list;
  for (const Found& f : found)
    list += fmt::format("{}{} (address {})", list.empty() ? "" : ", ", f.identity.serial, f.address);
  return list.empty() ? "nobody" : list;
}

Result<Found> choose(const std::vector<Found>& found, const std::string& serial) {
  std::vector<Found> fitting;
  for (const Found& f : found)
    if (serial.empty() || f.identity.serial == serial) fitting.push_back(f);
  if (fitting.size() == 1) return fitting.front();
  if (fitting.empty())
    return refused(Code::not_found, fmt::format("mount {} does not answer; {} does: is it powered and wired?",
                                                serial.empty() ? "(any)" : serial, list_of(found)));
  return refused(Code::bad_input, fmt::format("several mounts answer: {}; name serial= or address=", list_of(fitting)));
}

Result<std::unique_ptr<hal::Device>> make(Buses& buses, const hal::DeviceArgs& args) {
  const auto lock = buses.lock();
  const auto addresses = addresses_to_ask(args);
  if (!addresses) return addresses.error();
  const auto places = places_to_look(args);
  if (!places) return places.error();
  std::vector<Found> found;
  for (const SerialPortInfo& where : *places) {
    const Deadline deadline{std::chrono::steady_clock::now() + std::chrono::seconds(10)};
    auto here = ask_around(buses, where, *addresses, deadline);
    if (!here && places->size() == 1) return std::move(here).error();
    if (here) found.insert(found.end(), here->begin(), here->end());
  }
  auto chosen = choose(found, hal::argument(args, "serial"));
  Result<std::unique_ptr<Mount>> mount =
      chosen ? Mount::make(*chosen->bus, chosen->address, chosen->identity) : std::move(chosen).error();
  buses.close_unused();
  if (!mount) return std::move(mount).error();
  return std::unique_ptr<hal::Device>(*std::move(mount));
}

}  // namespace

hal::Driver driver(transport::Hub& hub, const Timing& timing) {
  const auto buses = [&hub, timing] {
    return *hub.shared<Buses>(
        "elliptec", [&]() -> Result<std::unique_ptr<Buses>> { return std::make_unique<Buses>(timing, &hub.log()); });
  };
  hal::Driver d;
  d.name = "elliptec";
  d.kinds = {hal::DeviceKind::rotation_stage};
  d.find = [buses](const hal::DeviceArgs& args, Deadline deadline) { return find(*buses(), args, deadline); };
  d.make = [buses](const hal::DeviceArgs& args) { return make(*buses(), args); };
  return d;
}

}  // namespace nicol::elliptec
