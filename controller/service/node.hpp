// SPDX-License-Identifier: Apache-2.0
// A node: owns rig, store, session, sockets and the engine thread. Commands in, snapshots and histories out, and a
// safety path that asks nobody. Every face (CLI, GUI, remote control) uses these calls and no others.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <thread>

#include "controller/recording/writer.hpp"
#include "controller/secret/arena.hpp"
#include "controller/service/calibration_policy.hpp"
#include "controller/service/calibration_records.hpp"
#include "controller/service/calibration_run.hpp"
#include "controller/service/ring.hpp"
#include "controller/service/snapshot.hpp"
#include "controller/service/tcp.hpp"
#include "controller/session/session.hpp"
#include "drivers/hal/rig.hpp"

namespace nicol::service {

enum class PeerRole : std::uint8_t { listen, connect };
/// Who may arm the source: the operator by command, or (simulated light) anybody.
enum class Consent : std::uint8_t { operator_only, given };

struct NodeOptions {
  session::SessionConfig session;
  PeerRole peer_role = PeerRole::listen;
  Endpoint endpoint;
  Consent consent = Consent::operator_only;
  std::optional<TrackingOptions> tracking;  // Bob: follow the fibre; needs a rig that why_no_tracking() does not mind
  std::size_t clicks_per_block = std::size_t{1} << 21;
  std::size_t arena_bytes = std::size_t{1} << 20;
  std::chrono::milliseconds lock_patience{10'000};  // Bob without a sync channel: no tags and no lock for so long
  std::chrono::milliseconds reconnect_first{50}, reconnect_most{5'000};
  std::chrono::milliseconds backoff_first{200}, backoff_most{30'000};
};

struct NodeParts {
  std::unique_ptr<hal::Rig> rig;
  std::unique_ptr<keystore::KeyStore> store;
  std::unique_ptr<Random> random;
  std::unique_ptr<recording::Writer> recording;    // none: this run is not recorded
  std::optional<CalibrationRecords> calibrations;  // of `store`; none: calibrations leave no record
  CalibrationPolicy calibration_policy = {};
  WatchTags calibration_watch = {};
};

enum class Stream : std::uint8_t { log, journal, blocks };

class Engine;

class Node {
 public:
  /// Locks the arena and opens the listening socket; the engine thread starts idle.
  static Result<std::unique_ptr<Node>> create(NodeOptions options, NodeParts parts);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// Any thread; never blocks. Done by the engine in order.
  void submit(Command command);
  std::shared_ptr<const Snapshot> snapshot() const;
  std::vector<Numbered<session::BlockResult>> blocks_since(std::uint64_t sequence, std::size_t limit) const;
  std::vector<Numbered<LogLine>> log_since(std::uint64_t sequence, std::size_t limit) const;
  std::vector<Numbered<JournalLine>> journal_since(std::uint64_t sequence, std::size_t limit) const;
  std::vector<Numbered<calibration::Report>> calibrations_since(std::uint64_t sequence, std::size_t limit) const;

  std::vector<Numbered<TrackReport>> tracks_since(std::uint64_t sequence, std::size_t limit) const;

  /// Shutters, emission, detectors: now, past the queue, from any thread. Latched until Command::reset_safe_off.
  void light_off() noexcept;

  /// True when the wanted blocks are done, or the node has stopped.
  bool finished() const;
  /// Waits for finished(); false after the patience.
  bool wait(std::chrono::milliseconds patience);
  /// The first snapshot that is another than `seen`; after the patience the same.
  std::shared_ptr<const Snapshot> next_snapshot(const std::shared_ptr<const Snapshot>& seen,
                                                std::chrono::milliseconds patience);
  std::uint16_t listen_port() const;
  /// Stops the engine; afterwards the store may be read.
  void stop();
  keystore::KeyStore& store();

 private:
  explicit Node(std::unique_ptr<Engine> engine);
  std::unique_ptr<Engine> engine_;
};

}  // namespace nicol::service
