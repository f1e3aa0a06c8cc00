// SPDX-License-Identifier: Apache-2.0
// What every face polls: an immutable picture of a node now, at most 64 KiB. History is read by since().
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "controller/calibration/progress.hpp"
#include "controller/detection/clock/clock_report.hpp"
#include "controller/detection/pairs/detector_delays.hpp"
#include "controller/keystore/key_store.hpp"
#include "controller/service/alarms.hpp"
#include "controller/service/track_report.hpp"
#include "controller/session/session.hpp"
#include "drivers/hal/photon_source.hpp"

namespace nicol::service {

enum class NodeState : std::uint8_t {
  idle,
  connecting,
  settling,
  running,
  calibrating,
  paused,    // light waits for a device of either side (Snapshot::pause)
  arm_wait,  // light waits for the operator to arm the source again
  backing_off,
  safe_off,
  stopped
};
std::string_view to_string(NodeState state) noexcept;

inline constexpr const char* kPeerRefused = "peer-refused";  // alarm: who answers is not, or not rightly, the peer

/// What the device itself reported last.
struct DeviceReport {
  std::string name, role, kind, link, detail;
};

/// Why light waits in the midst of a block, and since when.
struct PauseReport {
  std::string device, serial;  // this side's device at fault; empty: the peer asked
  std::string what;
  std::chrono::system_clock::time_point since;
};

/// Bob, where pairs are shared: of the last block.
struct PairReport {
  bool locked = false;
  double offset_ps = 0, frequency = 0;  // t_bob - t_alice at its end; growth of it
  double sigma = 0, jitter_ps = 0;      // significance of the lock; half the width of the peak
  Picoseconds window;                   // full width of a coincidence
  std::uint64_t coincidences = 0, accidentals = 0;
  double seconds = 0;                             // of Alice's time under lock: rates
  detection::pairs::DetectorDelayTable delays{};  // of Bob's detectors, of all blocks so far
};

struct Snapshot {
  NodeState state = NodeState::idle;
  session::Side side = session::Side::alice;
  distillation::Origin origin = distillation::Origin::simulated;
  std::string peer, session_state;
  hal::EmissionState emission = hal::EmissionState::unknown;
  hal::LightLevel light = hal::LightLevel::off;
  std::uint64_t blocks_done = 0, blocks_wanted = 0;  // wanted 0: until stopped
  std::uint64_t block = 0, block_slots = 0, slots_done = 0, clicks = 0;
  std::optional<detection::ClockReport> clock;  // Bob's, where slots do not come from a sync channel
  Picoseconds rig_time;
  std::uint64_t secret_bits_total = 0, sifted_bits_total = 0;
  std::uint32_t failed_in_a_row = 0;
  std::array<keystore::PoolStatus, 4> pools{};
  std::vector<DeviceReport> devices;
  std::optional<PauseReport> pause;
  std::optional<calibration::Progress> calibration;  // under way here
  std::uint64_t calibrations_over = 0;               // Command::calibrate that ended, however it did
  std::optional<PairReport> pairs;
  std::optional<TrackReport> tracking;  // Bob's plates, after the last block
  std::vector<Alarm> alarms;
  std::string last_error;
};

/// Everything a person or a program may ask of a running node.
struct Command {
  enum class Kind : std::uint8_t { run, stop_after_block, stop, arm, reset_safe_off, acknowledge, calibrate };
  Kind kind = Kind::run;
  std::uint64_t blocks = 0;   // run: how many more, 0 = until stopped
  std::string text;           // acknowledge: the alarm's name; calibrate: routines, apart by commas, empty: all
  std::string operator_name;  // for the journal
  std::optional<std::chrono::seconds> most = {};  // calibrate: for all routines together
};
std::string_view to_string(Command::Kind kind) noexcept;

struct LogLine {
  enum class Level : std::uint8_t { debug, info, warning, error };
  std::chrono::system_clock::time_point time;
  Level level = Level::info;
  std::string component, text;
};
struct JournalLine {
  std::chrono::system_clock::time_point time;
  std::string operator_name, command;
};

}  // namespace nicol::service
