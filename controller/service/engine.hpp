// SPDX-License-Identifier: Apache-2.0
// The engine thread of a node: connects, runs a session over one connection, drives the rig while light is open.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "controller/detection/pairs/block_matcher.hpp"
#include "controller/service/arming.hpp"
#include "controller/service/calibration_run.hpp"
#include "controller/service/emitter.hpp"
#include "controller/service/node.hpp"
#include "controller/service/node_recorder.hpp"
#include "controller/service/pair_matching.hpp"
#include "controller/service/pair_receiver.hpp"
#include "controller/service/receiver.hpp"
#include "controller/service/rig_server.hpp"
#include "controller/service/rig_settings.hpp"
#include "controller/service/rig_watch.hpp"
#include "controller/service/tracking.hpp"
#include "controller/session/frames.hpp"

namespace nicol::service {

inline constexpr const char *kUnplugged = "device-unplugged", *kGlitch = "device-glitch",
                            *kNeedsArming = "source-needs-arming";  // alarms

/// A pause of the light as the engine goes through it. (Not inside Engine: clang 14 would not emplace it there.)
struct LightPause {
  PauseReport report;
  Deadline retry{}, drained_by{};
  bool offered = false;                   // Alice has said where light can go on
  std::optional<std::uint64_t> light_at;  // Bob has heard it
};

class Engine {
 public:
  Engine(NodeOptions options, NodeParts parts, secret::Arena arena, std::optional<TcpListener> listener);
  ~Engine();
  void start();
  void stop();

  void submit(Command command);
  void light_off() noexcept;
  std::shared_ptr<const Snapshot> snapshot() const;
  bool finished() const;
  bool wait(std::chrono::milliseconds patience);
  std::shared_ptr<const Snapshot> next_snapshot(const std::shared_ptr<const Snapshot>& seen,
                                                std::chrono::milliseconds patience);

  Ring<session::BlockResult> blocks{1024};
  Ring<LogLine> log{4096};
  Ring<JournalLine> journal{1024};
  Ring<calibration::Report> calibrations{256};
  Ring<TrackReport> tracks{1024};
  AlarmBoard alarms;
  keystore::KeyStore& store() { return *parts_.store; }
  std::uint16_t listen_port() const { return listener_ ? listener_->port() : std::uint16_t{0}; }

 private:
  enum class After : std::uint8_t { go_on, reconnect };

  void run(std::stop_token stop);
  std::optional<TcpLink> meet_peer(std::stop_token stop);
  void serve(TcpLink link, std::stop_token stop);
  void pause(std::chrono::milliseconds most);

  After turn(std::stop_token stop);
  After poll_link(std::chrono::milliseconds patience);
  After receive();
  After apply(session::Step step);
  After handle(session::Event& event);
  std::chrono::milliseconds patience() const;

  void open_light(const session::EventOpenLight& event);
  Result<void> open_emitter(const session::EventOpenLight& event);
  Result<void> open_receiver(const session::EventOpenLight& event);
  enum class Ending : std::uint8_t { rest, dark };
  void close_light(Ending ending) noexcept;
  Result<void> consent();
  void light_moved();
  After light_stalled();
  After drive_light();
  After drive_emitter();
  After drive_receiver();
  After light_failed(const Error& error);
  void went_bright(const Error& error);

  // ---- engine_pairs.cpp ----
  bool shares_pairs() const;
  Result<void> open_pairs(const session::EventOpenLight& event);
  After drive_pairs();
  After pairs_faltered(const Error& error, Doubt doubt);
  After measurement_over();
  bool nothing_more(PairReceiver::Progress progress) const;
  After peer_closed(detection::pairs::ClosedList&& list);
  After match_pairs();
  After take_pairs();
  After await_her_list();
  void forget_measurement();
  // ---- engine_clock.cpp ----
  After watch_clock(Receiver::Progress progress);
  void remember_clock(const std::optional<detection::ClockReport>& clock);

  // ---- engine_pause.cpp ----
  RigFault fault_behind(const Error& error, Doubt doubt) const;
  void tell(const RigFault& fault);
  void all_well();
  std::uint64_t rest(Doubt doubt);
  std::uint64_t stop_light(Doubt doubt);
  After light_faltered(const Error& error, Doubt doubt);
  void begin_pause();
  void end_pause();
  void peer_paused(const session::EventPauseLight& event);
  void prepare_light(const session::EventPrepareLight& event);
  After resume_light(std::uint64_t slot);
  After drive_pause();
  bool rig_ready();
  bool source_ready();
  After offer_light();
  After take_light();
  After watch_light();
  void last_look();

  // ---- engine_ready.cpp ----
  void look_after_idle_rig();
  bool armed_if_it_must_be();
  Result<void> make_ready();
  void wait_before_next(std::chrono::milliseconds least);
  void hold_off(const Error& error);
  bool pools_spent();
  bool may_open();
  After maybe_open_block();
  After rig_answered(const session::EventRigReady& event);
  std::string why_not_ready();

  // ---- engine_calibration.cpp ----
  void calibrate(const Command& command);
  std::string why_busy() const;
  void finish_arming();
  bool calibrating() const;
  After drive_calibration();
  After give_up_calibration(const Error& why);
  void finish_routines();
  void keep(const calibration::Report& report);
  void tell_of_mismatch();
  void tell_of_stale_calibrations();
  After adopt_calibrations();
  After rig_called(const session::EventRigCall& event);
  void end_calibrations();

  // ---- engine_tracking.cpp ----
  void begin_tracking();
  void track_from_here(std::uint64_t slots);
  void track(const session::BlockResult& result);
  void tell(const TrackReport& next);
  void try_again();

  void block_done(session::BlockResult result);
  void watch_recording();
  Random& random() { return recorder_ ? recorder_->random() : *parts_.random; }

  void take_commands();
  void obey(const Command& command);
  void reset_safe_off();
  void say(LogLine::Level level, std::string component, std::string text);
  void publish();
  void nudge() const noexcept;

  const NodeOptions options_;
  NodeParts parts_;
  std::unique_ptr<NodeRecorder> recorder_;
  secret::Arena arena_;
  std::optional<TcpListener> listener_;
  SteadyDeadlines deadlines_;
  Descriptor wake_;

  // engine thread only
  session::SessionConfig session_config_;
  std::optional<session::Session> session_;
  std::optional<TcpLink> link_;
  std::unique_ptr<session::FrameReader> reader_;
  std::unique_ptr<Emitter> emitter_;
  bool emitter_waits_ = false;
  std::optional<RateGuard> guard_;  // of all blocks that this side receives
  std::unique_ptr<Receiver> receiver_;
  std::unique_ptr<PairReceiver> pair_receiver_;
  std::optional<detection::pairs::ClosedList> her_list_;      // Bob
  Picoseconds listed_at_;                                     // Bob's tagger when her list came
  std::optional<detection::pairs::MeasuredClicks> measured_;  // Bob, until both lists are in
  std::unique_ptr<PairMatching> matching_;                    // Bob; of all blocks
  std::optional<detection::pairs::BlockMatcher> matcher_;     // Bob; as the last block left it
  std::unique_ptr<FibreTracking> tracking_;                   // Bob, where his rig can
  bool long_blocks_told_ = false;
  RigServer server_;
  std::optional<CalibrationPlan> wanted_calibration_;
  Deadline stale_due_{};
  std::string told_stale_;     // what people were told last
  bool found_anew_ = false;    // a calibration has told the rig what the session does not know yet
  bool aligned_anew_ = false;  // a calibration under way has set the plates
  RigWatch watch_;
  RigSettings settings_;
  std::optional<LightPause> pause_;
  std::string alarmed_;  // what people were told last of the rig; empty: all is well
  bool rig_whole_ = true;
  Snapshot now_;
  bool peer_ready_ = false, gave_up_ = false;
  bool asked_ = false;                 // Alice waits for Bob's answer
  std::uint32_t refusals_ = 0;         // of his, in a row
  std::uint32_t failed_openings_ = 0;  // of this side's light, in a row
  std::string held_off_;               // why the last of them failed
  std::string dark_because_;           // what latched safe_off_, if nobody pressed it
  Deadline not_before_{}, publish_due_{}, light_due_{}, lock_due_{}, list_due_{};
  std::optional<detection::ClockPrior> known_clock_;
  std::chrono::milliseconds reconnect_{};

  std::atomic<bool> safe_off_{false}, stopped_{false};
  mutable std::mutex mutex_;  // guards commands_, published_, finished_
  std::condition_variable changed_;
  std::deque<Command> commands_;
  std::shared_ptr<const Snapshot> published_;
  bool finished_ = false;
  std::unique_ptr<CalibrationRun> calibration_;  // its thread calls nudge(): gone before the rest
  std::unique_ptr<Arming> arming_;               // likewise
  std::jthread thread_;
};

}  // namespace nicol::service
