// SPDX-License-Identifier: Apache-2.0
#include "controller/service/source_config.hpp"

#include <fmt/format.h>

#include "controller/service/config.hpp"
#include "controller/service/roles.hpp"

namespace nicol::service {
namespace {

void read_simulated(TomlTable& rig, SourceConfig& c) {
  const auto folder = c.file.parent_path();
  c.scenario = rig.text("scenario", "");
  if (c.scenario.ends_with(".toml")) c.scenario = (folder / c.scenario).string();
  const std::string pump = rig.text("pump", "");
  if (pump.starts_with("unix:")) c.pump = folder / pump.substr(5);
  if (c.scenario.empty() == c.devices.empty()) return rig.fail("scenario", "exactly one of scenario and devices");
  if (c.devices.empty() && c.pump.empty()) rig.fail("pump", "\"unix:PATH\", the socket that Alice's rig.pump names");
  if (!c.devices.empty() && !pump.empty()) rig.fail("pump", "no pump: real light goes through a fibre");
}

}  // namespace

Result<SourceConfig> load_source_config(const std::filesystem::path& file) {
  auto parsed = parse_toml_file(file.string());
  if (!parsed) return std::move(parsed).error();
  SourceConfig c;
  c.file = std::filesystem::absolute(file);
  TomlTable top(&*parsed, file.string(), "");
  if (top.integer("format", 0, kConfigFormat, 0) != kConfigFormat)
    top.fail("format", fmt::format("format = {}", kConfigFormat));
  TomlTable node = top.sub("node"), rig = top.sub("rig");
  node.one_of("role", {"source"}, "source");
  c.devices = read_devices(rig, check_source_role);
  read_simulated(rig, c);
  for (TomlTable* t : {&top, &node, &rig})
    if (auto r = t->done(); !r) return std::move(r).error();
  return c;
}

}  // namespace nicol::service
