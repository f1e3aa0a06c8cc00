// SPDX-License-Identifier: Apache-2.0
// nicol devices: what is plugged in, what permission is missing, and one device's own checks.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "controller/app/commands.hpp"
#include "controller/app/device_rig.hpp"
#include "drivers/catalogue/usb_ids.hpp"

namespace nicol::app {
namespace {

using namespace std::chrono_literals;
constexpr auto kLookPatience = 10s, kTestPatience = 60s;
constexpr const char* kColumns[] = {"driver", "model", "serial", "unit", "port", "state"};

/// What find() leaves unsaid: a device that nothing stands in the way of is free.
std::string state_of(const hal::DeviceArgs& args) {
  if (std::string state = hal::argument(args, "state"); !state.empty()) return state;
  if (!hal::argument(args, "error").empty()) return "error";
  return hal::argument(args, "missing").empty() ? "free" : "no permission";
}

std::string names_of(const std::vector<hal::Driver>& drivers) {
  std::string names;
  for (const hal::Driver& driver : drivers) names += fmt::format("{}{}", names.empty() ? "" : ", ", driver.name);
  return names;
}

nlohmann::json json_of(const std::vector<hal::DeviceArgs>& found) {
  nlohmann::json j{{"schema", "nicol.devices/1"}, {"devices", nlohmann::json::array()}};
  for (const hal::DeviceArgs& args : found) {
    nlohmann::json d;
    for (const auto& [key, value] : args) d[key] = value;
    for (const char* key : {"driver", "model", "serial", "unit", "port", "missing"})
      if (!d.contains(key)) d[key] = "";
    d["state"] = state_of(args);
    j["devices"].push_back(std::move(d));
  }
  return j;
}

void print_table(const std::vector<hal::DeviceArgs>& found, const hal::Registry& registry) {
  constexpr const char* kRow = "{:14} {:16} {:14} {:12} {:18} {}\n";
  fmt::print(kRow, "DRIVER", "MODEL", "SERIAL", "UNIT", "PORT", "STATE");
  for (const hal::DeviceArgs& args : found) {
    std::string cells[std::size(kColumns)];
    for (std::size_t i = 0; i < std::size(kColumns); ++i) cells[i] = hal::argument(args, kColumns[i]);
    fmt::print(kRow, cells[0], cells[1], cells[2], cells[3], cells[4], state_of(args));
    for (const char* key : {"missing", "error", "note"})
      if (const std::string text = hal::argument(args, key); !text.empty()) fmt::print("{:14} {}\n", "", text);
  }
  if (!found.empty()) return;
  fmt::print("No device found. Drivers: {}.\n", names_of(registry.drivers()));
}

Result<std::vector<hal::DeviceArgs>> look(const Instruments& instruments, const DevicesOptions& options) {
  hal::DeviceArgs args;
  const auto& drivers = instruments.registry.drivers();
  if (!options.driver.empty()) {
    if (std::ranges::find(drivers, options.driver, &hal::Driver::name) == drivers.end())
      return Error{Code::bad_input,
                   fmt::format("--driver {}: expected one of {}", options.driver, names_of(drivers)),
                   "",
                   0,
                   {}};
    args["driver"] = options.driver;
  }
  if (options.probe) args.emplace("probe", "1");
  return instruments.registry.find(args, SteadyDeadlines().in(kLookPatience));
}

/// The device a person means: arguments as in a config, or what only one listed device has as its serial or port.
Result<hal::DeviceArgs> device_named(const Instruments& instruments, const std::string& name) {
  if (name.find('=') != std::string::npos) return hal::parse_device_args(name);
  const auto found = look(instruments, {});
  if (!found) return found.error();
  std::vector<hal::DeviceArgs> matches;
  for (const hal::DeviceArgs& args : *found)
    if (hal::argument(args, "serial") == name || hal::argument(args, "port") == name) matches.push_back(args);
  if (matches.size() == 1) return matches.front();
  return Error{
      Code::bad_input,
      fmt::format("devices test {}: {} devices have this serial number or port; `nicol devices` lists them, or "
                  "give driver=…,serial=…",
                  name, matches.empty() ? "no" : "several"),
      "",
      0,
      {}};
}

nlohmann::json json_of(const hal::DeviceInfo& info, const std::vector<hal::SelfTestItem>& items) {
  nlohmann::json j{{"schema", "nicol.devices.test/1"},
                   {"driver", info.driver},
                   {"vendor", info.vendor},
                   {"model", info.model},
                   {"serial", info.serial},
                   {"firmware", info.firmware},
                   {"port", info.port},
                   {"items", nlohmann::json::array()}};
  for (const auto& item : items)
    j["items"].push_back({{"name", item.name}, {"passed", item.passed}, {"detail", item.detail}});
  return j;
}

}  // namespace

Exit devices_list(const DevicesOptions& options, Context& context) {
  auto instruments = make_instruments();
  if (!instruments) return complain(instruments.error());
  const auto found = look(**instruments, options);
  if (!found) return complain(found.error());
  if (context.output == Output::json)
    fmt::print("{}\n", json_of(*found).dump(2));
  else
    print_table(*found, (*instruments)->registry);
  return Exit::done;
}

Exit devices_rules(Context&) {
  fmt::print("{}", udev_rules());
  return Exit::done;
}

Exit devices_test(const DevicesOptions& options, Context& context) {
  auto instruments = make_instruments();
  if (!instruments) return complain(instruments.error());
  const auto args = device_named(**instruments, options.name);
  if (!args) return complain(args.error());
  auto device = (*instruments)->registry.make(*args);
  if (!device) return complain(device.error());
  const auto items = (*device)->self_test(SteadyDeadlines().in(kTestPatience));
  if (!items) return complain(items.error());
  const hal::DeviceInfo info = (*device)->info();
  const bool passed = std::all_of(items->begin(), items->end(), [](const auto& i) { return i.passed; });
  if (context.output == Output::json) {
    fmt::print("{}\n", json_of(info, *items).dump(2));
  } else {
    fmt::print("{} {} {}, serial {}, firmware {}, on {}\n", info.driver, info.vendor, info.model, info.serial,
               info.firmware, info.port);
    for (const auto& item : *items)
      fmt::print("{:6} {:20} {}\n", item.passed ? "ok" : "FAILED", item.name, item.detail);
  }
  return passed ? Exit::done : Exit::failed;
}

}  // namespace nicol::app
