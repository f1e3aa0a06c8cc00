// SPDX-License-Identifier: Apache-2.0
// From a scenario or a config file to a running node: what both `run` and `alice`/`bob` share.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "controller/service/config.hpp"
#include "controller/service/node.hpp"
#include "sim/devices/world.hpp"
#include "sim/scenario/scenario.hpp"

namespace nicol::app {

struct NodeSetup;

/// What a main may put in the place of the real thing; empty in `nicol`.
struct Hooks {
  keystore::FaultPoint fault;  // the kill tests' program
  /// nicol-emu: a rig of real drivers before emulated instruments.
  std::function<Result<std::unique_ptr<hal::Rig>>(const NodeSetup&)> rig;
};

/// One node: on simulated optics, or on devices, whose optics `world.scenario` then describes.
struct NodeSetup {
  session::Side side = session::Side::alice;
  sim::WorldOptions world;
  std::vector<service::RigDevice> devices;  // empty: simulated
  std::filesystem::path state, preshared_key;
  service::PeerRole peer_role = service::PeerRole::listen;
  service::Endpoint endpoint;
  service::CalibrationPolicy calibration;
  service::WatchTags calibration_watch;  // outlives the node
  std::size_t clicks_per_block = std::size_t{1} << 21;
  std::chrono::milliseconds reply_timeout{20'000}, light_timeout{60'000}, pause_patience{120'000},
      lock_patience{10'000};
  service::TrackingWish track = service::TrackingWish::where_possible;
  service::TrackingOptions tracking;
};

/// The protocol parameters a scenario implies.
session::Agreement agreement_of(const sim::Scenario& scenario);
Result<std::unique_ptr<hal::Rig>> make_rig(const NodeSetup& node, const Hooks& hooks);
Result<std::unique_ptr<service::Node>> make_node(const NodeSetup& node, const Hooks& hooks);
/// A node that is recorded (nullptr: that is not).
Result<std::unique_ptr<service::Node>> make_node(const NodeSetup& node, const Hooks& hooks,
                                                 std::unique_ptr<recording::Writer> recording);
Result<std::unique_ptr<service::Node>> make_node(const NodeSetup& node, const Hooks& hooks,
                                                 std::unique_ptr<hal::Rig> rig,
                                                 std::unique_ptr<recording::Writer> recording = nullptr);
Result<NodeSetup> node_from_config(const service::NodeConfig& config);

/// What both nodes on this scenario lock, in bytes: store, arena, clicks, settings in flight, a block's copies.
std::size_t locked_need(const sim::Scenario& scenario, std::size_t clicks_per_block);

/// A folder of its own in memory (else under TMPDIR), removed (with what is in it) at the end.
class ThrowAwayFolder {
 public:
  static Result<ThrowAwayFolder> create();
  ThrowAwayFolder(ThrowAwayFolder&& o) noexcept : path_(std::exchange(o.path_, {})) {}
  ThrowAwayFolder& operator=(ThrowAwayFolder&&) = delete;
  ~ThrowAwayFolder();
  const std::filesystem::path& path() const { return path_; }

 private:
  explicit ThrowAwayFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

/// $XDG_STATE_HOME/nicol, else ~/.local/state/nicol.
std::filesystem::path default_state();

}  // namespace nicol::app
