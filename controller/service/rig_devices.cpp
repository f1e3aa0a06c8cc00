// SPDX-License-Identifier: Apache-2.0
#include "controller/service/rig_devices.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace nicol::service {
namespace {

constexpr const char* kDeviceForm = "\"role=…,driver=…,serial=…\"";

/// What is wrong with an entry by its words alone, if anything.
std::optional<std::string> refuse(const Result<hal::DeviceArgs>& args, const std::vector<RigDevice>& others,
                                  const RoleCheck& check) {
  if (!args) return fmt::format("{} ({})", kDeviceForm, args.error().message);
  for (const char* word : {"role", "driver"})
    if (!args->contains(word)) return fmt::format("{}: this entry has no {}=", kDeviceForm, word);
  const std::string& role = args->at("role");
  if (auto known = check(role); !known) return known.error().message;
  const bool twice =
      std::any_of(others.begin(), others.end(), [&](const RigDevice& other) { return other.args.at("role") == role; });
  if (twice) return fmt::format("one device with role={}, not two", role);
  return std::nullopt;
}

}  // namespace

std::vector<RigDevice> read_devices(TomlTable& rig, const RoleCheck& check) {
  std::vector<RigDevice> devices;
  const toml::node* node = rig.raw("devices");
  if (node == nullptr) return devices;
  const toml::array* list = node->as_array();
  if (list == nullptr) {
    rig.fail("devices", fmt::format("a list of {}", kDeviceForm));
    return devices;
  }
  for (const auto& entry : *list) {
    const auto text = entry.value_exact<std::string>();
    auto args =
        text ? hal::parse_device_args(*text) : Result<hal::DeviceArgs>(Error{Code::bad_input, "text in quotes"});
    if (auto why = refuse(args, devices, check))
      rig.fail_at(entry, "devices", *std::move(why));
    else
      devices.push_back({*std::move(args), rig.place(&entry, "devices")});
  }
  return devices;
}

}  // namespace nicol::service
