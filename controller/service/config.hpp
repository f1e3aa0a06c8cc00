// SPDX-License-Identifier: Apache-2.0
// A node's config file: who it is, where its peer and its rig are, what it may hand out. TOML, versioned, strict.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "controller/secret/locked_key.hpp"
#include "controller/service/calibration_policy.hpp"
#include "controller/service/rig_devices.hpp"
#include "controller/service/tcp.hpp"
#include "controller/service/track_report.hpp"
#include "controller/session/session.hpp"

namespace nicol::service {

inline constexpr int kConfigFormat = 1;

enum class PublishPolicy : std::uint8_t { production_only, any_origin };  // allow_non_production
enum class TrackingWish : std::uint8_t { where_possible, on, off };

struct NodeConfig {
  std::filesystem::path file;
  session::Side role = session::Side::alice;
  std::filesystem::path state, preshared_key;
  std::optional<Endpoint> listen, connect;  // exactly one
  std::string scenario;                     // empty: real devices
  std::vector<RigDevice> devices;
  std::string link;             // with devices: the scenario that describes their optics
  std::filesystem::path light;  // simulated light's socket
  std::filesystem::path pump;   // the socket of a simulated pair source at a third place; empty: it is Alice's
  std::optional<std::uint64_t> seed;
  double speed = 0;              // 0 = max
  std::string backing = "auto";  // auto, memfd_secret, mlock
  PublishPolicy publish = PublishPolicy::production_only;
  CalibrationPolicy calibration;
  std::uint64_t clicks_per_block = std::uint64_t{1} << 21;
  std::chrono::milliseconds reply_timeout{20'000}, light_timeout{60'000}, pause_patience{120'000},
      lock_patience{10'000};
  TrackingWish track = TrackingWish::where_possible;
  TrackingOptions tracking;

  secret::MemoryPolicy memory_policy() const;
};

/// Relative paths are taken from the file's folder. bad_input with file, line, field and what was expected; a newer
/// format, a seed on a real rig, and roles of devices that are none, of the other side or given twice are refused.
Result<NodeConfig> load_config(const std::filesystem::path& file);

}  // namespace nicol::service
