// SPDX-License-Identifier: Apache-2.0
// What a node does with the session's events and with commands.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <type_traits>

#include "controller/service/engine.hpp"
#include "controller/service/pair_source.hpp"
#include "controller/service/rig_preparation.hpp"

namespace nicol::service {
namespace {

constexpr std::chrono::milliseconds kPublishEvery{50};

struct Advice {
  std::string_view alarm, what_to_do;
};

/// Which aborts are alarms, and what a person should do about them.
Advice advice(session::BlockReason reason) {
  using session::BlockReason;
  switch (reason) {
    case BlockReason::qber:
      return {"qber-over-threshold",
              "Somebody may be listening, or the optics moved: no key was made. Check alignment; if it is good, treat "
              "the line as attacked."};
    case BlockReason::authentication:
      return {"authentication-failure",
              "The classical channel was tampered with, or the peer holds another pre-shared key. Check the network "
              "path and both keys."};
    case BlockReason::monitor:
      return {"monitor", "A receiver monitor left its band. See the log for which, and recalibrate before going on."};
    case BlockReason::verification:
      return {"verification-failure",
              "Reconciliation left an error and it was caught; the block is gone. If it repeats, report it."};
    case BlockReason::device:
      return {"device-fault", "A device failed during the block. See the log, then re-home and re-arm."};
    default:
      return {};
  }
}

}  // namespace

Engine::After Engine::handle(session::Event& event) {
  return std::visit(
      [this](auto& e) -> After {
        using T = std::decay_t<decltype(e)>;
        if constexpr (std::is_same_v<T, session::EventPeerReady>) {
          peer_ready_ = true;
          reader_->allow(session::kMaxPayload);
          now_.state = NodeState::idle;
          reconnect_ = options_.reconnect_first;
        } else if constexpr (std::is_same_v<T, session::EventAskReady>) {
          return apply(session_->rig_ready(why_not_ready()));
        } else if constexpr (std::is_same_v<T, session::EventRigReady>) {
          return rig_answered(e);
        } else if constexpr (std::is_same_v<T, session::EventRigCall>) {
          return rig_called(e);
        } else if constexpr (std::is_same_v<T, session::EventRigAnswer>) {
          if (calibration_) calibration_->answered(e.answer);
        } else if constexpr (std::is_same_v<T, session::EventOpenLight>) {
          open_light(e);
        } else if constexpr (std::is_same_v<T, session::EventHint>) {
          if (!emitter_) return After::go_on;
          light_moved();
          if (auto r = emitter_->hint(e.complete_slots, e.clicked); !r) return light_failed(r.error());
        } else if constexpr (std::is_same_v<T, session::EventPauseLight>) {
          peer_paused(e);
        } else if constexpr (std::is_same_v<T, session::EventPrepareLight>) {
          prepare_light(e);
        } else if constexpr (std::is_same_v<T, session::EventResumeLight>) {
          return resume_light(e.first_slot);
        } else if constexpr (std::is_same_v<T, session::EventPeerClosed>) {
          return peer_closed(std::move(e.hers));
        } else if constexpr (std::is_same_v<T, session::EventCloseLight>) {
          say(LogLine::Level::info, "block", e.why);
          close_light(Ending::dark);
        } else if constexpr (std::is_same_v<T, session::EventBlockDone>) {
          block_done(std::move(e.result));
        } else if constexpr (std::is_same_v<T, session::EventSettled>) {
          say(LogLine::Level::info, "keystore",
              fmt::format("key {} settled: {}", to_string(e.id),
                          e.kind == distillation::Verdict::Kind::available ? "available" : "destroyed"));
        } else if constexpr (std::is_same_v<T, session::EventAlarm>) {
          alarms.raise(e.name, Severity::critical, e.what, e.what_to_do);
          say(LogLine::Level::error, "session", e.what);
        } else if constexpr (std::is_same_v<T, session::EventClosed>) {
          now_.last_error = e.why;
          say(LogLine::Level::warning, "session", e.why);
          if (!peer_ready_ && (e.code == Code::refused || e.code == Code::authentication))
            alarms.raise(kPeerRefused, Severity::critical, e.why,
                         "Compare both nodes' configurations and pre-shared keys. If they are right, somebody else "
                         "answers on this line.");
          return After::reconnect;
        }
        return After::go_on;
      },
      event);
}

void Engine::block_done(session::BlockResult result) {
  using session::BlockStatus;
  close_light(Ending::rest);
  forget_measurement();
  ++now_.blocks_done;
  now_.secret_bits_total += result.secret_bits;
  now_.sifted_bits_total += result.facts.sifted[0] + result.facts.sifted[1];
  now_.pools = parts_.store->pools();
  now_.state = NodeState::idle;
  // A block without key spends its pads like an aborted one: a dark fibre must not empty the pools in seconds.
  now_.failed_in_a_row = result.status == BlockStatus::key ? 0 : now_.failed_in_a_row + 1;
  if (result.status == BlockStatus::aborted) {
    const Advice a = advice(result.reason);
    if (!a.alarm.empty())
      alarms.raise(std::string(a.alarm), Severity::critical, result.detail, std::string(a.what_to_do));
  }
  if (now_.failed_in_a_row >= 3) {
    const auto doublings = std::min<std::uint32_t>(now_.failed_in_a_row - 3, 10);
    wait_before_next(std::min(options_.backoff_first * (1u << doublings), options_.backoff_most));
    now_.state = NodeState::backing_off;
    alarms.raise("blocks-failing", Severity::critical,
                 fmt::format("{} blocks in a row made no key", now_.failed_in_a_row),
                 "Each failed block burns authentication bits. Find the cause before the pre-shared key is spent.");
  }
  track(result);
  blocks.push(std::move(result));
  publish();
}

/// A full disk ends the recording, and people are told; the run goes on.
void Engine::watch_recording() {
  if (!recorder_) return;
  recorder_->flush();
  const auto trouble = recorder_->take_trouble();
  if (!trouble) return;
  const std::string what = fmt::format("recording {} ended: {}", recorder_->file().string(), describe(*trouble));
  alarms.raise("recording-failed", Severity::warning, what,
               "The run goes on unrecorded; what was written so far can be replayed. Make room and record anew.");
  say(LogLine::Level::warning, "recording", what);
}

void Engine::submit(Command command) {
  {
    const std::lock_guard lock(mutex_);
    commands_.push_back(std::move(command));
    finished_ = false;
  }
  nudge();
}

void Engine::take_commands() {
  finish_arming();
  while (true) {
    Command command;
    {
      const std::lock_guard lock(mutex_);
      if (commands_.empty()) return;
      command = std::move(commands_.front());
      commands_.pop_front();
    }
    journal.push({std::chrono::system_clock::now(), command.operator_name, std::string(to_string(command.kind))});
    obey(command);
  }
}

void Engine::finish_arming() {
  if (!arming_) return;
  const auto armed = arming_->take_answer();
  if (!armed) return;
  arming_.reset();
  if (!*armed)
    alarms.raise("arming-refused", Severity::warning, describe(armed->error()), "See what the source reports.");
}

void Engine::obey(const Command& command) {
  switch (command.kind) {
    case Command::Kind::run:
      gave_up_ = false;
      now_.blocks_wanted = command.blocks == 0 ? ~std::uint64_t{0} : now_.blocks_done + command.blocks;
      break;
    case Command::Kind::stop_after_block:
      now_.blocks_wanted = now_.blocks_done + (session_ && session_->block_open() ? 1 : 0);
      break;
    case Command::Kind::stop:
      if (wanted_calibration_) ++now_.calibrations_over;
      wanted_calibration_.reset();
      if (calibration_) calibration_->cancel();
      now_.blocks_wanted = now_.blocks_done;
      if (session_ && session_->block_open())
        apply(session_->abort_block(session::BlockReason::cancelled, "stopped by the operator"));
      break;
    case Command::Kind::arm:
      if (safe_off_)
        alarms.raise("arming-refused", Severity::warning, "light was switched off and is latched",
                     "Reset the latch first, then arm.");
      else if (auto* source = light_source(*parts_.rig); source != nullptr && !arming_)
        arming_ = std::make_unique<Arming>(*source, [this] { nudge(); });
      break;
    case Command::Kind::reset_safe_off:
      reset_safe_off();
      break;
    case Command::Kind::calibrate:
      calibrate(command);
      break;
    case Command::Kind::acknowledge:
      alarms.acknowledge(command.text);
      break;
  }
}

/// A person says that the cause is gone.
void Engine::reset_safe_off() {
  if (const auto cleared = clear_faults(*parts_.rig); !cleared)
    say(LogLine::Level::warning, "rig", describe(cleared.error()));
  safe_off_ = false;
  if (guard_) *guard_ = guard_of(*parts_.rig);
  dark_because_.clear();
  if (now_.state == NodeState::safe_off) now_.state = peer_ready_ ? NodeState::idle : NodeState::connecting;
}

void Engine::say(LogLine::Level level, std::string component, std::string text) {
  log.push({std::chrono::system_clock::now(), level, std::move(component), std::move(text)});
}

std::shared_ptr<const Snapshot> Engine::snapshot() const {
  const std::lock_guard lock(mutex_);
  return published_;
}

bool Engine::finished() const {
  const std::lock_guard lock(mutex_);
  return finished_;
}

std::shared_ptr<const Snapshot> Engine::next_snapshot(const std::shared_ptr<const Snapshot>& seen,
                                                      std::chrono::milliseconds most) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, most, [&] { return published_ != seen; });
  return published_;
}

bool Engine::wait(std::chrono::milliseconds most) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, most, [this] { return finished_; });
}

void Engine::publish() {
  publish_due_ = deadlines_.in(kPublishEvery);
  watch_recording();
  now_.alarms = alarms.list();
  now_.session_state = session_ ? session_->state_name() : "no peer";
  if (safe_off_) now_.state = NodeState::safe_off;
  now_.rig_time = parts_.rig->clock->now();
  if (auto* source = light_source(*parts_.rig)) {
    const auto emission = source->emission();
    now_.emission = emission ? *emission : hal::EmissionState::unknown;
    now_.light = source->light_level();
  }
  now_.devices.clear();
  for (const auto& e : parts_.rig->entries())
    now_.devices.push_back(
        {e.name, e.role, std::string(to_string(e.device->kind())), std::string(to_string(e.device->link())), ""});
  auto fresh = std::make_shared<const Snapshot>(now_);
  const std::lock_guard lock(mutex_);
  published_ = std::move(fresh);
  const bool done = now_.blocks_wanted > 0 && now_.blocks_done >= now_.blocks_wanted && commands_.empty();
  finished_ = (done && !calibration_ && !wanted_calibration_) || gave_up_ || stopped_;
  changed_.notify_all();
}

}  // namespace nicol::service
