// SPDX-License-Identifier: Apache-2.0
#include "controller/service/config.hpp"

#include <fmt/format.h>

#include "controller/service/roles.hpp"
#include "controller/service/toml_table.hpp"

namespace nicol::service {
namespace {

constexpr std::uint64_t kAny = ~std::uint64_t{0} >> 1;

std::filesystem::path beside(const std::filesystem::path& file, const std::string& path) {
  const std::filesystem::path p(path);
  return p.is_absolute() || path.empty() ? p : file.parent_path() / p;
}

void read_peer(TomlTable& peer, NodeConfig& c) {
  for (const char* key : {"listen", "connect"}) {
    const std::string text = peer.text(key, "");
    if (text.empty()) continue;
    auto endpoint = parse_endpoint(text);
    if (!endpoint)
      peer.fail(key, fmt::format("host:port ({})", endpoint.error().message));
    else
      (std::string_view(key) == "listen" ? c.listen : c.connect) = *endpoint;
  }
  if (c.listen.has_value() == c.connect.has_value()) peer.fail("listen", "exactly one of listen and connect");
}

void read_speed(TomlTable& rig, NodeConfig& c) {
  const toml::node* node = rig.raw("speed");
  if (node == nullptr) return;
  if (node->value_exact<std::string>() == std::optional<std::string>("max")) return;
  const auto v = node->value<double>();
  if (v && *v > 0)
    c.speed = *v;
  else
    rig.fail("speed", "\"max\" or a number above 0");
}

std::filesystem::path read_socket(TomlTable& rig, const char* key, const std::filesystem::path& file) {
  const std::string text = rig.text(key, "");
  if (text.empty()) return {};
  if (text.starts_with("unix:")) return beside(file, text.substr(5));
  rig.fail(key, "\"unix:PATH\"");
  return {};
}

void read_rig(TomlTable& rig, NodeConfig& c) {
  c.scenario = rig.text("scenario", "");
  if (!c.scenario.empty() && c.scenario.ends_with(".toml")) c.scenario = beside(c.file, c.scenario).string();
  c.devices = read_devices(rig, [&](std::string_view role) { return check_role(c.role, role); });
  read_speed(rig, c);
  if (rig.has("seed")) c.seed = rig.integer("seed", 0, kAny, 0);
  c.light = read_socket(rig, "light", c.file);
  c.pump = read_socket(rig, "pump", c.file);
  if (c.scenario.empty() == c.devices.empty()) rig.fail("scenario", "exactly one of scenario and devices");
  c.link = rig.text("link", "");
  if (!c.link.empty() && c.link.ends_with(".toml")) c.link = beside(c.file, c.link).string();
  if (!c.devices.empty() && c.seed)
    rig.fail("seed", "no seed: on a real rig all randomness comes from the operating system");
  if (!c.devices.empty() && !c.pump.empty())
    rig.fail("pump", "no pump: real light of a third place comes through the fibre; Alice then has no role=pump");
  if (c.devices.empty() && !c.link.empty()) rig.fail("link", "no link: a scenario says itself what its optics are");
  if (!c.scenario.empty() && c.light.empty())
    rig.fail("light", "\"unix:PATH\", the socket that carries simulated light");
}

void read_tracking(TomlTable& tracking, NodeConfig& c) {
  const auto& d = c.tracking;
  if (tracking.has("enabled")) c.track = tracking.boolean("enabled", true) ? TrackingWish::on : TrackingWish::off;
  c.tracking.largest_step = Angle::degrees(tracking.number("largest_step_deg", 0.1, 180, d.largest_step.degrees()));
  c.tracking.travel = Angle::degrees(tracking.number("travel_deg", 0, 1e9, d.travel.degrees()));
  if (c.track == TrackingWish::on && c.role == session::Side::alice)
    tracking.fail("enabled", "false on Alice's node: only the side that receives has plates to turn");
}

}  // namespace

secret::MemoryPolicy NodeConfig::memory_policy() const {
  if (backing == "mlock") return {secret::Backing::mlock, true};
  return {secret::Backing::memfd_secret, backing == "auto" && !scenario.empty()};
}

Result<NodeConfig> load_config(const std::filesystem::path& file) {
  auto parsed = parse_toml_file(file.string());
  if (!parsed) return std::move(parsed).error();
  NodeConfig c;
  c.file = std::filesystem::absolute(file);
  TomlTable top(&*parsed, file.string(), "");
  if (top.integer("format", 0, kAny, 0) > kConfigFormat)
    top.fail("format", fmt::format("at most {}: this file was written for a newer nicol", kConfigFormat));
  else if (!top.has("format"))
    top.fail("format", fmt::format("format = {}", kConfigFormat));
  c.publish = top.boolean("allow_non_production", false) ? PublishPolicy::any_origin : PublishPolicy::production_only;
  TomlTable node = top.sub("node"), peer = top.sub("peer"), rig = top.sub("rig"), secret = top.sub("secret"),
            limits = top.sub("limits"), tracking = top.sub("tracking"), calibration = top.sub("calibration");
  c.role = node.one_of("role", {"alice", "bob"}, "alice") == "alice" ? session::Side::alice : session::Side::bob;
  c.state = beside(c.file, node.text("state", ""));
  if (c.state.empty()) node.fail("state", "the folder that holds this node's keys");
  read_peer(peer, c);
  read_rig(rig, c);
  c.backing = secret.one_of("backing", {"auto", "memfd_secret", "mlock"}, "auto");
  c.preshared_key = beside(c.file, secret.text("preshared_key", (c.state / "preshared.key").string()));
  c.clicks_per_block = limits.integer("clicks_per_block", 1024, 1u << 26, c.clicks_per_block);
  c.reply_timeout = std::chrono::milliseconds(limits.integer("reply_timeout_ms", 100, 3'600'000, 20'000));
  c.light_timeout = std::chrono::milliseconds(limits.integer("light_timeout_ms", 100, 86'400'000, 60'000));
  c.pause_patience = std::chrono::milliseconds(limits.integer("pause_patience_ms", 100, 86'400'000, 120'000));
  c.lock_patience = std::chrono::milliseconds(limits.integer("lock_patience_ms", 100, 86'400'000, 10'000));
  read_tracking(tracking, c);
  c.calibration = read_calibration_policy(calibration, file.string());
  for (TomlTable* t : {&top, &node, &peer, &rig, &secret, &limits, &tracking, &calibration})
    if (auto r = t->done(); !r) return std::move(r).error();
  return c;
}

}  // namespace nicol::service
