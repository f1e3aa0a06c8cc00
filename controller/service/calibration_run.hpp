// SPDX-License-Identifier: Apache-2.0
// A calibration of this node under way: its routines on a thread of their own, its calls of the peer's rig carried by
// the engine.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "controller/service/calibration_limits.hpp"
#include "controller/service/calibration_records.hpp"
#include "controller/service/rig_call.hpp"

namespace nicol::service {

/// Sees every block of tags of a calibration, from its thread: light in states that everybody may know.
using WatchTags = std::function<void(const hal::Rig& own, const hal::TagBlock& block)>;

struct CalibrationPlan {
  std::vector<const calibration::Routine*> routines;
  std::uint64_t seed = 1;
  std::map<std::string, calibration::Report, std::less<>> last;  // the newest of each routine that passed
  std::vector<CalibrationLimit> limits;
  std::optional<std::chrono::seconds> most;    // for all together; what is under way then is cancelled
  std::chrono::milliseconds patience{20'000};  // for one answer of the peer
  double transmission_at_least = 0;            // BenchOptions'
  WatchTags watch = {};                        // empty: nobody
};

class CalibrationRun {
 public:
  /// `own` and what `wake` reaches outlive the run; `wake` is called from its thread when there is a call to carry, or
  /// news.
  CalibrationRun(hal::Rig& own, CalibrationPlan plan, std::function<void()> wake);
  /// Cancels, and waits until everything is put back.
  ~CalibrationRun();

  // Engine thread.
  /// The next RIG_CALL to send, once.
  std::optional<std::vector<std::uint8_t>> take_call();
  void answered(std::span<const std::uint8_t> answer);
  /// No answer will come any more; what runs fails and puts its own side back.
  void link_lost();
  void cancel() { thread_.request_stop(); }
  /// Those done since the last look.
  std::vector<calibration::Report> take_reports();
  std::optional<calibration::Progress> progress() const;
  bool finished() const;

 private:
  void run(const std::stop_token& stop);
  Result<RigAnswer> ask(RigCall call);
  hal::Rig* own_;
  const CalibrationPlan plan_;
  const std::function<void()> wake_;
  mutable std::mutex mutex_;  // guards all below but the thread
  std::condition_variable changed_;
  std::uint32_t last_id_ = 0;
  std::optional<std::vector<std::uint8_t>> call_;
  std::optional<RigAnswer> answer_;
  std::vector<calibration::Report> reports_;
  std::optional<calibration::Progress> progress_;
  bool lost_ = false, finished_ = false;
  std::jthread thread_;
};

}  // namespace nicol::service
